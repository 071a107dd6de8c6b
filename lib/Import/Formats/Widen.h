//===- Widen.h - Numbers of 4 to 32 bits as double --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_FORMATS_WIDEN_H
#define MLA_LIB_IMPORT_FORMATS_WIDEN_H

#include "mla/safetensors.h"

#include "llvm/ADT/bit.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace mla::importer {

/// Return the number at any byte, little-endian.
template <typename T> T loadAt(const void *data, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char *>(data) + index * sizeof(T), sizeof(T));
  return value;
}

inline double widenBF16(uint16_t bits) { return llvm::bit_cast<float>(uint32_t(bits) << 16); }

/// Return a float with `mantissa` bits behind a sign and `exponent` bits, of which none stands for infinity or NaN.
inline double widenFloat(uint32_t bits, unsigned exponent, unsigned mantissa) {
  int bias = (1 << (exponent - 1)) - 1;
  int power = bits >> mantissa & ((1 << exponent) - 1);
  double fraction = bits & ((1 << mantissa) - 1);
  double size = power ? std::ldexp(fraction + (1 << mantissa), power - bias - int(mantissa))
                      : std::ldexp(fraction, 1 - bias - int(mantissa));
  return bits >> (exponent + mantissa) & 1 ? -size : size;
}

inline double widenF16(uint16_t bits) {
  if ((bits & 0x7C00) != 0x7C00)
    return widenFloat(bits, 5, 10);
  double size = bits & 0x3FF ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  return bits & 0x8000 ? -size : size;
}

inline double widenE4M3(uint8_t bits) {
  return (bits & 0x7F) == 0x7F ? std::numeric_limits<double>::quiet_NaN() : widenFloat(bits, 4, 3);
}

inline double widenE8M0(uint8_t bits) {
  return bits == 0xFF ? std::numeric_limits<double>::quiet_NaN() : std::ldexp(1.0, bits - 127);
}

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_FORMATS_WIDEN_H
