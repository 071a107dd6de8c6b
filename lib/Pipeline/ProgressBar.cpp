//===- ProgressBar.cpp - Progress, rate and remaining time ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProgressBar.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mla;

static constexpr int width = 20;
static constexpr std::chrono::milliseconds interval(200);

std::string mla::progressText(llvm::StringRef what, uint64_t done, uint64_t all, double bytesPerSecond) {
  double part = all ? static_cast<double>(done) / all : 1;
  int filled = static_cast<int>(part * width);
  std::string bar =
      std::string(filled, '=') + (filled < width ? ">" : "") + std::string(std::max(width - filled - 1, 0), ' ');
  std::string text =
      llvm::formatv("{0} [{1}] {2}%  {3} of {4} MiB", what, bar, static_cast<int>(part * 100), done >> 20, all >> 20);
  if (bytesPerSecond > 0)
    text += llvm::formatv("  {0:f0} MiB/s  {1:f0} s left", bytesPerSecond / (1 << 20), (all - done) / bytesPerSecond);
  return text;
}

void ProgressBar::update(uint64_t done, uint64_t all) {
  Clock::time_point now = Clock::now();
  if (start == Clock::time_point()) {
    start = shown = now;
    atStart = done;
  } else if (now - shown < interval && done < all) {
    return;
  }
  shown = now;
  double seconds = std::chrono::duration<double>(now - start).count();
  show(progressText(what, done, all, seconds > 0 ? (done - atStart) / seconds : 0));
}
