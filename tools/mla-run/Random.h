//===- Random.h - Seeded values ---------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_RANDOM_H
#define MLA_RUN_RANDOM_H

#include <cmath>
#include <cstdint>

namespace mla::run {

/// SplitMix64's output of a state: neighbours in, unrelated numbers out.
inline uint64_t mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// In (0, 1].
inline double uniform(uint64_t seed) { return static_cast<double>((mix(seed) >> 11) + 1) * 0x1p-53; }

/// Value `index` of a normal distribution of deviation 1, by Box and Muller.
inline float normal(uint64_t index) {
  return static_cast<float>(std::sqrt(-2 * std::log(uniform(2 * index))) *
                            std::cos(6.283185307179586 * uniform(2 * index + 1)));
}

} // namespace mla::run

#endif // MLA_RUN_RANDOM_H
