//===- PrepareTile.h - Tiles in which weights are prepared ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A `@prepare` function runs tile by tile: a tile is a box of the result whose
// sizes divide the result's, so that it needs about one tile of memory per
// thread. Operations that only move elements map a box of their result to a box
// of their source, or fail.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_PREPARETILE_H
#define MLA_DIALECT_MLA_ANALYSIS_PREPARETILE_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mla {

/// The attribute of a function with the tile of one call of `@prepare`: one size per dimension of the weight.
constexpr llvm::StringLiteral kPrepareTileAttr = "mla.tile";

/// Return whether the result's elements are those of the first operand, each at most once: a reshape, slice,
/// transposition or panels.
bool movesElements(mlir::Operation *op);

/// Return the sizes of the source's box that holds a box of these sizes of the result. Boxes start at multiples of
/// their sizes. Fails if the elements form no box, and for operations that do more than move elements.
mlir::FailureOr<llvm::SmallVector<int64_t>> sourceTile(mlir::Operation *op, llvm::ArrayRef<int64_t> sizes);

/// Return the size of each piece of a concatenation, in its dimension; nothing if they differ. A box whose size divides
/// it lies in one piece.
std::optional<int64_t> getPieceSize(mlir::tensor::ConcatOp op);

/// Finds the rounding to the stored type, if only moves of elements follow it.
mlir::arith::TruncFOp findRounding(mlir::func::FuncOp prepare);

/// Chooses a tile: for a product one head, all columns and about a thousand rows, so that both factors are reused
/// often; for other weights about a quarter of a million elements.
llvm::SmallVector<int64_t> choosePrepareTile(mlir::func::FuncOp prepare);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_PREPARETILE_H
