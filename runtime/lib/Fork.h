//===- Fork.h - What a child of fork() finds --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of the threads of a process, a child of fork() has only the one that called
// it. A mutex that another held then would stay locked there for good.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_FORK_H
#define MLA_RUNTIME_FORK_H

#include <pthread.h>

namespace mla {

/// Holds the mutex of the one object that `get` gives across every fork, so that the child finds the object whole. Call
/// it once, before the mutex is locked. The object is never destroyed, and what runs under the mutex neither forks nor
/// loads libraries.
template <auto get> void keepForChildren() {
  pthread_atfork([] { get().mutex.lock(); }, [] { get().mutex.unlock(); }, [] { get().mutex.unlock(); });
}

} // namespace mla

#endif // MLA_RUNTIME_FORK_H
