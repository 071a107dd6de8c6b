//===- WriteFile.h - Whole files ------------------------------ -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_WRITEFILE_H
#define MLA_RUN_WRITEFILE_H

#include "mla/error.h"

#include <string>

namespace mla::run {

/// A file that appears whole or not at all: it is written beside its place, and renamed. What is no regular file, such
/// as a pipe, is written in place.
class WholeFile {
public:
  /// Open the file, so that a wrong path is an error before anything is measured.
  static Result<WholeFile> create(const std::string &path);
  WholeFile(WholeFile &&other) noexcept;
  WholeFile &operator=(WholeFile &&) = delete;
  ~WholeFile();

  /// Write the text and put the file in its place.
  Error finish(const std::string &text);

private:
  WholeFile(std::string path, std::string written, int file)
      : path(std::move(path)), written(std::move(written)), file(file) {}

  std::string path, written; ///< the latter is the path itself in place
  int file;                  ///< -1: none
};

} // namespace mla::run

#endif // MLA_RUN_WRITEFILE_H
