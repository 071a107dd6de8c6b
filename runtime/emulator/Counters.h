//===- Counters.h - What launches did ---------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_COUNTERS_H
#define MLA_EMULATOR_COUNTERS_H

#include "Program.h"

#include <array>

namespace mla::emulator {

/// Of one launch, or of all launches of a kernel. Bytes count what threads ask for, not sectors or lines.
struct Counters {
  uint64_t launches = 0, blocks = 0;
  uint64_t threadInstructions = 0;                            ///< Lanes that executed an instruction.
  std::array<uint64_t, numInstClasses> warpInstructions = {}; ///< By class.
  uint64_t productFlops = 0;                                  ///< 2 m n k of each wgmma, per warpgroup.
  uint64_t globalRead = 0, globalWritten = 0;                 ///< Bytes, by loads and stores of threads.
  uint64_t copiedIn = 0, copiedOut = 0;                       ///< Bytes, by the asynchronous copies.
  uint64_t sharedRead = 0, sharedWritten = 0;                 ///< Bytes, by loads and stores of threads.
  uint64_t sharedAccesses = 0;                                ///< Instructions of a warp.
  uint64_t bankConflicts = 0;                                 ///< Passes over shared memory beyond the least possible.
  uint64_t largestBlock = 0;                                  ///< threadInstructions of the block that has most.
  void add(const Counters &other);
};

} // namespace mla::emulator

#endif // MLA_EMULATOR_COUNTERS_H
