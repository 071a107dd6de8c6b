//===- Movement.h - Through operations that only move elements --*- C++ -*-===//
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

/// Where the element was before the operation that makes the tensor moved it; nothing if that operation computes, or if
/// the element comes of several places for several values of the variables.
std::optional<Place> movedFrom(const Place &place, const Variables &variables);

/// The loops' variables where the operation writes an element: an expression a parallel loop, null for others. Nothing
/// if elements do not say which iteration writes them.
std::optional<llvm::SmallVector<mlir::AffineExpr>> iterationOf(mlir::linalg::LinalgOp op, unsigned result,
                                                               llvm::ArrayRef<mlir::AffineExpr> index);

/// The index of an operand in the iteration.
llvm::SmallVector<mlir::AffineExpr, 4> indexOf(mlir::AffineMap map, llvm::ArrayRef<mlir::AffineExpr> iteration,
                                               const Variables &variables);

/// Where in the range of `variable` the element begins to come of another place: of a concatenation, or a slice that
/// was inserted. The first such value.
std::optional<int64_t> findSplit(const Place &place, mlir::AffineExpr variable, const Variables &variables);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_MOVEMENT_H
