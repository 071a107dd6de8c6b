//===- Spin.h - Waiting for a few microseconds ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_SPIN_H
#define MLA_RUNTIME_SPIN_H

#include <chrono>

namespace mla {

inline void pauseProcessor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins until done() or until sleeping is cheaper.
template <typename Condition> bool spinUntil(Condition done) {
  auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(20);
  do {
    for (int i = 0; i < 16; ++i) {
      if (done())
        return true;
      pauseProcessor();
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

} // namespace mla

#endif // MLA_RUNTIME_SPIN_H
