//===- LinkShared.h - From an object file to a shared object ----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_NATIVE_LINKSHARED_H
#define MLA_LIB_TARGET_NATIVE_LINKSHARED_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

namespace mla {

/// Link with lld in this process. The result exports only `mla_entry_*` and depends on libmla-runtime, through which it
/// also finds the C library.
llvm::Error linkShared(llvm::StringRef object, llvm::StringRef output);

/// Return the error for a file that could not be written.
llvm::Error noSpace(const llvm::Twine &path, std::error_code code);

} // namespace mla

#endif // MLA_LIB_TARGET_NATIVE_LINKSHARED_H
