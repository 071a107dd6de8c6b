//===- Passes.h - Conversions to and from the mla dialect -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_PASSES_H
#define MLA_CONVERSION_PASSES_H

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mla {
/// On a linalg.generic that `mla-to-linalg` emits: a product of rows [m, k / 2, 2] and pairs [k / 2, n, 2] of bf16,
/// with sums of f32, whose sizes suit matrix tiles.
constexpr llvm::StringLiteral kMatrixTilesAttr = "mla.matrix_tiles";

/// On an elementwise linalg.generic of static shape: its rows are vectors.
constexpr llvm::StringLiteral kVectorRowsAttr = "mla.vector_rows";

#define GEN_PASS_DECL
#include "mla/Conversion/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "mla/Conversion/Passes.h.inc"
} // namespace mla

#endif // MLA_CONVERSION_PASSES_H
