//===- SumOfRanks.h - Sums in the order of ranks ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_SUMOFRANKS_H
#define MLA_RUNTIME_SUMOFRANKS_H

#include "Float.h"

#include <algorithm>

namespace mla {

/// The element types of sums, as abi.h numbers them.
enum SummedElement : int32_t { SumF32 = 0, SumBF16 = 1 };

/// Returns the bytes of an element, or 0 for another type.
inline uint64_t bytesOfSummed(int32_t element) { return element == SumF32 ? 4 : element == SumBF16 ? 2 : 0; }

inline float loadSummed(float value) { return value; }
inline float loadSummed(uint16_t value) { return widenBF16(value); }
inline void storeSummed(float sum, float &value) { value = sum; }
inline void storeSummed(float sum, uint16_t &value) { value = roundToBF16(sum); }

/// Adds from rank 0 on, in f32, and rounds once. `result` may be one of the inputs: blocks are read before written.
template <typename Element, typename InputOf>
void sumElements(int64_t ranks, const InputOf &inputOf, Element *result, uint64_t count) {
  constexpr uint64_t block = 256; // the sum stays in the nearest cache
  float sum[block];
  for (uint64_t first = 0; first < count; first += block) {
    uint64_t size = std::min(block, count - first);
    for (int64_t rank = 0; rank < ranks; ++rank) {
      const Element *input = reinterpret_cast<const Element *>(inputOf(rank)) + first;
      for (uint64_t i = 0; i < size; ++i)
        sum[i] = rank ? sum[i] + loadSummed(input[i]) : loadSummed(input[i]);
    }
    for (uint64_t i = 0; i < size; ++i)
      storeSummed(sum[i], result[first + i]);
  }
}

template <typename InputOf>
void sumOfRanks(int64_t ranks, const InputOf &inputOf, void *result, uint64_t count, int32_t element) {
  if (element == SumBF16)
    sumElements(ranks, inputOf, static_cast<uint16_t *>(result), count);
  else
    sumElements(ranks, inputOf, static_cast<float *>(result), count);
}

} // namespace mla

#endif // MLA_RUNTIME_SUMOFRANKS_H
