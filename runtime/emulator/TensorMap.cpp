//===- TensorMap.cpp - What cuTensorMapEncodeTiled encodes ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorMap.h"

#include <cstddef>
#include <cstring>

using namespace mla::emulator;

uint32_t TensorMap::computeChecksum() const {
  unsigned char bytes[offsetof(TensorMap, checksum)];
  std::memcpy(bytes, this, sizeof(bytes));
  uint32_t hash = 2166136261u; // FNV-1a
  for (unsigned char byte : bytes)
    hash = (hash ^ byte) * 16777619u;
  return hash;
}

uint64_t TensorMap::boxBytes() const {
  uint64_t bytes = elementBytes;
  for (unsigned i = 0; i < rank; ++i)
    bytes *= box[i];
  return bytes;
}

/// Bytes of an element of a CUtensorMapDataType; 0 for those that pack several into a byte.
static unsigned bytesOfType(int type) {
  //                                 u8 u16 u32 s32 u64 s64 f16 f32 f64 bf16 f32ftz tf32 tf32ftz
  static constexpr unsigned sizes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
  return type >= 0 && type < 13 ? sizes[type] : 0;
}

/// CUtensorMapSwizzle 0 to 3.
static int bytesOfSwizzle(int swizzle) {
  static constexpr int sizes[] = {0, 32, 64, 128};
  return swizzle >= 0 && swizzle < 4 ? sizes[swizzle] : -1;
}

static std::string dimension(const char *what, unsigned i, uint64_t value, const char *expected) {
  return std::string(what) + "[" + std::to_string(i) + "] is " + std::to_string(value) + "; expected " + expected;
}

static std::string setDimension(TensorMap &map, unsigned i, uint64_t dim, uint32_t box, uint32_t elementStride) {
  if (dim < 1 || dim > (uint64_t(1) << 32))
    return dimension("globalDim", i, dim, "1 to 2^32");
  if (box < 1 || box > 256)
    return dimension("boxDim", i, box, "1 to 256");
  if (elementStride != 1)
    return dimension("elementStrides", i, elementStride, "1, the only one that is emulated");
  map.dims[i] = dim;
  map.box[i] = box;
  return "";
}

static std::string setStride(TensorMap &map, unsigned i, uint64_t stride) {
  if (stride % 16 != 0 || stride >= (uint64_t(1) << 40))
    return dimension("globalStrides", i, stride, "a multiple of 16 below 2^40");
  map.strides[i] = stride;
  return "";
}

std::string mla::emulator::encodeTiled(TensorMap &map, int type, uint32_t rank, uint64_t address, const uint64_t *dims,
                                       const uint64_t *strides, const uint32_t *box, const uint32_t *elementStrides,
                                       int interleave, int swizzle, int fill) {
  std::memset(&map, 0, sizeof(map));
  if (rank < 1 || rank > TensorMap::maxRank)
    return "the rank is " + std::to_string(rank) + "; expected 1 to 5";
  if (!bytesOfType(type) || bytesOfSwizzle(swizzle) < 0 || interleave != 0 || fill != 0)
    return "the data type, swizzle, interleave or fill is none that is emulated";
  if (address % 16 != 0)
    return "globalAddress is no multiple of 16";
  map.magic = TensorMap::tag;
  map.rank = static_cast<uint8_t>(rank);
  map.elementBytes = static_cast<uint8_t>(bytesOfType(type));
  map.swizzle = static_cast<uint8_t>(bytesOfSwizzle(swizzle));
  map.address = address;
  for (unsigned i = 0; i < rank; ++i) {
    std::string error = setDimension(map, i, dims[i], box[i], elementStrides[i]);
    if (error.empty() && i + 1 < rank)
      error = setStride(map, i, strides[i]);
    if (!error.empty())
      return error;
  }
  if (map.rowBytes() % 16 != 0)
    return "a row of the box has " + std::to_string(map.rowBytes()) + " bytes; expected a multiple of 16";
  if (map.swizzle && map.rowBytes() > map.swizzle)
    return "a row of the box has " + std::to_string(map.rowBytes()) + " bytes; expected at most the swizzle's " +
           std::to_string(map.swizzle);
  map.checksum = map.computeChecksum();
  return "";
}
