//===- WorkApi.cpp - Work of other libraries ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

using namespace mla;
using namespace mla::emulator;

#define MLA_EXPORT extern "C" __attribute__((visibility("default")))

MLA_EXPORT int mla_emulator_launch(void *stream, const mla_emulator_work *work) {
  MLA_REQUIRE_CONTEXT();
  return device().enqueue({static_cast<cuda::Stream>(stream), WorkRequest{*work}});
}

MLA_EXPORT void *mla_emulator_memory(uint64_t address, uint64_t bytes, int written) {
  GlobalMemory &memory = globalMemory();
  if (!memory.contains(address, bytes))
    return nullptr;
  if (written)
    memory.set(address, bytes, Written);
  else if (!memory.allHave(address, bytes, Written))
    return nullptr;
  return memory.contents(address);
}
