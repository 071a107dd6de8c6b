//===- ReadKernel.h - What generators read from regions ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shared by the kinds of kernels of rows.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_READKERNEL_H
#define MLA_CONVERSION_MLATOGPU_SM90_READKERNEL_H

#include "Rows.h"

#include "mla/Conversion/MLAToGPU/Views.h"

namespace mla::gpu {

/// Finds the region's operation of a kind, of which it has at most one.
template <typename Op> Op findIn(KernelOp kernel) {
  auto ops = kernel.getBody().getOps<Op>();
  return ops.empty() ? Op() : *ops.begin();
}

mlir::AffineExpr number(KernelOp kernel, int64_t value);
mlir::AffineExpr size(KernelOp kernel, Size which);

/// Returns F32 for a tensor of f32, else BF16.
Element elementOf(mlir::Value value);

/// Checks the width for loads of sixteen bytes per lane.
mlir::LogicalResult checkWidth(KernelOp kernel, int64_t width);
/// Checks that rows of a view, which may be slices, start at multiples of sixteen bytes.
mlir::LogicalResult checkAlignment(KernelOp kernel, const View &view);

/// Returns a launch with a grid of (blocks, 1, 1), without arguments.
Launch launchOf(KernelOp kernel, std::string name, mlir::AffineExpr blocks, int64_t threads);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_READKERNEL_H
