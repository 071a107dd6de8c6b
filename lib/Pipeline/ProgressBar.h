//===- ProgressBar.h - How far, how fast, how long --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_PROGRESSBAR_H
#define MLA_LIB_PIPELINE_PROGRESSBAR_H

#include "llvm/ADT/StringRef.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace mla {

/// "weights [=====>    ] 57%  234 of 410 MiB  118 MiB/s  1 s left"
std::string progressText(llvm::StringRef what, uint64_t done, uint64_t all, double bytesPerSecond);

/// Shows it a few times a second.
class ProgressBar {
public:
  ProgressBar(llvm::StringRef what, void (*show)(llvm::StringRef)) : what(what), show(show) {}
  void update(uint64_t done, uint64_t all);

private:
  using Clock = std::chrono::steady_clock;
  llvm::StringRef what;
  void (*show)(llvm::StringRef);
  /// The rate is of what was done since the first call: an earlier run's work does not count.
  Clock::time_point start, shown;
  uint64_t atStart = 0;
};

} // namespace mla

#endif // MLA_LIB_PIPELINE_PROGRESSBAR_H
