//===- Fault.cpp - What a kernel did wrong --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fault.h"

#include <cinttypes>
#include <cstdio>

using namespace mla::emulator;

std::string_view mla::emulator::nameOf(FaultKind kind) {
  switch (kind) {
  case FaultKind::OutOfBounds:
    return "out-of-bounds";
  case FaultKind::Misaligned:
    return "misaligned";
  case FaultKind::Uninitialized:
    return "uninitialized";
  case FaultKind::Race:
    return "race";
  case FaultKind::CopyPending:
    return "copy-pending";
  case FaultKind::ProxyFence:
    return "proxy-fence";
  case FaultKind::ProductPending:
    return "product-pending";
  case FaultKind::ProductFence:
    return "product-fence";
  case FaultKind::Barrier:
    return "barrier";
  case FaultKind::Deadlock:
    return "deadlock";
  case FaultKind::Divergence:
    return "divergence";
  case FaultKind::TensorMap:
    return "tensor-map";
  case FaultKind::DependentLaunch:
    return "dependent-launch";
  case FaultKind::Invalid:
    return "invalid";
  case FaultKind::Unsupported:
    return "unsupported";
  case FaultKind::Limit:
    return "limit";
  }
  return "unknown";
}

std::string mla::emulator::hex(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof(text), "0x%" PRIx64, value);
  return text;
}
