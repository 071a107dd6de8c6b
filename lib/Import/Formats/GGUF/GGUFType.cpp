//===- GGUFType.cpp - Element types of GGUF -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layouts are those of ggml (ggml-common.h, ggml-quants.c). Elements are
// computed in double and rounded once.
//
//===----------------------------------------------------------------------===//

#include "GGUFType.h"
#include "../Widen.h"

using namespace mla;
using namespace mla::importer;

static double half(const uint8_t *at) { return widenF16(loadAt<uint16_t>(at, 0)); }

static void decodeF32(const uint8_t *block, float *to) { *to = loadAt<float>(block, 0); }

static void decodeF16(const uint8_t *block, float *to) { *to = static_cast<float>(half(block)); }

static void decodeBF16(const uint8_t *block, float *to) {
  *to = static_cast<float>(widenBF16(loadAt<uint16_t>(block, 0)));
}

/// Blocks of 32: a scale, maybe a minimum, maybe fifth bits, and two nibbles per byte, 16 elements apart.
template <bool hasMinimum, bool hasFifthBit> static void decodeNibbles(const uint8_t *block, float *to) {
  double scale = half(block), minimum = hasMinimum ? half(block + 2) : 0.0;
  const uint8_t *bits = block + (hasMinimum ? 4 : 2), *nibbles = bits + (hasFifthBit ? 4 : 0);
  uint32_t fifth = hasFifthBit ? loadAt<uint32_t>(bits, 0) : 0;
  int zero = hasMinimum ? 0 : hasFifthBit ? 16 : 8;
  for (int i = 0; i < 32; ++i) {
    int code = (nibbles[i % 16] >> (i / 16 * 4) & 15) | int(fifth >> i & 1) << 4;
    to[i] = static_cast<float>((code - zero) * scale + minimum);
  }
}

static void decodeQ8_0(const uint8_t *block, float *to) {
  double scale = half(block);
  for (int i = 0; i < 32; ++i)
    to[i] = static_cast<float>(static_cast<int8_t>(block[2 + i]) * scale);
}

namespace {
/// The factors of 32 elements of a block of 256.
struct SubBlock {
  int scale, minimum;
};
} // namespace

/// Read eight pairs of 6 bits from 12 bytes: four scales and four minimums with the high bits of the later ones, then
/// the low bits of the later ones.
static SubBlock subBlock(const uint8_t *packed, int index) {
  if (index < 4)
    return {packed[index] & 63, packed[index + 4] & 63};
  return {(packed[index + 4] & 15) | packed[index - 4] >> 6 << 4, packed[index + 4] >> 4 | packed[index] >> 6 << 4};
}

/// Q4_K and Q5_K: 8 sub-blocks of 32; two share 32 bytes, one in the low nibbles and one in the high ones.
template <bool hasFifthBit> static void decodeWithMinimums(const uint8_t *block, float *to) {
  double scale = half(block), minimum = half(block + 2);
  const uint8_t *packed = block + 4, *fifth = packed + 12, *nibbles = fifth + (hasFifthBit ? 32 : 0);
  for (int i = 0; i < 256; ++i) {
    int sub = i / 32, byte = i % 32;
    SubBlock own = subBlock(packed, sub);
    int code = nibbles[sub / 2 * 32 + byte] >> (sub % 2 * 4) & 15;
    if (hasFifthBit)
      code |= (fifth[byte] >> sub & 1) << 4;
    to[i] = static_cast<float>(scale * own.scale * code - minimum * own.minimum);
  }
}

/// Q6_K: two halves of 128 elements with 64 bytes of low nibbles and 32 bytes of high pairs of bits each; a scale for
/// 16 elements.
static void decodeQ6_K(const uint8_t *block, float *to) {
  const uint8_t *low = block, *high = block + 128, *scales = block + 192;
  double scale = half(block + 208);
  for (int i = 0; i < 256; ++i) {
    int part = i / 128, quarter = i % 128 / 32, lane = i % 32;
    int nibble = low[part * 64 + quarter % 2 * 32 + lane] >> (quarter / 2 * 4) & 15;
    int code = (nibble | (high[part * 32 + lane] >> (quarter * 2) & 3) << 4) - 32;
    to[i] = static_cast<float>(scale * static_cast<int8_t>(scales[i / 16]) * code);
  }
}

static constexpr GGUFType table[] = {
    {0, "F32", 1, 4, DType::F32, decodeF32},
    {1, "F16", 1, 2, DType::F16, decodeF16},
    {2, "Q4_0", 32, 18, DType::Other, decodeNibbles<false, false>},
    {3, "Q4_1", 32, 20, DType::Other, decodeNibbles<true, false>},
    {6, "Q5_0", 32, 22, DType::Other, decodeNibbles<false, true>},
    {7, "Q5_1", 32, 24, DType::Other, decodeNibbles<true, true>},
    {8, "Q8_0", 32, 34, DType::Other, decodeQ8_0},
    {12, "Q4_K", 256, 144, DType::Other, decodeWithMinimums<false>},
    {13, "Q5_K", 256, 176, DType::Other, decodeWithMinimums<true>},
    {14, "Q6_K", 256, 210, DType::Other, decodeQ6_K},
    {30, "BF16", 1, 2, DType::BF16, decodeBF16},
};

const GGUFType *mla::importer::findGGUFType(uint32_t number) {
  for (const GGUFType &type : table)
    if (type.number == number)
      return &type;
  return nullptr;
}

void GGUFType::decodeRow(const char *row, int64_t columns, float *to) const {
  auto block = reinterpret_cast<const uint8_t *>(row);
  for (int64_t i = 0; i < columns; i += blockElements, block += blockBytes)
    decode(block, to + i);
}
