//===- Layout.cpp - Pack weights into panels --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Projections.h"
#include "WeightUsers.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"
#include "mla/Support/Divisors.h"

#include "llvm/ADT/SmallSet.h"

#include <numeric>

namespace mla {
#define GEN_PASS_DEF_MLALAYOUT
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Shorter vectors do not pay for packing.
static constexpr int64_t kSmallestPanel = 4;

/// Return the dimensions of a weight that are collapsed before its rows are packed.
static SmallVector<ReassociationIndices> getCollapse(Heads heads) {
  if (heads == Heads::To)
    return {{0, 1}, {2}};
  if (heads == Heads::From)
    return {{0}, {1, 2}};
  return {};
}

/// Return the dimension of the rows after that.
static int64_t getPackedDim(Heads heads) { return heads == Heads::To ? 0 : ProjectOp::getRowDim(heads); }

static int64_t getNumRows(Heads heads, RankedTensorType type) {
  int64_t rows = type.getDimSize(ProjectOp::getRowDim(heads));
  return heads == Heads::To ? rows * type.getDimSize(0) : rows;
}

/// Packs the weight into panels of `panel` rows, as in the table of `mla.project`.
static Value pack(OpBuilder &builder, Location loc, Value weight, Heads heads, int64_t panel) {
  if (SmallVector<ReassociationIndices> collapse = getCollapse(heads); !collapse.empty())
    weight = tensor::CollapseShapeOp::create(builder, loc, weight, collapse);
  auto type = cast<RankedTensorType>(weight.getType());
  RankedTensorType packed = linalg::PackOp::inferPackedType(type, panel, getPackedDim(heads));
  Value empty = tensor::EmptyOp::create(builder, loc, packed.getShape(), packed.getElementType());
  OpFoldResult tile = builder.getIndexAttr(panel);
  return linalg::PackOp::create(builder, loc, weight, empty, getPackedDim(heads), tile).getResult();
}

/// Return the kind of projection to pack for, if one layout serves all users.
static std::optional<Heads> getHeads(const WeightUsers &users) {
  llvm::SmallSet<Heads, 4> kinds;
  for (ProjectOp project : users.projections)
    kinds.insert(project.getHeads());
  if (!users.ofExperts.empty()) // an expert is a head
    kinds.insert(Heads::Per);
  if (users.other || !users.ofUpdates.empty() || kinds.empty())
    return std::nullopt;
  if (kinds.size() == 1)
    return *kinds.begin();
  // W_UV is `to_heads` where values are up-projected and `per_head` where it is
  // absorbed: panels within a head are panels of all heads' rows too.
  bool sameWithinHead = kinds.size() == 2 && kinds.contains(Heads::To) && kinds.contains(Heads::Per);
  return sameWithinHead ? std::optional(Heads::Per) : std::nullopt;
}

/// Makes a projection read a weight that was packed for `heads`.
static void readPanels(ProjectOp project, Heads heads) {
  project.setPanels(true);
  if (project.getHeads() == heads)
    return;
  OpBuilder builder(project);
  SmallVector<ReassociationIndices> collapse = {{0, 1}, {2}, {3}};
  project.getWeightMutable().assign(
      tensor::CollapseShapeOp::create(builder, project.getLoc(), project.getWeight(), collapse));
}

/// Return a divisor of the rows whose panels do not reach into two pieces of a concatenation of rows.
static int64_t getNumRowsOfPieces(func::FuncOp prepare, int64_t rows) {
  prepare.walk([&](tensor::ConcatOp op) {
    for (Value piece : op.getInputs())
      rows = std::gcd(rows, cast<RankedTensorType>(piece.getType()).getDimSize(op.getDim()));
  });
  return rows;
}

/// Makes the function return `weight`, which it computes, and its users read that.
static void replaceMade(func::FuncOp prepare, WeightUsers &users, Value weight) {
  prepare.front().getTerminator()->setOperand(0, weight);
  prepare.setFunctionType(FunctionType::get(prepare.getContext(), {}, weight.getType()));
  for (WeightOp user : users.weights)
    user.getResult().setType(cast<RankedTensorType>(weight.getType()));
}

static void layOut(func::FuncOp prepare, WeightUsers &users, Heads heads, int64_t mostRows) {
  auto type = cast<RankedTensorType>(prepare.getResultTypes().front());
  int64_t panel = largestDivisor(getNumRowsOfPieces(prepare, getNumRows(heads, type)), mostRows);
  if (panel < kSmallestPanel)
    return;
  Operation *end = prepare.front().getTerminator();
  OpBuilder builder(end);
  replaceMade(prepare, users, pack(builder, end->getLoc(), end->getOperand(0), heads, panel));
  for (ProjectOp project : users.projections)
    readPanels(project, heads);
  for (ExpertsProjectOp project : users.ofExperts)
    project.setPanels(true);
}

/// Return whether a matrix of an update has its rank before the heads that are summed.
static bool isBeforeHeads(OpOperand *use) {
  auto adapted = cast<AdaptOp>(use->getOwner());
  return use == &adapted.getDownMutable() && adapted.sumsHeads();
}

/// Puts the contracted index of a matrix of updates before its rows, if all users read it in the same way.
static void layOutUpdates(func::FuncOp prepare, WeightUsers &users) {
  bool beforeHeads = isBeforeHeads(users.ofUpdates.front());
  if (users.other || !users.projections.empty() || !users.ofExperts.empty() ||
      llvm::any_of(users.ofUpdates, [&](OpOperand *use) { return isBeforeHeads(use) != beforeHeads; }))
    return;
  Operation *end = prepare.front().getTerminator();
  OpBuilder builder(end);
  Value weight = end->getOperand(0);
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(cast<RankedTensorType>(weight.getType()).getRank()));
  std::rotate(order.begin() + (beforeHeads ? 1 : order.size() - 2), order.end() - (beforeHeads ? 2 : 1), order.end());
  replaceMade(prepare, users, permuteWeight(builder, end->getLoc(), weight, order));
  for (OpOperand *use : users.ofUpdates) {
    auto adapted = cast<AdaptOp>(use->getOwner());
    use == &adapted.getDownMutable() ? adapted.setDownPanels(true) : adapted.setUpPanels(true);
  }
}

/// Whether the function makes one tensor, in one block, and the weights are what it makes.
static bool makes(func::FuncOp prepare, ArrayRef<WeightOp> weights) {
  if (prepare.isExternal() || !llvm::hasSingleElement(prepare.getBody()) || prepare.getNumArguments() != 0 ||
      prepare.getNumResults() != 1 || !isa<func::ReturnOp>(prepare.front().getTerminator()))
    return false;
  return llvm::all_of(weights, [&](WeightOp weight) { return weight.getType() == prepare.getResultTypes().front(); });
}

namespace {
struct MLALayout : mla::impl::MLALayoutBase<MLALayout> {
  using MLALayoutBase::MLALayoutBase;

  void runOnOperation() override {
    llvm::MapVector<StringRef, WeightUsers> users = collectWeightUsers(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!isPrepare(function))
        continue;
      WeightUsers &ofWeight = users[getPreparedName(function)];
      if (!makes(function, ofWeight.weights))
        continue; // not a weight's, or not this one's
      if (std::optional<Heads> heads = getHeads(ofWeight))
        layOut(function, ofWeight, *heads, panel);
      else if (!ofWeight.ofUpdates.empty())
        layOutUpdates(function, ofWeight);
    }
  }
};
} // namespace
