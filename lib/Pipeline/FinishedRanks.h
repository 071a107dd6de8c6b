//===- FinishedRanks.h - Resume an interrupted --rank=all -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// --rank=all writes one bundle per rank. Until the last one is written, a file
// beside them records the finished bundles and their requests, so that the same
// command skips them after an interruption.
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
  /// Read the record in the directory of the ranks.
  explicit FinishedRanks(llvm::StringRef directory);

  /// Return whether `bundle` is unchanged since a run with this request wrote it.
  bool contains(llvm::StringRef bundle, llvm::StringRef request) const;
  llvm::Error add(llvm::StringRef bundle, llvm::StringRef request);
  /// Remove the record, after the last bundle.
  void remove();

private:
  std::string path, lines;
};

} // namespace mla

#endif // MLA_LIB_PIPELINE_FINISHEDRANKS_H
