//===- Rounding.cpp - What storing a weight costs -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rounding.h"
#include "Float.h"
#include "WideVectors.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mla;

/// Elements looked at together: without an exit the inner loops vectorise.
static constexpr int64_t kChunk = 1024, kLanes = 16;

void RoundingError::add(const RoundingError &other) {
  largest = std::max(largest, other.largest);
  squaredErrors += other.squaredErrors;
  squares += other.squares;
}

MLA_WIDE_VECTORS static bool hasWrongRounding(const float *made, const uint16_t *stored, int64_t count) {
  uint32_t wrong = 0;
  for (int64_t i = 0; i < count; ++i)
    wrong |= stored[i] ^ roundToBF16(made[i]);
  return wrong;
}

int64_t mla::findWrongRounding(const float *made, const uint16_t *stored, int64_t count) {
  for (int64_t begin = 0; begin < count; begin += kChunk) {
    int64_t size = std::min(kChunk, count - begin);
    if (hasWrongRounding(made + begin, stored + begin, size))
      for (int64_t i = begin;; ++i)
        if (stored[i] != roundToBF16(made[i]))
          return i;
  }
  return count;
}

/// In lanes, so that the sums are independent; in f64, which holds the squares of any f32.
MLA_WIDE_VECTORS RoundingError mla::measureRounding(const float *made, const uint16_t *stored, int64_t count) {
  double largest[kLanes] = {}, errors[kLanes] = {}, squares[kLanes] = {};
  auto measure = [&](int64_t at, int64_t lane) {
    double value = made[at], error = std::fabs(widenBF16(stored[at]) - value);
    double relative = error / std::max(std::fabs(value), std::numeric_limits<double>::min());
    largest[lane] = relative > largest[lane] ? relative : largest[lane];
    errors[lane] += error * error;
    squares[lane] += value * value;
  };
  int64_t whole = count - count % kLanes;
  for (int64_t begin = 0; begin < whole; begin += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane)
      measure(begin + lane, lane);
  for (int64_t at = whole; at < count; ++at)
    measure(at, 0);
  RoundingError all;
  for (int64_t lane = 0; lane < kLanes; ++lane)
    all.add({largest[lane], errors[lane], squares[lane]});
  return all;
}
