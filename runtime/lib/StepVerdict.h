//===- StepVerdict.h - Faults of a step's tables ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_STEPVERDICT_H
#define MLA_RUNTIME_STEPVERDICT_H

#include "mla/abi.h"

#include <string>

namespace mla {

/// The arrays of a step, in host memory, and their bounds.
struct StepTables {
  const int32_t *cuSeqlens = nullptr, *lengths = nullptr, *blockTable = nullptr;
  int64_t tokens = 0, batch = 0, maxQueries = 0, maxLength = 0, tableWidth = 0, pages = 0, page = 0;
  int64_t tokenRanks = 1, tokenRank = 0; ///< as in the cache

  /// Whether an entry of a row of the block table is of this rank.
  bool isOwn(int64_t entry) const { return entry % tokenRanks == tokenRank; }
};

/// Computes the verdict of the kernel step_check for the sequence.
mla_step_verdict judgeSequence(const StepTables &tables, int64_t sequence);

/// Describes a fault: "sequence 3: block_table[3][7] is 4096; give a page, 0 to 4095".
std::string describe(const mla_step_verdict &verdict, int64_t sequence, const StepTables &tables);

} // namespace mla

#endif // MLA_RUNTIME_STEPVERDICT_H
