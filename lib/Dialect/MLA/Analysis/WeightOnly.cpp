//===- WeightOnly.cpp - Values that depend only on weights ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/WeightOnly.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mla;

bool mla::isWeightOp(Operation *op) {
  return isa<WeightOp, DequantizeOp, ComposeOp, tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             tensor::ConcatOp, tensor::EmptyOp, linalg::TransposeOp, linalg::PackOp, arith::ConstantOp, arith::ExtFOp,
             arith::TruncFOp, arith::AddFOp, arith::MulFOp>(op) &&
         llvm::all_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>);
}

/// Return whether all operations that compute the value are weight operations that `admits` accepts. Visit each
/// operation once.
static bool isMadeOf(Value value, function_ref<bool(Operation *)> admits) {
  llvm::SmallSetVector<Operation *, 8> makers;
  makers.insert(value.getDefiningOp());
  for (size_t i = 0; i < makers.size(); ++i) {
    Operation *op = makers[i];
    if (!op || !isWeightOp(op) || !admits(op))
      return false;
    for (Value operand : op->getOperands())
      makers.insert(operand.getDefiningOp());
  }
  return true;
}

bool mla::isWeightOnly(Value value) {
  return isMadeOf(value, [](Operation *) { return true; });
}

bool mla::isConstantOnly(Value value) {
  return isMadeOf(value, [](Operation *op) { return !isa<WeightOp>(op); });
}
