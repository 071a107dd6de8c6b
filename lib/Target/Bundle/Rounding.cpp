//===- Rounding.cpp - Rounding errors of stored weights -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rounding.h"
#include "Float.h"
#include "WideVectors.h"

#include <algorithm>

using namespace mla;

/// Number of elements checked together, one per lane.
static constexpr int64_t kLanes = 16;
using Halves = uint16_t __attribute__((ext_vector_type(kLanes)));
using Words = uint32_t __attribute__((ext_vector_type(kLanes)));
using Floats = float __attribute__((ext_vector_type(kLanes)));
using Doubles = double __attribute__((ext_vector_type(kLanes)));

namespace {
/// Errors of the elements of each lane. The largest relative error is found without division: e / v > f / w if e w > f
/// v.
struct Lanes {
  Words wrong = 0;
  Floats error = 0, value = 1; ///< the largest relative error is 2^-23 error / value
  Doubles squaredErrors = 0, squares = 0;
};
} // namespace

void RoundingError::add(const RoundingError &other) {
  largest = std::max(largest, other.largest);
  squaredErrors += other.squaredErrors;
  squares += other.squares;
}

/// Add the rounding errors of a multiple of kLanes elements. An element's bits and its error's are integers in units in
/// the last place; NaN counts as wrong.
MLA_WIDE_VECTORS static void addRounding(const float *made, const uint16_t *stored, int64_t count, Lanes &lanes) {
  for (int64_t i = 0; i < count; i += kLanes) {
    Words bits;
    Halves upper;
    std::memcpy(&bits, made + i, sizeof(bits));
    std::memcpy(&upper, stored + i, sizeof(upper));
    Words rounded = __builtin_convertvector(upper, Words) << 16;
    lanes.wrong |= ((bits + 0x7fff + (bits >> 16 & 1)) ^ rounded) & 0xffff0000;
    Floats value = __builtin_bit_cast(Floats, (bits & 0x7fffff) | 0x3f800000);
    Words places = __builtin_elementwise_min(rounded - bits, bits - rounded);
    Floats error = __builtin_convertvector(places, Floats);
    auto isLarger = error * lanes.value > lanes.error * value;
    lanes.error = isLarger ? error : lanes.error;
    lanes.value = isLarger ? value : lanes.value;
    Floats exact = __builtin_bit_cast(Floats, bits), difference = __builtin_bit_cast(Floats, rounded) - exact;
    Doubles wideError = __builtin_convertvector(difference, Doubles), wide = __builtin_convertvector(exact, Doubles);
    lanes.squaredErrors += wideError * wideError;
    lanes.squares += wide * wide;
  }
}

bool mla::checkRounding(const float *made, const uint16_t *stored, int64_t count, RoundingError &error) {
  Lanes lanes;
  int64_t whole = count - count % kLanes;
  addRounding(made, stored, whole, lanes);
  float lastMade[kLanes] = {};
  uint16_t lastStored[kLanes] = {};
  std::copy(made + whole, made + count, lastMade);
  std::copy(stored + whole, stored + count, lastStored);
  addRounding(lastMade, lastStored, kLanes, lanes);
  for (int64_t lane = 0; lane < kLanes; ++lane)
    error.add({0x1p-23 * lanes.error[lane] / lanes.value[lane], lanes.squaredErrors[lane], lanes.squares[lane]});
  return __builtin_reduce_or(lanes.wrong) == 0;
}
