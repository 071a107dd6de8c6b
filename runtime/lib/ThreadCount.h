//===- ThreadCount.h - How many threads to use ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_THREADCOUNT_H
#define MLA_RUNTIME_THREADCOUNT_H

namespace mla {

constexpr int maxThreads = 1024;

/// The number `text` says, or 0 if it is none from 1 to maxThreads.
int parseThreadCount(const char *text);

/// MLA_NUM_THREADS if it is valid, else as many as the process may use processors.
int defaultThreadCount();

} // namespace mla

#endif // MLA_RUNTIME_THREADCOUNT_H
