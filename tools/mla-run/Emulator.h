//===- Emulator.h - mla-run --emulate ---------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_EMULATOR_H
#define MLA_RUN_EMULATOR_H

#include "mla/error.h"

#include <cstdint>
#include <map>
#include <string>

namespace mla::run {

/// Make the runtime load the emulated device's driver, which is beside the runtime's library. Call before any other
/// function.
Error useEmulatedDevice();

/// Return the thread instructions of each kernel so far; none without an emulated device.
std::map<std::string, uint64_t> countInstructions();

/// Print the counters of each kernel as a table and as a JSON array of objects.
void printCounters();
std::string countersAsJson();

} // namespace mla::run

#endif // MLA_RUN_EMULATOR_H
