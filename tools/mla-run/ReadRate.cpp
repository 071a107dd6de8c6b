//===- ReadRate.cpp - How fast memory is read -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReadRate.h"

#include "mla/abi.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>

using namespace mla::run;

static constexpr int64_t pieceBytes = 1 << 20, pieces = 512, rounds = 5;

namespace {
struct Reading {
  const uint64_t *words;
  std::atomic<uint64_t> sum{0}; ///< so that nothing is optimized away
};
struct Free {
  void operator()(void *memory) const { std::free(memory); }
};
} // namespace

static void readPiece(void *context, int64_t index) {
  Reading &reading = *static_cast<Reading *>(context);
  constexpr int64_t words = pieceBytes / sizeof(uint64_t);
  uint64_t sum = 0;
  for (int64_t i = 0; i < words; ++i)
    sum += reading.words[index * words + i];
  reading.sum += sum;
}

double mla::run::measureReadRate() {
  std::unique_ptr<uint64_t, Free> words(static_cast<uint64_t *>(std::malloc(pieces * pieceBytes)));
  if (!words)
    return 0;
  std::memset(words.get(), 1, pieces * pieceBytes); // untouched pages are all the same one
  Reading reading{words.get()};
  double best = 0;
  for (int64_t round = 0; round < rounds; ++round) {
    auto start = std::chrono::steady_clock::now();
    mla_parallel_for(readPiece, &reading, pieces);
    std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best = std::max(best, static_cast<double>(pieces * pieceBytes) / std::max(time.count(), 1e-9));
  }
  return best;
}
