//===- Pairs.h - Products for matrix tiles ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile of a processor multiplies rows [m, k] of bf16 by pairs [k / 2, n, 2]:
// elements 2i and 2i + 1 of a column side by side.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MLATOLINALG_PAIRS_H
#define MLA_LIB_CONVERSION_MLATOLINALG_PAIRS_H

#include "Emitter.h"

namespace mla {

/// Rows and columns of sums are multiples of the edge, and contracted sizes of the depth.
constexpr int64_t kTileEdge = 32, kTileDepth = 32;

/// Return [k, n] of bf16 or f32 as pairs [k / 2, n, 2] of bf16.
mlir::Value pairsOf(Emitter &e, mlir::Value tensor);

/// Add the products of rows [m, k] of bf16 and pairs [k / 2, n, 2] to sums [m, n] of f32.
mlir::Value multiplyPairs(Emitter &e, mlir::Value rows, mlir::Value pairs, mlir::Value sums);

/// Let vectors be rows of what an elementwise operation on a tile makes: LLVM would gather columns, which are longer.
void markVectorRows(Emitter &e, mlir::Value made);

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_PAIRS_H
