//===- ScaledOperand.h - Operands of products in memory ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a product reads: tensors of bf16, or of e4m3 with scales, which are
// dequantized in the region of its kernel.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_SCALEDOPERAND_H
#define MLA_CONVERSION_MLATOGPU_SM90_SCALEDOPERAND_H

#include "Projection.h"

#include "mla/Conversion/MLAToGPU/Views.h"

namespace mla::gpu {

/// Return the dequantization of an operand that is multiplied in e4m3; null for bf16.
DequantizeOp scaled(mlir::Value operand);

/// Return the tensor in memory: the operand, or its elements of e4m3.
mlir::Value storedOf(mlir::Value operand);

/// Return the elements of x in memory.
mlir::FailureOr<View> viewOfElements(mlir::Value x);

/// Sets the group and the terms of x, and the blocks of a weight with scales. `heads` is how the product takes the
/// dimensions of the weight.
void setElements(ProjectionDims &dims, Heads heads, mlir::Value weight, mlir::Value x);

/// Emits an error if x and the weight have different elements, if those of the weight are no constant of bf16 or e4m3,
/// or if no kernel multiplies them.
mlir::LogicalResult checkElements(mlir::Operation *op, Heads heads, mlir::Value weight, const ProjectionDims &dims);

/// Return the map of a weight of `rows` rows for each head or expert.
TensorMap mapOfWeight(const Buffer &buffer, const ProjectionShape &shape, int64_t rows, mlir::MLIRContext *context);

/// Return the number of elements of a map, which have two bytes, that k has.
int64_t mappedColumns(const ProjectionDims &dims);

/// Adds the scales of the weights and of x, if there are any.
mlir::LogicalResult addScales(llvm::ArrayRef<mlir::Value> weights, mlir::Value x, Launch &launch);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_SCALEDOPERAND_H
