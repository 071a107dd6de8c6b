//===- Generators.h - From mla.kernel to code and launches ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A generator takes widths from the operations in the kernel's region and
// choices from its schedule, adds functions to the module, unless ones of the
// same name are there, and says how they are launched. What it cannot do it
// refuses with an error at the operation.
//
// The regions (value(s) yielded; all activations bf16 unless said otherwise):
//   projection        mla.project of any `heads`; x may be a slice
//   normalize         mla.rms_norm, its gamma f32; or mla.rms_norm to f32,
//                     mla.position_scale, arith.truncf: a scaled query
//   rope              mla.rope of [T, H, R], x may be a slice; or arith.extf,
//                     mla.rope, mla.position_scale, arith.truncf
//   append            mla.append of mla.rms_norm (to f32) and mla.rope, both of
//                     slices; yields the cache
//   gather            mla.gather: latent, k_rope, cu_keys (i32 [B + 1])
//   latent_attention  mla.latent_attention, queries may be slices; o, and the
//                     LSE (f32) if it has one
//   naive_attention   mla.attention, queries may be slices; k_nope and v [N, H, …] or
//                     shared by all heads [N, …]; o, and the LSE if it has one
// Positions come from mla.positions in the region, of `cu` and the cache.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_GENERATORS_H
#define MLA_CONVERSION_MLATOGPU_GENERATORS_H

#include "mla/Conversion/MLAToGPU/Launch.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mla::gpu {

using GenerateFn = mlir::FailureOr<Launches> (*)(KernelOp kernel, mlir::gpu::GPUModuleOp module);

mlir::FailureOr<Launches> generateProjection(KernelOp kernel, mlir::gpu::GPUModuleOp module);
mlir::FailureOr<Launches> generateNormalize(KernelOp kernel, mlir::gpu::GPUModuleOp module);
mlir::FailureOr<Launches> generateRope(KernelOp kernel, mlir::gpu::GPUModuleOp module);
mlir::FailureOr<Launches> generateAppend(KernelOp kernel, mlir::gpu::GPUModuleOp module);
mlir::FailureOr<Launches> generateGather(KernelOp kernel, mlir::gpu::GPUModuleOp module);
mlir::FailureOr<Launches> generateLatentAttention(KernelOp kernel, mlir::gpu::GPUModuleOp module);
mlir::FailureOr<Launches> generateNaiveAttention(KernelOp kernel, mlir::gpu::GPUModuleOp module);

/// The generator of the kernel's kind, run.
mlir::FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module);

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

#endif // MLA_CONVERSION_MLATOGPU_GENERATORS_H
