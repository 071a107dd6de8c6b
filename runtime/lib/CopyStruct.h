//===- CopyStruct.h - Structs of the C API -------------------- -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_COPYSTRUCT_H
#define MLA_RUNTIME_COPYSTRUCT_H

#include "Status.h"

#include <algorithm>
#include <cstring>

namespace mla {

/// Copies a caller's struct, which begins with its size. One of a later release may be longer: its new fields must be
/// zero. One of an earlier release may be shorter, down to `least` bytes, those of the first: missing fields are zero.
template <typename Struct>
Error copySized(const char *function, const char *name, const Struct *given, size_t least, Struct &copy) {
  if (!given)
    return badArgument(function, std::string(name) + " is NULL; pass one");
  // An uninitialized struct may have any size: reject absurd ones.
  constexpr size_t more = 4096, unit = alignof(Struct);
  if (given->size < least || given->size > sizeof(Struct) + more || given->size % unit)
    return badArgument(function, std::string(name) + "->size is " + std::to_string(given->size) +
                                     "; set it to sizeof, " + std::to_string(sizeof(Struct)));
  const char *bytes = reinterpret_cast<const char *>(given);
  for (size_t i = sizeof(Struct); i < given->size; ++i)
    if (bytes[i])
      return Error(ErrorKind::Unsupported, std::string(function) + ": " + name +
                                               " has fields that this release does not know; zero them, or use a "
                                               "later release");
  copy = {};
  std::memcpy(static_cast<void *>(&copy), given, std::min(given->size, sizeof(Struct)));
  return {};
}

} // namespace mla

#endif // MLA_RUNTIME_COPYSTRUCT_H
