//===- Memory.h - Checks of available memory --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Without exceptions a standard container that finds no memory ends the process.
// Check here first for sizes that depend on a caller or a file.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_MEMORY_H
#define MLA_RUNTIME_MEMORY_H

#include "mla/error.h"

#include <cerrno>
#include <cstdint>

namespace mla {

/// Returns whether the system would provide that much now, and a little more for small things. Other threads may take
/// it first.
bool hasMemory(uint64_t bytes);

/// Returns "WHERE: the system gives no memory for WHAT; …".
Error outOfMemory(const std::string &where, const std::string &what);

/// Returns the error of a system call about a file: "PATH: cannot WHAT: REASON; ADVICE".
Error systemError(const std::string &path, const char *what, int number, const char *advice);

} // namespace mla

#endif // MLA_RUNTIME_MEMORY_H
