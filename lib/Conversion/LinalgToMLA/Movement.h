//===- Movement.h - Look through data movement ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_MOVEMENT_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_MOVEMENT_H

#include "Ranges.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace mla::raise {

/// An element of a tensor.
struct Place {
  mlir::Value tensor;
  llvm::SmallVector<mlir::AffineExpr, 4> index;
};

/// Return the element's place in the operand of the operation that moved it; std::nullopt if that operation computes,
/// or if the element's source depends on the values of the variables.
std::optional<Place> movedFrom(const Place &place, const Variables &variables);

/// Return the loop indices with which the operation writes an element: one expression per parallel loop, null for
/// others. Return std::nullopt if the index does not determine the iteration.
std::optional<llvm::SmallVector<mlir::AffineExpr>> iterationOf(mlir::linalg::LinalgOp op, unsigned result,
                                                               llvm::ArrayRef<mlir::AffineExpr> index);

/// Return the index of an operand in the iteration.
llvm::SmallVector<mlir::AffineExpr, 4> indexOf(mlir::AffineMap map, llvm::ArrayRef<mlir::AffineExpr> iteration,
                                               const Variables &variables);

/// Return the first value in the range of `variable` at which the element's source changes: at a border of a
/// concatenation or of an inserted slice.
std::optional<int64_t> findSplit(const Place &place, mlir::AffineExpr variable, const Variables &variables);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_MOVEMENT_H
