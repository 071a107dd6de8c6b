//===- IdFile.h - The id of a group of GPUs ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_IDFILE_H
#define MLA_RUN_IDFILE_H

#include "mla/error.h"
#include "mla/runtime.h"

namespace mla::run {

/// A file by which rank 0 tells the id to the processes of the other ranks.
class IdFile {
public:
  IdFile(std::string path, int64_t rank) : path(std::move(path)), rank(rank) {}
  /// Remove the file, which all have read by then.
  ~IdFile();

  /// Make the id and write it, as rank 0; else wait for it, for so many seconds at most.
  Result<mla_comm_id> exchange(double timeoutSeconds);

private:
  std::string path;
  int64_t rank;
  bool isWritten = false;

  Result<mla_comm_id> make();
};

} // namespace mla::run

#endif // MLA_RUN_IDFILE_H
