//===- PackedRows.h - Rows of a cache in FP8 --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MLATOLINALG_PACKEDROWS_H
#define MLA_LIB_CONVERSION_MLATOLINALG_PACKEDROWS_H

#include "Emitter.h"

#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla {

/// Rows of a page: latents [rows, L] and rotated keys [rows, R], no value if R is 0.
struct Page {
  mlir::Value latents, keys;
};

/// Reads the first `rows` rows of page `number` of a packed cache, as f32.
Page emitUnpack(Emitter &e, CacheType type, mlir::Value pages, mlir::Value number, mlir::OpFoldResult rows);

/// Returns the bytes of a token's row; `latent` [L] and `key` [R] are f32, `key` no value if R is 0.
mlir::Value emitPack(Emitter &e, CacheType type, mlir::Value latent, mlir::Value key);

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_PACKEDROWS_H
