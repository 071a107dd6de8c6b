//===- cache_format.h - Rows of the cache -----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How the row of a token lies in a page, for the compiler and the runtime.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CACHE_FORMAT_H
#define MLA_CACHE_FORMAT_H

#include "mla/launch_abi.h"

namespace mla::schema {

/// Where the parts of a packed row begin, in bytes. Each part begins at a multiple of 16, which TMA requires.
struct PackedRow {
  int64_t scales = 0; ///< f32, one per `scaleColumns` columns of the latent
  int64_t numScales = 0;
  int64_t rope = 0;
  int64_t bytes = 0;
};

/// Columns of the latent that share a scale: DeepSeek-V3's group of activations (arXiv:2412.19437, 3.3).
inline constexpr int64_t scaleColumns = 128;
/// Scales are the largest magnitude over this, the largest number of e4m3 (Micikevicius et al., arXiv:2209.05433, 3).
inline constexpr double largestE4M3 = 448;
/// The least scale, so that rows of zeros divide by a normal number.
inline constexpr double leastScale = 0x1p-126;

constexpr bool isPacked(CacheFormat format) { return format != CacheFormat::Standard; }

/// Returns the layout of a row in a packed format:
///   fp8_row     the latent in e4m3, its scales in f32, k_rope in bf16; 656 bytes where L is 512 and R 64
///   fp8_tensor  latent and k_rope in e4m3
constexpr PackedRow packedRow(CacheFormat format, int64_t latent, int64_t rope) {
  auto align = [](int64_t offset) { return (offset + 15) / 16 * 16; };
  bool hasScales = format == CacheFormat::FP8Row;
  PackedRow row;
  row.scales = hasScales ? (latent + 3) / 4 * 4 : latent;
  row.numScales = hasScales ? (latent + scaleColumns - 1) / scaleColumns : 0;
  row.rope = align(row.scales + 4 * row.numScales);
  row.bytes = align(row.rope + rope * (hasScales ? 2 : 1));
  return row;
}

/// Returns the elements per row: bytes of a packed one.
constexpr int64_t cacheRow(CacheFormat format, int64_t latent, int64_t rope) {
  return isPacked(format) ? packedRow(format, latent, rope).bytes : latent + rope;
}

/// Numbers of a packed row that show that a value was too large, or no number: those whose magnitude, `mask`, is at
/// least `least`. Four bytes hold one of f32, two of bf16 or four of e4m3.
struct RowLimit {
  int64_t offset = 0, words = 0; ///< in the row, in bytes; count of four bytes
  int bits = 8;                  ///< of a number
  uint32_t mask = 0, least = 0;
  int64_t column = 0;  ///< of the first number; those of k_rope follow those of the latent
  int64_t columns = 1; ///< per number

  /// Returns four bytes with `value` in each number.
  constexpr uint32_t inEach(uint32_t value) const {
    return bits == 8 ? value * 0x01010101 : bits == 16 ? value * 0x00010001 : value;
  }
  /// The test of four bytes: `(word & masks()) + carry()` has one of the bits `top()`.
  constexpr uint32_t masks() const { return inEach(mask); }
  constexpr uint32_t top() const { return inEach(uint32_t(1) << (bits - 1)); }
  constexpr uint32_t carry() const { return inEach((uint32_t(1) << (bits - 1)) - least); }
};

/// The parts of a row in a packed format, in order.
///   fp8_tensor  448, to which larger values are rounded, and NaN
///   fp8_row     a scale that is infinite or NaN; NaN; a key that is infinite or NaN
struct RowLimits {
  RowLimit parts[3];
};
constexpr RowLimits limitsOf(CacheFormat format, int64_t latent, int64_t rope) {
  constexpr uint32_t magnitude = 0x7f, e4m3NaN = 0x7f, e4m3Largest = 0x7e, f32Infinity = 0x7f800000,
                     bf16Infinity = 0x7f80;
  PackedRow row = packedRow(format, latent, rope);
  RowLimits limits;
  bool hasScales = format == CacheFormat::FP8Row;
  limits.parts[0] = {0, (latent + 3) / 4, 8, magnitude, hasScales ? e4m3NaN : e4m3Largest, 0, 1};
  limits.parts[1] = {row.scales, row.numScales, 32, f32Infinity, f32Infinity, 0, scaleColumns};
  limits.parts[2] = {row.rope, (rope + 3) / 4, 8, magnitude, e4m3Largest, latent, 1};
  if (hasScales)
    limits.parts[2] = {row.rope, (rope + 1) / 2, 16, bf16Infinity, bf16Infinity, latent, 1};
  return limits;
}

} // namespace mla::schema

#endif // MLA_CACHE_FORMAT_H
