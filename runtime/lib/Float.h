//===- Float.h - Narrow floating-point formats ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_FLOAT_H
#define MLA_RUNTIME_FLOAT_H

#include <cstdint>
#include <cstring>

namespace mla {

inline float floatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline float widenBF16(uint16_t value) { return floatFromBits(static_cast<uint32_t>(value) << 16); }

/// Rounds to nearest, ties to even.
inline uint16_t roundToBF16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  if ((bits & 0x7fffffff) > 0x7f800000)
    return static_cast<uint16_t>(bits >> 16 | 0x40); // a NaN must not round to infinity
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float widenF16(uint16_t value) {
  uint32_t sign = static_cast<uint32_t>(value & 0x8000) << 16, exponent = value >> 10 & 31, fraction = value & 1023;
  if (exponent == 0) // zero and subnormals: fraction * 2^-24
    return (sign ? -1.0f : 1.0f) * static_cast<float>(fraction) * 5.9604644775390625e-08f;
  if (exponent == 31)
    return floatFromBits(sign | 0x7f800000 | fraction << 13);
  return floatFromBits(sign | (exponent + 112) << 23 | fraction << 13);
}

/// Rounds the magnitude of a finite or infinite float to a format with fewer bits of fraction and of exponent, to
/// nearest and ties to even. What is too large for the format is a number above its largest.
template <unsigned fractionBits, unsigned bias> inline uint32_t roundMagnitude(uint32_t bits) {
  constexpr unsigned shift = 23 - fractionBits;
  // A subnormal result: the sum's last place is the format's.
  constexpr uint32_t smallestNormal = (128 - bias) << 23, above = (151 - bias - fractionBits) << 23;
  if (bits < smallestNormal) {
    float sum = floatFromBits(bits) + floatFromBits(above);
    std::memcpy(&bits, &sum, sizeof(bits));
    return bits - above;
  }
  bits -= (127 - bias) << 23;
  return (bits + (1u << (shift - 1)) - 1 + (bits >> shift & 1)) >> shift;
}

/// Rounds to nearest, ties to even. A NaN is 0x7fff.
inline uint16_t roundToF16(float value) {
  uint32_t bits, sign, infinity = 0x7c00;
  std::memcpy(&bits, &value, sizeof(bits));
  sign = bits >> 16 & 0x8000;
  if ((bits &= 0x7fffffff) > 0x7f800000)
    return 0x7fff;
  uint32_t rounded = roundMagnitude<10, 15>(bits);
  return static_cast<uint16_t>(sign | (rounded < infinity ? rounded : infinity));
}

/// OCP's e4m3 has no infinity: 448 is the largest magnitude, and 0x7f the NaN.
inline float widenE4M3(uint8_t value) {
  uint32_t sign = static_cast<uint32_t>(value & 0x80) << 24, exponent = value >> 3 & 15, fraction = value & 7;
  if ((value & 0x7f) == 0x7f)
    return floatFromBits(sign | 0x7fffffff);
  if (exponent == 0) // zero and subnormals: fraction * 2^-9
    return (sign ? -1.0f : 1.0f) * static_cast<float>(fraction) * 0.001953125f;
  return floatFromBits(sign | (exponent + 120) << 23 | fraction << 20);
}

/// Rounds to nearest, ties to even; what is larger than 448, infinity included, is 448 (satfinite). A NaN is 0x7f.
inline uint8_t roundToE4M3(float value) {
  uint32_t bits, sign, largest = 0x7e;
  std::memcpy(&bits, &value, sizeof(bits));
  sign = bits >> 24 & 0x80;
  if ((bits &= 0x7fffffff) > 0x7f800000)
    return 0x7f;
  uint32_t rounded = roundMagnitude<3, 7>(bits);
  return static_cast<uint8_t>(sign | (rounded < largest ? rounded : largest));
}

} // namespace mla

#endif // MLA_RUNTIME_FLOAT_H
