//===- CountersApi.cpp - mla/emulator.h -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"

#include "mla/emulator.h"

using namespace mla::emulator;

#define MLA_EXPORT extern "C" __attribute__((visibility("default")))

static mla_emulator_counters convert(const char *kernel, const Counters &from) {
  const auto &by = from.warpInstructions;
  static_assert(numInstClasses == 11, "mla_emulator_counters has a field per class");
  return {kernel,
          from.launches,
          from.blocks,
          from.threadInstructions,
          by[0],
          by[1],
          by[2],
          by[3],
          by[4],
          by[5],
          by[6],
          by[7],
          by[8],
          by[9],
          by[10],
          from.productFlops,
          from.globalRead,
          from.globalWritten,
          from.copiedIn,
          from.copiedOut,
          from.sharedRead,
          from.sharedWritten,
          from.sharedAccesses,
          from.bankConflicts,
          from.largestBlock};
}

MLA_EXPORT int64_t mla_emulator_get_counters(mla_emulator_counters *counters, int64_t capacity) {
  static std::map<std::string, Counters> kernels; // of all devices; their names are the caller's until the next call
  kernels.clear();
  for (int ordinal = 0; ordinal < settings().devices; ++ordinal)
    for (const auto &[name, values] : deviceOf(ordinal).counters())
      kernels[name].add(values);
  int64_t count = 0;
  for (const auto &[name, values] : kernels) {
    if (count < capacity)
      counters[count] = convert(name.c_str(), values);
    ++count;
  }
  return count;
}

MLA_EXPORT void mla_emulator_reset_counters() {
  for (int ordinal = 0; ordinal < settings().devices; ++ordinal)
    deviceOf(ordinal).resetCounters();
}
