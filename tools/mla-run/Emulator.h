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

/// Make the runtime load the emulated driver and its NCCL, which are beside the runtime's library, with a device for
/// each rank. Call before any other function.
Error useEmulatedDevices(int64_t ranks);

/// Return the thread instructions of each kernel so far; none without an emulated device.
std::map<std::string, uint64_t> countInstructions();

/// Print the counters of each kernel as a table and as a JSON array of objects.
void printCounters();
std::string countersAsJson();

} // namespace mla::run

#endif // MLA_RUN_EMULATOR_H
