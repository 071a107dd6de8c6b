//===- Product.h - Products that end otherwise ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products of tokens with weights in kernels whose last operation is another one,
// or whose weights are of experts.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_PRODUCT_H
#define MLA_CONVERSION_MLATOGPU_SM90_PRODUCT_H

#include "ProjectionSchedule.h"

#include "mla/Conversion/MLAToGPU/Views.h"

namespace mla::gpu {

/// A plain mla.project of a weight in one piece, or mla.grouped_project with `first`.
struct Product {
  mlir::Operation *op = nullptr;
  mlir::Value x, weight, first;
  bool gated = false;       ///< its columns are gates, then ups, which are activated
  bool floatResult = false; ///< stored as f32, parts of sums one after the other

  /// Rows of x per token.
  int64_t choices() const;
  ProjectionDims dims() const;
};

/// Return the product that the operation is; an empty one if it is none. `op` may be null.
Product productOf(mlir::Operation *op);

/// Return the code's parameters, or emit an error if no kernel computes the product by these choices.
mlir::FailureOr<ProjectionShape> shapeOf(KernelOp kernel, const Product &product, const ProjectionChoices &choices);

/// Add the code of a product to `module`. Return its launch, which stores to `result`, row r as row order[r] if there
/// is an order.
mlir::FailureOr<Launch> launchOfProduct(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Product &product,
                                        ProjectionShape shape, const Buffer &result, mlir::Value order = {});

/// A kind whose kernels hold one product.
class ProductKind : public KernelKind {
public:
  using KernelKind::KernelKind;
  /// Return an empty product if the region has no such one.
  virtual Product productIn(KernelOp kernel) const = 0;
  llvm::ArrayRef<ScheduleKey> getScheduleKeys() const override { return projectionKeys().drop_back(); } // no splits
  llvm::SmallVector<int64_t> chooseLimits(KernelOp kernel, const Purpose &purpose,
                                          const TargetInfo &target) const override;
  Choices chooseSchedule(KernelOp kernel, const Purpose &purpose, const TargetInfo &target) const override;
  /// Return one launch per class of steps, which store to the kernel's result.
  mlir::FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;

protected:
  mlir::FailureOr<Launches> launchesOf(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Buffer &result,
                                       mlir::Value order = {}) const;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_PRODUCT_H
