//===- ExpertMlp.cpp - An MLP of experts ------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpertMlp.h"

#include "mla/Dialect/MLA/Analysis/Commuting.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Return whether the operation takes columns of all choices.
static bool takesColumns(Operation *op) {
  auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
  return slice && getRowRange(slice);
}

/// Return whether every user of the projection is a slice of columns that only `reader` uses.
static bool isReadBySlices(ExpertsProjectOp op, Operation *reader) {
  return llvm::all_of(op->getUsers(), [&](Operation *user) {
    return takesColumns(user) && llvm::all_of(user->getUsers(), [&](Operation *next) { return next == reader; });
  });
}

/// Find the projection that a slice of columns, or its source, comes from.
static ExpertsProjectOp projectionBehind(Value value) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  return slice ? slice.getSource().getDefiningOp<ExpertsProjectOp>() : ExpertsProjectOp();
}

/// Return what is quantized and dequantized again; other values as they are.
static Value unquantized(Value value) {
  auto dequantize = value.getDefiningOp<DequantizeOp>();
  auto quantize = dequantize ? dequantize.getX().getDefiningOp<QuantizeOp>() : QuantizeOp();
  return quantize && quantize == dequantize.getScale().getDefiningOp() ? quantize.getX() : value;
}

std::optional<ExpertMlp> mla::matchExpertMlp(ExpertsProjectOp down) {
  auto activated = unquantized(down.getX()).getDefiningOp<SwigluOp>();
  if (!down.getSum() || down.getPanels() || !activated || !activated->hasOneUse())
    return std::nullopt;
  ExpertsProjectOp up = projectionBehind(activated.getGate());
  if (!up || up != projectionBehind(activated.getUp()) || up.getSum() || up.getPanels() ||
      typeOf(up.getX()).getRank() != 2 || up.getExperts() != down.getExperts() || !isReadBySlices(up, activated))
    return std::nullopt;
  if (typeOf(up.getWeight()).getDimSize(0) != typeOf(down.getWeight()).getDimSize(0))
    return std::nullopt;
  return ExpertMlp{up, down, activated};
}
