//===- Commuting.h - Operations that commute with projections ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Operations on the result of a projection that are the same for every token
// and head, so that they can be applied to its weight instead.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_COMMUTING_H
#define MLA_DIALECT_MLA_ANALYSIS_COMMUTING_H

#include "mla/Dialect/MLA/IR/Adapt.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mla {

/// Rows of a projection's weight, or elements of the last dimension of its
/// result.
struct RowRange {
  int64_t first, count;
};

/// Matches a slice of the last dimension that takes all tokens and heads: such a
/// slice of a projection is the projection of sliced rows.
std::optional<RowRange> getRowRange(mlir::tensor::ExtractSliceOp slice);

/// Return the tensor of which two slices are the first and the second half of the columns, for all tokens and heads;
/// null if they are not.
mlir::Value getSourceOfHalves(mlir::Value first, mlir::Value second);

/// Whether a slice has a row for every row (token) of its source, whatever it takes of each.
bool takesAllRows(mlir::tensor::ExtractSliceOp slice);

/// A multiplication of every element of `x` by one constant.
struct ConstantScale {
  mlir::Value x;
  llvm::APFloat factor;
};

/// Matches `arith.mulf` with a splat: a constant tensor, or a constant number
/// by `tensor.splat` or `linalg.fill`.
std::optional<ConstantScale> getConstantScale(mlir::Operation *op);

/// Return the operation that adds the updates of adapters to a projection's result, if there is one.
AdaptOp findAdaptation(ProjectOp project);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_COMMUTING_H
