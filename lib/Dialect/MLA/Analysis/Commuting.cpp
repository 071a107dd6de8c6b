//===- Commuting.cpp - Operations that commute with projections -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/Commuting.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Slices of rows
//===----------------------------------------------------------------------===//

/// Return the operand with the same tokens as the operation's result, or null.
static Value getTokenSource(Operation *op) {
  return TypeSwitch<Operation *, Value>(op)
      .Case<ProjectOp, BiasOp, RmsNormOp, RopeOp, PositionScaleOp, QuantizeOp, DequantizeOp, ExpertsProjectOp,
            SortChoicesOp>([](auto tokenwise) { return tokenwise.getX(); })
      .Case<GroupedProjectOp, MixChoicesOp>([](auto ofRows) { return ofRows.getRows(); })
      .Case([](AdaptOp adapted) { return adapted.getY(); })
      .Case([](SwigluOp activated) { return activated.getGate(); })
      .Case([](RouteOp route) { return route.getLogits(); })
      .Case([](AttentionOp attention) { return attention.getQNope(); })
      .Case([](LatentAttentionOp attention) { return attention.getQLatent(); })
      .Case([](shard::AllReduceOp reduced) { return reduced.getInput(); })
      .Case<arith::MulFOp, arith::AddFOp, arith::ExtFOp, arith::TruncFOp>(
          [](auto elementwise) { return elementwise->getOperand(0); })
      .Case([](tensor::ExpandShapeOp expanded) {
        SmallVector<ReassociationIndices> dims = expanded.getReassociationIndices();
        return !dims.empty() && dims.front().size() == 1 ? Value(expanded.getSrc()) : Value();
      })
      .Case([](GatherOp gather) { return gather.getLatent(); })
      .Case([](tensor::ConcatOp concat) { return concat.getDim() == 0 ? Value() : concat.getInputs().front(); })
      .Default(Value());
}

/// Return the value whose first dimension is `size`, if it is visible.
static Value getMeasured(OpFoldResult size) {
  auto value = dyn_cast<Value>(size);
  auto dim = value ? value.getDefiningOp<tensor::DimOp>() : nullptr;
  return dim && dim.getConstantIndex() == 0 ? dim.getSource() : Value();
}

/// Return the root of a value's tokens: two tensors with the same root have the same number of tokens.
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

/// Return whether the slice takes the whole of a dimension; for a dynamic one, all tokens.
static bool takesAll(tensor::ExtractSliceOp slice, int64_t dim) {
  int64_t size = slice.getSourceType().getDimSize(dim);
  if (!isZeroInteger(slice.getMixedOffsets()[dim]))
    return false;
  if (!ShapedType::isDynamic(size))
    return isConstantIntValue(slice.getMixedSizes()[dim], size);
  Value measured = getMeasured(slice.getMixedSizes()[dim]);
  return dim == 0 && measured && getTokenRoot(measured) == getTokenRoot(slice.getSource());
}

bool mla::takesAllRows(tensor::ExtractSliceOp slice) {
  return slice.getSourceType().getRank() > 0 && slice.getType().getRank() == slice.getSourceType().getRank() &&
         isConstantIntValue(slice.getMixedStrides()[0], 1) && takesAll(slice, 0);
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

Value mla::getSourceOfHalves(Value first, Value second) {
  auto left = first.getDefiningOp<tensor::ExtractSliceOp>(), right = second.getDefiningOp<tensor::ExtractSliceOp>();
  if (!left || !right || left.getSource() != right.getSource())
    return {};
  std::optional<RowRange> a = getRowRange(left), b = getRowRange(right);
  bool areHalves = a && b && a->first == 0 && b->first == a->count && a->count == b->count &&
                   2 * a->count == left.getSourceType().getShape().back();
  return areHalves ? left.getSource() : Value();
}

//===----------------------------------------------------------------------===//
// Constant scales
//===----------------------------------------------------------------------===//

/// Return the number that all elements are.
static std::optional<APFloat> getSplat(Value value) {
  APFloat factor(0.0);
  if (matchPattern(value, m_ConstantFloat(&factor))) // of a tensor too, if it is a splat
    return factor;
  if (auto splat = value.getDefiningOp<tensor::SplatOp>())
    return getSplat(splat.getInput());
  if (auto wide = value.getDefiningOp<arith::ExtFOp>()) // exact
    return getSplat(wide.getIn());
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return getSplat(fill.getInputs().front());
  return std::nullopt;
}

std::optional<ConstantScale> mla::getConstantScale(Operation *op) {
  auto product = dyn_cast<arith::MulFOp>(op);
  if (!product || !isa<RankedTensorType>(product.getType()))
    return std::nullopt;
  if (std::optional<APFloat> factor = getSplat(product.getRhs()))
    return ConstantScale{product.getLhs(), *factor};
  if (std::optional<APFloat> factor = getSplat(product.getLhs()))
    return ConstantScale{product.getRhs(), *factor};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Adapters
//===----------------------------------------------------------------------===//

AdaptOp mla::findAdaptation(ProjectOp project) {
  for (Operation *user : project->getUsers())
    if (auto adapted = dyn_cast<AdaptOp>(user); adapted && adapted.getY() == project.getResult())
      return adapted;
  return nullptr;
}
