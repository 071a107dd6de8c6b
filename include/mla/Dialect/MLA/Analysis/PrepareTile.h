//===- PrepareTile.h - Tiles in which weights are prepared ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A `@prepare` function is run a tile of its result at a time: a box whose
// sizes divide the result's, so that the memory it takes is near one tile a
// thread. Operations that only move elements map a box of their result to a
// box of their source, or cannot.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_PREPARETILE_H
#define MLA_DIALECT_MLA_ANALYSIS_PREPARETILE_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// What one call of a tiled `@prepare` function makes, on the function: a size for every dimension of the weight.
constexpr llvm::StringLiteral kPrepareTileAttr = "mla.tile";

/// The elements of the result are those of the first operand, each once or not at all: a reshape, slice, transposition
/// or panels.
bool movesElements(mlir::Operation *op);

/// The sizes of the source's box that holds a box of these sizes of the operation's result. Boxes begin at multiples of
/// their sizes. Fails where the elements form no box, and for operations that do more than move elements.
mlir::FailureOr<llvm::SmallVector<int64_t>> sourceTile(mlir::Operation *op, llvm::ArrayRef<int64_t> sizes);

/// The rounding to the type that is stored, if nothing but moves of elements comes after it.
mlir::arith::TruncFOp findRounding(mlir::func::FuncOp prepare);

/// Sizes of a tile: of a product one head, all columns and about a thousand rows, so that what both factors hold is
/// used often; of other weights about a quarter of a million elements.
llvm::SmallVector<int64_t> choosePrepareTile(mlir::func::FuncOp prepare);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_PREPARETILE_H
