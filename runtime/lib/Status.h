//===- Status.h - Errors of the C API ---------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_STATUS_H
#define MLA_RUNTIME_STATUS_H

#include "Memory.h"

#include "mla/error.h"
#include "mla/runtime.h"

namespace mla {

/// Stores the message for mla_last_error() and returns the error's status.
mla_status report(const Error &error);

/// Returns the error of a wrong call: "WHERE: WHAT; what to do".
inline Error badArgument(const char *where, const std::string &what) {
  return Error(ErrorKind::InvalidArgument, std::string(where) + ": " + what);
}

} // namespace mla

#endif // MLA_RUNTIME_STATUS_H
