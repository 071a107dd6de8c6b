//===- Library.h - Shared libraries, by their files -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// dlopen() looks for a loaded library of the given name before it looks at the
// file: after a bundle was replaced, or in another working directory, the same
// path returns the library that was loaded first. A Library is the file that the
// path names now.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_LIBRARY_H
#define MLA_RUNTIME_LIBRARY_H

#include "mla/error.h"

#include <memory>

namespace mla {

class Library {
public:
  /// Loads it with its dependencies, with local symbols. `path` has a directory.
  static Result<std::unique_ptr<Library>> open(const std::string &path);
  ~Library();

  void *handle() const { return library; }

private:
  void *library;
  std::string name; ///< that the loader knows it by

  Library(void *library, std::string name) : library(library), name(std::move(name)) {}
};

} // namespace mla

#endif // MLA_RUNTIME_LIBRARY_H
