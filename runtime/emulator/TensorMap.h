//===- TensorMap.h - What cuTensorMapEncodeTiled encodes --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_TENSORMAP_H
#define MLA_EMULATOR_TENSORMAP_H

#include <cstdint>
#include <string>

namespace mla::emulator {

/// A tiled tensor map (CUDA driver API, "Tensor Map Object Managment"). Lies in the 128 opaque bytes of a CUtensorMap,
/// in an encoding of the emulator's own.
struct TensorMap {
  static constexpr unsigned maxRank = 5;
  static constexpr uint32_t tag = 0x4d4c4154; ///< Tells maps from other bytes.

  uint32_t magic;
  uint8_t rank, elementBytes, swizzle; ///< swizzle: bytes of a row of the pattern: 0, 32, 64 or 128.
  uint8_t reserved;
  uint64_t address;
  uint64_t dims[maxRank];        ///< Elements, innermost first.
  uint64_t strides[maxRank - 1]; ///< Bytes from one element of dimension i + 1 to the next.
  uint32_t box[maxRank];         ///< Elements.
  uint32_t checksum;             ///< Of what stands before it.

  uint32_t computeChecksum() const;
  bool isValid() const { return magic == tag && checksum == computeChecksum(); }
  uint64_t boxBytes() const;
  uint64_t rowBytes() const { return uint64_t(box[0]) * elementBytes; }
};
static_assert(sizeof(TensorMap) <= 128);

/// The driver's arguments, checked as the driver's documentation states them. Returns the error, or "".
std::string encodeTiled(TensorMap &map, int type, uint32_t rank, uint64_t address, const uint64_t *dims,
                        const uint64_t *strides, const uint32_t *box, const uint32_t *elementStrides, int interleave,
                        int swizzle, int fill);

/// Where byte `offset` of a row of a swizzled tile lies: 16-byte chunks within `swizzle` bytes are exchanged by address
/// bits from 7 up (PTX ISA 8.6, 5.5.7 "Swizzling modes").
inline uint32_t swizzled(uint32_t address, unsigned swizzle) {
  unsigned mask = swizzle / 16 - (swizzle != 0); // 128: 7, 64: 3, 32: 1
  return address ^ (((address >> 7) & mask) << 4);
}

} // namespace mla::emulator

#endif // MLA_EMULATOR_TENSORMAP_H
