//===- ThreadCount.h - The number of threads --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_THREADCOUNT_H
#define MLA_RUNTIME_THREADCOUNT_H

namespace mla {

constexpr int maxThreads = 1024;

/// Parses a number from 1 to maxThreads; returns 0 for anything else.
int parseThreadCount(const char *text);

/// Returns MLA_NUM_THREADS if it is valid, else one per processor that the process may use.
int defaultThreadCount();

} // namespace mla

#endif // MLA_RUNTIME_THREADCOUNT_H
