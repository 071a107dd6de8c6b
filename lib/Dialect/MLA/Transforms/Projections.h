//===- Projections.h - Weights of projections, moved and cut ----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_PROJECTIONS_H
#define MLA_DIALECT_MLA_TRANSFORMS_PROJECTIONS_H

#include "mla/Dialect/MLA/Analysis/Legality.h"

#include "mlir/IR/PatternMatch.h"

namespace mla {

/// `weight` with its dimensions in another order.
mlir::Value permuteWeight(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value weight,
                          llvm::ArrayRef<int64_t> permutation);

/// The weight of a projection with what stands between taken in: only the rows
/// that slices take, times constant scales; `between` as a walk of Legality.h
/// leaves it.
mlir::Value narrowWeight(mlir::OpBuilder &builder, ProjectOp project, llvm::ArrayRef<mlir::Operation *> between);

/// The same of the bias that is the last of `between`.
mlir::Value narrowBias(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Operation *> between);

/// What a bias of the projection's input is behind it: `W b`, a weight.
mlir::Value projectBias(mlir::OpBuilder &builder, ProjectOp project, mlir::Value bias);

/// Every row slice of the projection becomes a projection of its own, so that
/// nothing is computed twice once one of them is folded, into `folded`. A slice
/// without elements becomes one of that.
void narrowSlices(mlir::RewriterBase &rewriter, ProjectOp project, mlir::Value folded);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_PROJECTIONS_H
