//===- Sizes.h - What only a step knows -------------------------*- C++ -*-===//
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

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "llvm/ADT/StringRef.h"

namespace mla::gpu {

/// What a step knows before it is enqueued; the symbols of every expression, in this order.
enum class Size : unsigned {
  Tokens,     ///< query tokens of all sequences
  Batch,      ///< sequences
  MaxQueries, ///< query tokens of a sequence, at most
  MaxLength,  ///< cached tokens of a sequence, this step's included, at most
  Cached,     ///< cached tokens of all sequences, this step's included, at most
  Pages,      ///< pages of the cache
  TableWidth, ///< entries of a row of the block table
  Processors, ///< multiprocessors of the device
  QStride,    ///< elements between two heads of a query; where an attention is called alone
};
inline constexpr unsigned numSizes = 9;

/// "tokens", "batch", "max_queries", "max_length", "cached", "pages", "table_width", "processors", "q_stride".
llvm::StringRef nameOf(Size size);
mlir::AffineExpr expressionOf(Size size, mlir::MLIRContext *context);

/// The expressions as results of a map from the sizes, in which form attributes hold them.
mlir::AffineMap mapOf(llvm::ArrayRef<mlir::AffineExpr> expressions, mlir::MLIRContext *context);

/// An expression as text: sizes by name, `+`, `*`, `floordiv`, `ceildiv` and `mod`.
void print(llvm::raw_ostream &os, mlir::AffineExpr expression);

} // namespace mla::gpu

#endif // MLA_DIALECT_MLA_IR_SIZES_H
