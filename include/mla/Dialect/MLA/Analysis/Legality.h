//===- Legality.h - What stands between two linear maps ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Moving an up-projection is legal where only maps that commute with it stand
// on the use-def chain. These walks say which projection is reached, or which
// operation stands in the way and why. They decide nothing and change nothing.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_LEGALITY_H
#define MLA_DIALECT_MLA_ANALYSIS_LEGALITY_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mla {

/// The end of a walk from a value towards what made it.
struct Reach {
  /// The projection, or null.
  ProjectOp projection;
  /// What stands between and commutes, the one beside the projection last:
  /// row slices, and in a walk for folding position scales.
  llvm::SmallVector<mlir::Operation *> between;
  /// What stands in the way and why. Null where a walk ends at an argument, or
  /// where there is no projection behind it: then there is nothing to move.
  mlir::Operation *obstacle = nullptr;
  llvm::StringRef why;
};

/// From keys or values of an attention to the projection of the latent that
/// makes them: the one that absorption moves.
Reach findUpProjection(mlir::Value keysOrValues);

/// From a `per_head` projection to the `to_heads` one whose result it reads
/// (query side), or from a `from_heads` one to a `per_head` one (output side):
/// the pair that folding makes one.
Reach findInnerProjection(ProjectOp outer);

/// Rows of a projection's weight, or elements of the last dimension of its
/// result.
struct RowRange {
  int64_t first, count;
};

/// What a slice takes of the last dimension, if it takes all tokens and heads:
/// such a slice of a projection is the projection of sliced rows.
std::optional<RowRange> getRowRange(mlir::tensor::ExtractSliceOp slice);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_LEGALITY_H
