//===- Views.h - Tensors of a kernel's region as memory ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Buffers and strides of the values in a kernel's region, for generators of
// kernels (KernelKind::generate).
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_VIEWS_H
#define MLA_CONVERSION_MLATOGPU_VIEWS_H

#include "mla/Dialect/MLA/IR/Launch.h"
#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla::gpu {

/// Return the number of rows (the size of the first dimension) of a tensor: `tokens`, `cached`, `batch + 1`, or a
/// number. `value` is in a kernel's region or outside of kernels.
mlir::AffineExpr rowsOf(mlir::Value value);

/// Return 1 if `count`, which is not negative, is at most `most`, else 0. With it, the grid of one of several launches
/// is not empty.
mlir::AffineExpr isAtMost(mlir::AffineExpr count, int64_t most);

/// Adds a class to the kernel's choice, for a `size` up to `limit`, which a bundle may replace by another up to `most`.
/// Return 1 if a step is of this class or one before it, else 0.
mlir::AffineExpr addClass(Launches &launches, mlir::AffineExpr size, int64_t limit, int64_t most);

/// The memory of a tensor in a kernel's region: an operand, or a slice of one.
struct View {
  Buffer buffer;         ///< its offset is the view's first element
  mlir::AffineExpr rows; ///< size of the first dimension
  /// The tensor's sizes; the first is dynamic unless `rows` is a number.
  llvm::SmallVector<int64_t> shape;
  /// Elements between neighbours of each dimension, in the tensor's order; the last is 1.
  llvm::SmallVector<mlir::AffineExpr> strides;
};

/// The element types that a kernel can read: bf16, or also f32; or e4m3.
enum class Elements { BF16, Float, E4M3 };

/// Return the view, or emit an error if the value is no operand or slice of one.
mlir::FailureOr<View> viewOf(mlir::Value value, Elements elements = Elements::BF16);

/// Return the operand for an argument of a kernel's region: a tensor, or the cache; or the result that holds a value.
mlir::FailureOr<Buffer> operandOf(mlir::Value value);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_VIEWS_H
