//===- Legality.cpp - What stands between two linear maps -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/Legality.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Slices of rows
//===----------------------------------------------------------------------===//

/// The value whose tokens an operation's result has, one step back, or null.
static Value getTokenSource(Operation *op) {
  return TypeSwitch<Operation *, Value>(op)
      .Case<ProjectOp, BiasOp, RmsNormOp, RopeOp, PositionScaleOp>([](auto tokenwise) { return tokenwise.getX(); })
      .Case([](AttentionOp attention) { return attention.getQNope(); })
      .Case([](LatentAttentionOp attention) { return attention.getQLatent(); })
      .Case([](GatherOp gather) { return gather.getLatent(); })
      .Default(Value());
}

/// The value whose first dimension is `size`, if that is visible.
static Value getMeasured(OpFoldResult size) {
  auto value = dyn_cast<Value>(size);
  auto dim = value ? value.getDefiningOp<tensor::DimOp>() : nullptr;
  return dim && dim.getConstantIndex() == 0 ? dim.getSource() : Value();
}

/// Two tensors have as many tokens if they come of one root.
static Value getTokenRoot(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
    Value source = slice ? getMeasured(slice.getMixedSizes()[0]) : getTokenSource(op);
    if (!source || source == value)
      break;
    value = source;
  }
  return value;
}

/// The slice takes the whole of a dimension; of a dynamic one, the tokens.
static bool takesAll(tensor::ExtractSliceOp slice, int64_t dim) {
  int64_t size = slice.getSourceType().getDimSize(dim);
  if (!isZeroInteger(slice.getMixedOffsets()[dim]))
    return false;
  if (!ShapedType::isDynamic(size))
    return isConstantIntValue(slice.getMixedSizes()[dim], size);
  Value measured = getMeasured(slice.getMixedSizes()[dim]);
  return dim == 0 && measured && getTokenRoot(measured) == getTokenRoot(slice.getSource());
}

std::optional<RowRange> mla::getRowRange(tensor::ExtractSliceOp slice) {
  int64_t last = slice.getSourceType().getRank() - 1;
  if (last < 0 || slice.getType().getRank() != last + 1 || !slice.hasUnitStride())
    return std::nullopt;
  for (int64_t dim = 0; dim < last; ++dim)
    if (!takesAll(slice, dim))
      return std::nullopt;
  std::optional<int64_t> first = getConstantIntValue(slice.getMixedOffsets()[last]);
  std::optional<int64_t> count = getConstantIntValue(slice.getMixedSizes()[last]);
  if (!first || !count)
    return std::nullopt;
  return RowRange{*first, *count};
}

//===----------------------------------------------------------------------===//
// Walks
//===----------------------------------------------------------------------===//

/// Why an operation may not stand between a projection and what it is to move
/// across.
static StringRef whyNot(Operation *op) {
  return TypeSwitch<Operation *, StringRef>(op)
      .Case<RopeOp>(
          [](auto) { return "the rotation depends on the token's position and does not commute with a projection"; })
      .Case<RmsNormOp>([](auto) { return "a norm is not linear"; })
      .Case<BiasOp>([](auto) { return "a bias makes the map affine"; })
      .Case<PositionScaleOp>([](auto) { return "the factor depends on the key's position"; })
      .Case<tensor::ExtractSliceOp>([](auto) { return "the slice may leave out tokens or heads"; })
      .Case<arith::MulFOp, linalg::MulOp>([](auto) { return "a gate depends on the token"; })
      .Case<arith::TruncFOp>([](auto) { return "it rounds what stands between two factors"; })
      .Case<ProjectOp>([](auto) { return "it is not a projection of that side, or its weight is laid out already"; })
      .Default(StringRef("it is not known to commute with a projection"));
}

static bool isReadable(ProjectOp project, Heads heads) { return project.getHeads() == heads && !project.getPanels(); }

static bool isRowSlice(Operation *op) {
  auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
  return slice && getRowRange(slice);
}

/// Back from `value`, through what commutes, to a projection of the kind wanted.
static Reach walkBack(Value value, Heads wanted, function_ref<bool(Operation *)> commutes) {
  Reach reach;
  while (Operation *op = value.getDefiningOp()) {
    if (auto project = dyn_cast<ProjectOp>(op); project && isReadable(project, wanted)) {
      reach.projection = project;
      return reach;
    }
    if (!commutes(op)) {
      reach.obstacle = op;
      reach.why = whyNot(op);
      return reach;
    }
    reach.between.push_back(op);
    value = op->getOperand(0);
  }
  return reach;
}

Reach mla::findUpProjection(Value keysOrValues) { return walkBack(keysOrValues, Heads::To, isRowSlice); }

/// A projection of the kind stands somewhere behind `op`, on this side of any
/// attention.
static bool hidesProjection(Operation *op, Heads wanted) {
  SetVector<Operation *> behind;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [](Operation *made) { return !isa<AttentionOp, LatentAttentionOp>(made); };
  (void)getBackwardSlice(op, &behind, options);
  return llvm::any_of(behind, [&](Operation *made) {
    auto project = dyn_cast<ProjectOp>(made);
    return project && isReadable(project, wanted);
  });
}

Reach mla::findInnerProjection(ProjectOp outer) {
  Heads wanted = outer.getHeads() == Heads::Per ? Heads::To : Heads::Per;
  auto commutes = [](Operation *op) { return isa<PositionScaleOp>(op) || isRowSlice(op); };
  Reach reach = walkBack(outer.getX(), wanted, commutes);
  if (reach.obstacle && !hidesProjection(reach.obstacle, wanted))
    reach.obstacle = nullptr;
  return reach;
}
