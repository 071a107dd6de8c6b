//===- Sizes.h - Sizes known only to a step ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Grids, extents of tensor maps and bytes of workspaces are affine expressions
// over these sizes, and are printed with their names. Grids and workspaces also
// depend on the limits of classes, which a bundle may replace by others: limit0
// is the first of a launch list's.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_IR_SIZES_H
#define MLA_DIALECT_MLA_IR_SIZES_H

#include "mla/launch_abi.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace mla::gpu {

/// The sizes that a step knows before it is enqueued; the first symbols of every expression, in this order.
using schema::numSizes;
using schema::Size;

/// The symbols of every expression: sizes, then limits.
inline constexpr unsigned numSymbols = numSizes + schema::Limit::ClassLimits;

mlir::AffineExpr expressionOf(Size size, mlir::MLIRContext *context);

/// Return a limit of the kernel that is generated, or of the launch list.
mlir::AffineExpr limitOf(unsigned index, mlir::MLIRContext *context);

/// Return the number of a list's limits that the expressions need.
unsigned countLimits(mlir::AffineMap map);

/// Return the expression with the limits of a kernel as those of its launch list, behind `shift` others.
mlir::AffineExpr shiftLimits(mlir::AffineExpr expression, unsigned shift);

/// Return the name of a symbol.
std::string nameOfSymbol(unsigned position);

/// Return the expressions as results of a map from the symbols, the form used by attributes.
mlir::AffineMap mapOf(llvm::ArrayRef<mlir::AffineExpr> expressions, mlir::MLIRContext *context);

/// Return the operator of a non-leaf expression.
schema::Operator operatorOf(mlir::AffineExprKind kind);

/// Prints an expression: sizes by name, `+`, `*`, `floordiv`, `ceildiv` and `mod`.
void print(llvm::raw_ostream &os, mlir::AffineExpr expression);

} // namespace mla::gpu

#endif // MLA_DIALECT_MLA_IR_SIZES_H
