//===- JoinProjections.cpp - Two weights in one product ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StoredElements.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mla {
#define GEN_PASS_DEF_MLAJOINPROJECTIONS
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// A tile of a kernel has up to so many rows of the weight, all of one.
static constexpr int64_t kTileRows = 128;

static RankedTensorType weightOf(ProjectOp project) { return cast<RankedTensorType>(project.getWeight().getType()); }

/// Return whether two values are equal: the same, or the same elements with the same scales.
static bool areEqual(Value a, Value b) {
  auto left = a.getDefiningOp<DequantizeOp>(), right = b.getDefiningOp<DequantizeOp>();
  return a == b ||
         (left && right && left->getOperands() == right->getOperands() && left.getBlock() == right.getBlock());
}

/// Return whether the elements of two weights are multiplied alike.
static bool haveSameElements(Value a, Value b) {
  auto left = a.getDefiningOp<DequantizeOp>(), right = b.getDefiningOp<DequantizeOp>();
  if (!left || !right)
    return !left && !right && getElementTypeOrSelf(a.getType()) == getElementTypeOrSelf(b.getType());
  bool areWhole = llvm::all_of(ArrayRef({left, right}), [](DequantizeOp op) {
    return op.getBlock().front() <= cast<RankedTensorType>(op.getType()).getDimSize(0);
  });
  return areWhole && left.getBlock() == right.getBlock() &&
         getElementTypeOrSelf(left.getX().getType()) == getElementTypeOrSelf(right.getX().getType());
}

/// Return whether one product with the rows of `first`, then those of `second`, computes both.
static bool canJoin(ProjectOp first, ProjectOp second, const KernelTarget &target) {
  auto isPlain = [](ProjectOp op) { return op.getHeads() == Heads::None && !op.getPanels(); };
  return isPlain(first) && isPlain(second) && first->getBlock() == second->getBlock() &&
         areEqual(first.getX(), second.getX()) && haveSameElements(first.getWeight(), second.getWeight()) &&
         getElementTypeOrSelf(first.getType()) == getElementTypeOrSelf(second.getType()) &&
         isStoredInFloat(first, target) == isStoredInFloat(second, target) &&
         weightOf(first).getDimSize(0) % kTileRows == 0 && weightOf(second).getDimSize(0) % 8 == 0;
}

/// Move what a weight is computed from in front of `op`. Nothing of it depends on tokens.
static bool moveBefore(Value weight, Operation *op) {
  Operation *defining = weight.getDefiningOp();
  if (!defining || !isa<WeightOp, DequantizeOp>(defining))
    return false;
  if (defining->getBlock() != op->getBlock() || defining->isBeforeInBlock(op))
    return true;
  if (!llvm::all_of(defining->getOperands(), [&](Value operand) { return moveBefore(operand, op); }))
    return false;
  defining->moveBefore(op);
  return true;
}

static Location joinNames(ProjectOp first, ProjectOp second) {
  auto a = dyn_cast<NameLoc>(first.getLoc()), b = dyn_cast<NameLoc>(second.getLoc());
  if (!a || !b)
    return first.getLoc();
  return NameLoc::get(StringAttr::get(first.getContext(), a.getName().getValue() + "_" + b.getName().getValue()));
}

/// Replace the result of a projection by columns of the joined one.
static void replaceBySlice(ProjectOp project, Value joined, int64_t from) {
  OpBuilder builder(project.getContext());
  builder.setInsertionPointAfterValue(joined);
  Location loc = project.getLoc();
  auto type = cast<RankedTensorType>(project.getType());
  OpFoldResult tokens = tensor::getMixedSize(builder, loc, joined, 0);
  SmallVector<OpFoldResult> offsets = {builder.getIndexAttr(0), builder.getIndexAttr(from)};
  SmallVector<OpFoldResult> sizes = {tokens, builder.getIndexAttr(type.getDimSize(1))};
  SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
  Value slice = tensor::ExtractSliceOp::create(builder, loc, type, joined, offsets, sizes, strides);
  Operation *quantized = project.getX().getDefiningOp();
  project.getResult().replaceAllUsesWith(slice);
  project.erase();
  // Each projection has a dequantization of its own.
  if (isa_and_present<DequantizeOp>(quantized) && quantized->use_empty())
    quantized->erase();
}

/// Join two projections at the place of the earlier one.
static bool join(ProjectOp first, ProjectOp second) {
  Operation *place = first->isBeforeInBlock(second) ? first : second;
  if (!moveBefore(first.getWeight(), place) || !moveBefore(second.getWeight(), place))
    return false;
  OpBuilder builder(place);
  int64_t rows = weightOf(first).getDimSize(0), all = rows + weightOf(second).getDimSize(0);
  Location loc = joinNames(first, second);
  Value weight = tensor::ConcatOp::create(builder, loc, 0, ValueRange{first.getWeight(), second.getWeight()});
  auto type = cast<RankedTensorType>(first.getType());
  auto joined = ProjectOp::create(builder, loc, type.clone({type.getDimSize(0), all}), cast<ProjectOp>(place).getX(),
                                  weight, Heads::None);
  replaceBySlice(first, joined, 0);
  replaceBySlice(second, joined, rows);
  return true;
}

static void joinIn(func::FuncOp function, const KernelTarget &target) {
  SmallVector<ProjectOp> projections;
  function.walk([&](ProjectOp project) { projections.push_back(project); });
  for (size_t i = 0; i < projections.size(); ++i)
    for (size_t j = i + 1; projections[i] && j < projections.size(); ++j) {
      ProjectOp a = projections[i], b = projections[j];
      if (b && ((canJoin(a, b, target) && join(a, b)) || (canJoin(b, a, target) && join(b, a))))
        projections[i] = projections[j] = ProjectOp();
    }
}

namespace {
struct MLAJoinProjections : mla::impl::MLAJoinProjectionsBase<MLAJoinProjections> {
  void runOnOperation() override {
    const KernelTarget *target = KernelTarget::findFor(getOperation());
    if (!target)
      return signalPassFailure();
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!isPrepare(function))
        joinIn(function, *target);
  }
};
} // namespace
