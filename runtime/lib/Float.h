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

} // namespace mla

#endif // MLA_RUNTIME_FLOAT_H
