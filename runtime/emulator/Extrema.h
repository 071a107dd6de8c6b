//===- Extrema.h - Minimum and maximum of floats ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_EXTREMA_H
#define MLA_EMULATOR_EXTREMA_H

#include <bit>
#include <cmath>
#include <cstdint>

namespace mla::emulator {

inline float canonicalNaN() { return std::bit_cast<float>(uint32_t(0x7fffffff)); }

/// min and max: a NaN operand gives the other one; -0 is smaller than +0.
inline float smaller(float a, float b) {
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) ? b : a;
  return a < b || (a == b && std::signbit(a)) ? a : b;
}
inline float larger(float a, float b) {
  if (std::isnan(a) || std::isnan(b))
    return std::isnan(a) ? b : a;
  return a > b || (a == b && !std::signbit(a)) ? a : b;
}

/// min.NaN and max.NaN: a NaN operand gives NaN.
inline float smallerOrNaN(float a, float b) { return std::isnan(a) || std::isnan(b) ? canonicalNaN() : smaller(a, b); }
inline float largerOrNaN(float a, float b) { return std::isnan(a) || std::isnan(b) ? canonicalNaN() : larger(a, b); }

} // namespace mla::emulator

#endif // MLA_EMULATOR_EXTREMA_H
