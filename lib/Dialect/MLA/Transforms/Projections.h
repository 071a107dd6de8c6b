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

/// Return `weight` with its dimensions in another order.
mlir::Value permuteWeight(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value weight,
                          llvm::ArrayRef<int64_t> permutation);

/// Applies the operations in between to the weight of a projection: takes only
/// the rows of slices, times constant scales; `between` is the result of a walk
/// of Legality.h.
mlir::Value narrowWeight(mlir::OpBuilder &builder, ProjectOp project, llvm::ArrayRef<mlir::Operation *> between);

/// Does the same with the bias that is the last of `between`.
mlir::Value narrowBias(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Operation *> between);

/// Does the same with the matrix `up` of the update of adapters that is the last of `between`.
mlir::Value narrowUpdate(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Operation *> between);

/// Moves a bias of the projection's input behind it: `W b`, a weight.
mlir::Value projectBias(mlir::OpBuilder &builder, ProjectOp project, mlir::Value bias);

/// Turns every row slice of the projection into a projection of its own, so that
/// nothing is computed twice once one of them is folded, into `folded`. A slice
/// without elements becomes an empty slice of `folded`.
void narrowSlices(mlir::RewriterBase &rewriter, ProjectOp project, mlir::Value folded);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_PROJECTIONS_H
