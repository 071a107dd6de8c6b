//===- Views.h - Tensors of a kernel's region as memory ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What generators of kernels (KernelKind::generate) need of the operations in
// a region: which buffer a value is, and how it lies there.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_VIEWS_H
#define MLA_CONVERSION_MLATOGPU_VIEWS_H

#include "mla/Dialect/MLA/IR/Launch.h"
#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla::gpu {

/// How many rows (the size of the first dimension) a tensor has: `tokens`, `cached`, `batch + 1`, or a number. `value`
/// is of a kernel's region, or stands around kernels.
mlir::AffineExpr rowsOf(mlir::Value value);

/// A tensor of a kernel's region as it lies in memory: an operand, or a slice of one.
struct View {
  Buffer buffer;         ///< its offset is the view's first element
  mlir::AffineExpr rows; ///< size of the first dimension
  /// The tensor's sizes; the first is dynamic where `rows` is no number.
  llvm::SmallVector<int64_t> shape;
  /// Elements between neighbours of each dimension, in the tensor's order; the last is 1.
  llvm::SmallVector<mlir::AffineExpr> strides;
};

/// What a kernel can read of a tensor: bf16, or f32 as well.
enum class Elements { BF16, Float };

/// An error, where the value is something else.
mlir::FailureOr<View> viewOf(mlir::Value value, Elements elements = Elements::BF16);

/// The operand that an argument of a kernel's region is: a tensor, or the cache.
mlir::FailureOr<Buffer> operandOf(mlir::Value value);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_VIEWS_H
