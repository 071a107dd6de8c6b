//===- TimeLimit.h - How long to wait for others ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_TIMELIMIT_H
#define MLA_RUNTIME_TIMELIMIT_H

#include <chrono>
#include <cstdio>
#include <string>

namespace mla {

/// A time limit, which begins when it is made.
class TimeLimit {
public:
  explicit TimeLimit(double seconds) : seconds(seconds) {}

  /// Returns the seconds since the beginning.
  double elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }
  bool hasPassed() const { return elapsed() > seconds; }
  /// Returns how long it is, for messages.
  std::string text() const {
    char number[32];
    std::snprintf(number, sizeof(number), "%g", seconds);
    return std::string(number) + " seconds";
  }

private:
  double seconds;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

} // namespace mla

#endif // MLA_RUNTIME_TIMELIMIT_H
