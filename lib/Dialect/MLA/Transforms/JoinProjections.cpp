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

/// Return whether the projection has no heads, or heads whose parts are read through strides. What reads heads whole,
/// such as an attention, may need rows of tokens and heads evenly apart, which columns of a joined result are not.
static bool mayBeColumns(ProjectOp op) {
  if (op.getPanels() || op.getHeads() == Heads::None)
    return !op.getPanels();
  bool isScaled = op.getWeight().getDefiningOp<DequantizeOp>() != nullptr; // blocks of a flat weight would be others
  return op.getHeads() == Heads::To && !isScaled &&
         llvm::all_of(op->getUsers(), llvm::IsaPred<tensor::ExtractSliceOp, tensor::DimOp>);
}

/// Return whether one product with the rows of `first`, then those of `second`, computes both.
static bool canJoin(ProjectOp first, ProjectOp second, const KernelTarget &target) {
  return mayBeColumns(first) && mayBeColumns(second) && first->getBlock() == second->getBlock() &&
         areEqual(first.getX(), second.getX()) && haveSameElements(first.getWeight(), second.getWeight()) &&
         getElementTypeOrSelf(first.getType()) == getElementTypeOrSelf(second.getType()) &&
         isStoredInFloat(first, target) == isStoredInFloat(second, target) && first.getNumRows() % kTileRows == 0 &&
         second.getNumRows() % 8 == 0;
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

/// Return the weight with the rows of all heads one after the other.
static Value flatWeight(OpBuilder &builder, ProjectOp project) {
  if (project.getHeads() == Heads::None)
    return project.getWeight();
  SmallVector<ReassociationIndices> groups = {{0, 1}, {2}};
  return tensor::CollapseShapeOp::create(builder, project.getLoc(), project.getWeight(), groups);
}

/// Return rows of columns, of which heads have parts if the projection has heads.
static Value splitHeads(OpBuilder &builder, ProjectOp project, Value rows, OpFoldResult tokens) {
  if (project.getHeads() == Heads::None)
    return rows;
  auto type = cast<RankedTensorType>(project.getType());
  SmallVector<OpFoldResult> sizes = {tokens};
  llvm::append_range(sizes, getAsIndexOpFoldResult(builder.getContext(), type.getShape().drop_front()));
  SmallVector<ReassociationIndices> groups = {{0}, {1, 2}};
  return tensor::ExpandShapeOp::create(builder, project.getLoc(), type, rows, groups, sizes);
}

/// Replace the result of a projection by columns of the joined one.
static void replaceBySlice(ProjectOp project, Value joined, int64_t from) {
  OpBuilder builder(project.getContext());
  builder.setInsertionPointAfterValue(joined);
  Location loc = project.getLoc();
  auto type = cast<RankedTensorType>(joined.getType());
  int64_t columns = project.getNumRows();
  OpFoldResult tokens = tensor::getMixedSize(builder, loc, joined, 0);
  SmallVector<OpFoldResult> offsets = {builder.getIndexAttr(0), builder.getIndexAttr(from)};
  SmallVector<OpFoldResult> sizes = {tokens, builder.getIndexAttr(columns)};
  SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
  Value slice = tensor::ExtractSliceOp::create(builder, loc, type.clone({type.getDimSize(0), columns}), joined, offsets,
                                               sizes, strides);
  slice = splitHeads(builder, project, slice, tokens);
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
  int64_t rows = first.getNumRows(), all = rows + second.getNumRows();
  Location loc = joinNames(first, second);
  Value weights[] = {flatWeight(builder, first), flatWeight(builder, second)};
  Value weight = tensor::ConcatOp::create(builder, loc, 0, weights);
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
