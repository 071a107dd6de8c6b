//===- PackedPieces.h - Pieces of rows of a packed cache --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_PACKEDPIECES_H
#define MLA_CONVERSION_MLATOGPU_SM90_PACKEDPIECES_H

#include "Rows.h"

#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla::gpu {

/// Reads rows of a packed cache as rows of bf16, latent ‖ k_rope, in pieces of eight elements: the values that are
/// cached, rounded once. L and R are multiples of 8.
class PackedPieces {
public:
  static constexpr int64_t elements = 8;

  PackedPieces(CacheFormat format, int64_t latent, int64_t rope)
      : format(format), ofLatent(latent / elements), ofRope(rope / elements),
        row(schema::packedRow(static_cast<schema::CacheFormat>(format), latent, rope)) {}

  int64_t rowBytes() const { return row.bytes; }
  /// Loads a piece of the row at an address, of either part, as four i32. `piece` is less than the pieces of a row.
  Val load(KernelBuilder &k, Val row, Val piece) const;
  /// Loads a piece of the latent, and one of k_rope.
  Val loadLatent(KernelBuilder &k, Val row, Val piece) const;
  Val loadRope(KernelBuilder &k, Val row, Val piece) const;

private:
  CacheFormat format;
  int64_t ofLatent, ofRope; ///< pieces
  schema::PackedRow row;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_PACKEDPIECES_H
