//===- Appends.h - Appends and rotations in kernels' regions ----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_APPENDS_H
#define MLA_CONVERSION_MLATOGPU_SM90_APPENDS_H

#include "Append.h"

#include "mla/Conversion/MLAToGPU/Views.h"

namespace mla::gpu {

PositionScale scaleOf(PositionScaleOp op);

/// Returns a tensor of a cache, which is an operand of the kernel.
mlir::FailureOr<Buffer> partOf(mlir::Value cache, Buffer::Part part);

/// Adds cu_seqlens, lengths, batch: the arguments of Positions.
llvm::LogicalResult addPositions(KernelOp kernel, std::initializer_list<mlir::Value> positions,
                                 std::vector<Argument> &arguments, mlir::Value sequence = {});

/// Returns the rotation of queries that the operation is, or scales by position; null if there is none.
RopeOp rotationOfHeads(mlir::Operation *op);

/// The rotation of queries in a kernel's region.
struct Queries {
  RopeShape shape;
  View x;

  mlir::AffineExpr blocksOfToken(KernelOp kernel) const;
  /// Adds the arguments of RopeArguments; rotated queries are the kernel's `result`-th result.
  void addArguments(KernelOp kernel, unsigned result, std::vector<Argument> &arguments) const;
};
mlir::FailureOr<Queries> queriesOf(KernelOp kernel, RopeOp op, PositionScaleOp scale);

/// The append in a kernel's region, and the rotation of queries if it is also stored.
struct Append {
  AppendShape shape;
  mlir::AffineExpr grid[2]; ///< CTAs in x and y
  std::vector<Argument> arguments;
};
/// Reads it. Emits an error if no kernel computes it.
mlir::FailureOr<Append> readAppend(KernelOp kernel);
/// Adds the code of an append to `module`, and returns its launch.
Launch launchOfAppend(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Append &append);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_APPENDS_H
