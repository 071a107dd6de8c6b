//===- HoistPositionScale.cpp - Scale a query once --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HoistPositionScale.h"

#include "mla/Dialect/MLA/IR/MLA.h"

using namespace mlir;
using namespace mla;

/// What a factor a token commutes with, if `use` is what is multiplied by it.
static bool commutes(OpOperand &use) {
  return isa<ProjectOp, RopeOp, tensor::ExtractSliceOp>(use.getOwner()) && use.getOperandNumber() == 0;
}

/// The norm that a scaled value comes of.
static RmsNormOp findNorm(PositionScaleOp scale) {
  Operation *op = scale.getX().getDefiningOp();
  while (op && isa<ProjectOp, RopeOp, tensor::ExtractSliceOp>(op))
    op = op->getOperand(0).getDefiningOp();
  return dyn_cast_if_present<RmsNormOp>(op);
}

static bool sameFactor(PositionScaleOp a, PositionScaleOp b) {
  return a.getPosition() == b.getPosition() && a.getBeta() == b.getBeta() && a.getOriginal() == b.getOriginal();
}

/// Whether every way from `value` on meets a scale with the factor of `scale` before anything else.
static bool isScaledEverywhere(Value value, PositionScaleOp scale) {
  return llvm::all_of(value.getUses(), [&](OpOperand &use) {
    if (auto own = dyn_cast<PositionScaleOp>(use.getOwner()))
      return sameFactor(own, scale);
    return commutes(use) && isScaledEverywhere(use.getOwner()->getResult(0), scale);
  });
}

/// Positions stand before the norm.
static bool isKnownAt(Value position, Operation *op) {
  Operation *defining = position.getDefiningOp();
  return !defining || (defining->getBlock() == op->getBlock() && defining->isBeforeInBlock(op));
}

void mla::hoistPositionScales(func::FuncOp function) {
  SmallVector<PositionScaleOp> scales;
  function.walk([&](PositionScaleOp scale) { scales.push_back(scale); });
  if (scales.empty())
    return;
  PositionScaleOp first = scales.front();
  RmsNormOp norm = findNorm(first);
  if (!norm || llvm::any_of(scales, [&](PositionScaleOp scale) { return findNorm(scale) != norm; }) ||
      !isScaledEverywhere(norm.getResult(), first) || !isKnownAt(first.getPosition(), norm))
    return;
  OpBuilder builder(norm->getContext());
  builder.setInsertionPointAfter(norm);
  auto scaled = PositionScaleOp::create(builder, norm.getLoc(), norm.getResult(), first.getPosition(),
                                        first.getBetaAttr(), first.getOriginalAttr());
  norm.getResult().replaceAllUsesExcept(scaled, scaled);
  for (PositionScaleOp scale : scales) {
    scale.replaceAllUsesWith(scale.getX());
    scale.erase();
  }
}
