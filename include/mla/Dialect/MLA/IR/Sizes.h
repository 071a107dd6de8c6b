//===- Sizes.h - Sizes known only to a step ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Grids, extents of tensor maps and bytes of workspaces are affine expressions
// over these sizes, and are printed with their names.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_IR_SIZES_H
#define MLA_DIALECT_MLA_IR_SIZES_H

#include "mla/launch_abi.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "llvm/ADT/StringRef.h"

namespace mla::gpu {

/// The sizes that a step knows before it is enqueued; the symbols of every expression, in this order.
using schema::numSizes;
using schema::Size;

mlir::AffineExpr expressionOf(Size size, mlir::MLIRContext *context);

/// Return the expressions as results of a map from the sizes, the form used by attributes.
mlir::AffineMap mapOf(llvm::ArrayRef<mlir::AffineExpr> expressions, mlir::MLIRContext *context);

/// Return the operator of a non-leaf expression.
schema::Operator operatorOf(mlir::AffineExprKind kind);

/// Prints an expression: sizes by name, `+`, `*`, `floordiv`, `ceildiv` and `mod`.
void print(llvm::raw_ostream &os, mlir::AffineExpr expression);

} // namespace mla::gpu

#endif // MLA_DIALECT_MLA_IR_SIZES_H
