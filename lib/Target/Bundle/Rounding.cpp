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

/// In lanes, so that the sums are independent; within a lane f32 is exact enough for what is reported.
MLA_WIDE_VECTORS static void measureLanes(const float *made, const uint16_t *stored, int64_t count,
                                          RoundingError &into) {
  float largest[kLanes] = {}, errors[kLanes] = {}, squares[kLanes] = {};
  for (int64_t begin = 0; begin + kLanes <= count; begin += kLanes)
    for (int64_t i = 0; i < kLanes; ++i) {
      float value = made[begin + i], error = std::fabs(widenBF16(stored[begin + i]) - value);
      float relative = error / std::max(std::fabs(value), 1e-37f);
      largest[i] = relative > largest[i] ? relative : largest[i];
      errors[i] += error * error;
      squares[i] += value * value;
    }
  for (int64_t i = 0; i < kLanes; ++i)
    into.add({largest[i], errors[i], squares[i]});
}

RoundingError mla::measureRounding(const float *made, const uint16_t *stored, int64_t count) {
  RoundingError all;
  for (int64_t begin = 0; begin < count; begin += kChunk)
    measureLanes(made + begin, stored + begin, std::min(kChunk, count - begin), all);
  for (int64_t i = count - count % kLanes; i < count; ++i) {
    double error = std::fabs(double(widenBF16(stored[i])) - made[i]), square = double(made[i]) * made[i];
    all.add({made[i] != 0 ? error / std::fabs(made[i]) : 0, error * error, square});
  }
  return all;
}
