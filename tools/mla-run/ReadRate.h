//===- ReadRate.h - How fast memory is read ------------------- -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_READRATE_H
#define MLA_RUN_READRATE_H

namespace mla::run {

/// Return the bytes a second at which the runtime's threads read memory that no cache holds; 0 if there is no memory
/// for that.
double measureReadRate();

} // namespace mla::run

#endif // MLA_RUN_READRATE_H
