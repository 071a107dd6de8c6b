//===- DoesNotFit.cpp - What a model needs of a device --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DoesNotFit.h"

#include <cstdio>

using namespace mla;

/// Returns "31.42 GB", or a smaller unit.
static std::string sizeText(uint64_t bytes) {
  char text[32];
  auto amount = static_cast<double>(bytes);
  if (bytes < 1000000)
    std::snprintf(text, sizeof(text), "%.0f bytes", amount);
  else
    std::snprintf(text, sizeof(text), "%.2f %s", amount * (bytes < 1000000000 ? 1e-6 : 1e-9),
                  bytes < 1000000000 ? "MB" : "GB");
  return text;
}

Error mla::weightsDoNotFit(const std::string &where, const CudaContext &context, const Manifest &manifest,
                           uint64_t bytes) {
  size_t free = 0, total = 0;
  if (cuda::Status status = context.driver.cuMemGetInfo(&free, &total))
    return context.driver.failed(where, "cuMemGetInfo", status);
  uint64_t missing = bytes > free ? bytes - free : 0;
  std::string what = missing ? sizeText(missing) + " are missing" : "none of it in one piece";
  return Error(ErrorKind::OutOfMemory, where + ": its weights need " + sizeText(bytes) + ", " + context.name + " has " +
                                           sizeText(free) + " of " + sizeText(total) + " free: " + what + "; " +
                                           adviseToFit(manifest, bytes, free));
}
