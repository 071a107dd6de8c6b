//===- ProgressBar.h - Progress, rate and remaining time --------*- C++ -*-===//
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

/// Return "weights [=====>    ] 57%  234 of 410 MiB  118 MiB/s  1 s left".
std::string progressText(llvm::StringRef what, uint64_t done, uint64_t all, double bytesPerSecond);

/// Prints progress a few times per second.
class ProgressBar {
public:
  ProgressBar(llvm::StringRef what, void (*show)(llvm::StringRef)) : what(what), show(show) {}
  void update(uint64_t done, uint64_t all);

private:
  using Clock = std::chrono::steady_clock;
  llvm::StringRef what;
  void (*show)(llvm::StringRef);
  /// The rate excludes the work of an earlier run, done before the first call.
  Clock::time_point start, shown;
  uint64_t atStart = 0;
};

} // namespace mla

#endif // MLA_LIB_PIPELINE_PROGRESSBAR_H
