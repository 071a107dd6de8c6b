//===- FinishedRanks.h - What an interrupted run has made -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// --rank=all writes a bundle a rank. Until the last one is there, a file beside
// them says which are finished, of which request, so that the same command
// after an interruption goes on behind them.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_FINISHEDRANKS_H
#define MLA_LIB_PIPELINE_FINISHEDRANKS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mla {

class FinishedRanks {
public:
  /// Reads what the directory around the ranks says.
  explicit FinishedRanks(llvm::StringRef directory);

  /// Whether `bundle` is as a run of that request has left it.
  bool contains(llvm::StringRef bundle, llvm::StringRef request) const;
  llvm::Error add(llvm::StringRef bundle, llvm::StringRef request);
  /// With all of them there, nothing is left to go on with.
  void remove();

private:
  std::string path, lines;
};

} // namespace mla

#endif // MLA_LIB_PIPELINE_FINISHEDRANKS_H
