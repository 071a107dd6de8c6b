//===- Ranks.h - Bundles of several ranks -----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every rank runs the same mode on a bundle of its own, and rank 0 prints. Ranks
// are threads of this process, or processes that meet in a file.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_RANKS_H
#define MLA_RUN_RANKS_H

#include "Options.h"

#include "mla/error.h"

namespace mla::run {

/// Return the number of ranks whose bundles are in the directory; 0 if it is no such directory.
Result<int64_t> ranksIn(const std::string &directory);

/// Run the mode on all ranks, as threads. Return whether all is right, and the ranks agree.
Result<bool> runAllRanks(const Options &options, int64_t ranks);

/// Run the options' rank in this process. `ranks` is 0 if the options name the bundle of the rank itself.
Result<bool> runOneRank(const Options &options, int64_t ranks);

} // namespace mla::run

#endif // MLA_RUN_RANKS_H
