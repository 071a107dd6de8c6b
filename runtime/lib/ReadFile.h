//===- ReadFile.h - Whole files into memory ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_READFILE_H
#define MLA_RUNTIME_READFILE_H

#include "mla/error.h"

#include <cstdint>

namespace mla {

/// Of a manifest. A model's is far smaller.
constexpr int64_t maxManifestBytes = 64 << 20;

/// Returns the content of a file of a bundle, which must be a regular file of at most `most` bytes and no link to one.
Result<std::string> readFile(const std::string &path, int64_t most);

/// Returns the content of a regular file that the user named, or of a checkpoint. Follows links: the Hugging Face cache
/// keeps links to these files.
Result<std::string> readForeignFile(const std::string &path, int64_t most);

/// Returns the error for a file of a bundle that is a symbolic link: it could lead out of the bundle.
Error isLink(const std::string &path);

/// Returns the error of a system call about a file of a bundle.
Error failedCall(const std::string &path, const char *what, int number);

} // namespace mla

#endif // MLA_RUNTIME_READFILE_H
