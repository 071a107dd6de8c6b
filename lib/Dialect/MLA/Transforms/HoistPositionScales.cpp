//===- HoistPositionScales.cpp - Scale the query latent ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Unreached.h"
#include "mla/Dialect/MLA/Analysis/Commuting.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

namespace mla {
#define GEN_PASS_DEF_MLAHOISTPOSITIONSCALES
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Return the norm that a value comes from through operations that commute, or null.
static RmsNormOp findNorm(Value value);

/// Return whether a factor per token commutes with the operation, as a map of its first operand; a slice must take
/// every token.
static bool commutes(Operation *op) {
  auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
  if (auto adapted = dyn_cast<AdaptOp>(op)) // if both of its terms have the factor
    return findNorm(adapted.getX()) && findNorm(adapted.getX()) == findNorm(adapted.getY());
  return slice ? getRowRange(slice).has_value() : isa<ProjectOp, RopeOp>(op);
}

static RmsNormOp findNorm(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && commutes(op))
    op = op->getOperand(0).getDefiningOp();
  return dyn_cast_if_present<RmsNormOp>(op);
}

static bool sameFactor(PositionScaleOp a, PositionScaleOp b) {
  return a.getPosition() == b.getPosition() && a.getBeta() == b.getBeta() && a.getOriginal() == b.getOriginal();
}

/// Return whether every path from `value` first meets a scale with the factor of `scale`.
static bool isScaledEverywhere(Value value, PositionScaleOp scale) {
  return llvm::all_of(value.getUses(), [&](OpOperand &use) {
    if (auto own = dyn_cast<PositionScaleOp>(use.getOwner()))
      return sameFactor(own, scale);
    bool isInput = use.getOperandNumber() == 0 || (isa<AdaptOp>(use.getOwner()) && use.getOperandNumber() == 1);
    return isInput && commutes(use.getOwner()) && isScaledEverywhere(use.getOwner()->getResult(0), scale);
  });
}

/// Return whether positions are available before the norm.
static bool isKnownAt(Value position, Operation *op) {
  Operation *defining = position.getDefiningOp();
  return !defining || (defining->getBlock() == op->getBlock() && defining->isBeforeInBlock(op));
}

static void hoistIn(func::FuncOp function) {
  SmallVector<PositionScaleOp> scales;
  function.walk([&](PositionScaleOp scale) { scales.push_back(scale); });
  if (scales.empty())
    return;
  PositionScaleOp first = scales.front();
  RmsNormOp norm = findNorm(first.getX());
  if (!norm || llvm::any_of(scales, [&](PositionScaleOp scale) { return findNorm(scale.getX()) != norm; }) ||
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

namespace {
struct MLAHoistPositionScales : mla::impl::MLAHoistPositionScalesBase<MLAHoistPositionScales> {
  void runOnOperation() override {
    eraseUnreached(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>())
      hoistIn(function);
  }
};
} // namespace
