//===- Projections.cpp - Weights of projections, moved and cut --*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Projections.h"
#include "mla/Dialect/MLA/Analysis/Commuting.h"

#include "mla/Dialect/MLA/IR/Adapt.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace mla;

Value mla::permuteWeight(OpBuilder &builder, Location loc, Value weight, ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(weight.getType());
  SmallVector<int64_t> shape = applyPermutation(type.getShape(), permutation);
  Value empty = tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
  return linalg::TransposeOp::create(builder, loc, weight, empty, permutation).getResult()[0];
}

static Value sliceRows(OpBuilder &builder, Location loc, Value weight, int64_t rowDim, RowRange range) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
  SmallVector<OpFoldResult> offsets(shape.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(builder.getContext(), shape);
  SmallVector<OpFoldResult> strides(shape.size(), builder.getIndexAttr(1));
  offsets[rowDim] = builder.getIndexAttr(range.first);
  sizes[rowDim] = builder.getIndexAttr(range.count);
  return tensor::ExtractSliceOp::create(builder, loc, weight, offsets, sizes, strides);
}

/// Scales in f32, so that neither the constant nor the product is rounded here.
static Value scaleWeight(OpBuilder &builder, Location loc, Value weight, const APFloat &factor) {
  auto type = cast<RankedTensorType>(weight.getType()).clone(builder.getF32Type());
  if (weight.getType() != type)
    weight = arith::ExtFOp::create(builder, loc, type, weight);
  auto splat = DenseElementsAttr::get(type, builder.getF32FloatAttr(factor.convertToDouble()).getValue());
  return arith::MulFOp::create(builder, loc, weight, arith::ConstantOp::create(builder, loc, splat));
}

static Value takeIn(OpBuilder &builder, Value weight, int64_t rowDim, ArrayRef<Operation *> between) {
  for (Operation *op : llvm::reverse(between)) {
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      weight = sliceRows(builder, op->getLoc(), weight, rowDim, *getRowRange(slice));
    else if (std::optional<ConstantScale> scale = getConstantScale(op))
      weight = scaleWeight(builder, op->getLoc(), weight, scale->factor);
  }
  return weight;
}

Value mla::narrowWeight(OpBuilder &builder, ProjectOp project, ArrayRef<Operation *> between) {
  return takeIn(builder, project.getWeight(), project.getRowDim(), between);
}

Value mla::narrowBias(OpBuilder &builder, ArrayRef<Operation *> between) {
  Value bias = cast<BiasOp>(between.back()).getBias();
  return takeIn(builder, bias, cast<RankedTensorType>(bias.getType()).getRank() - 1, between.drop_back());
}

Value mla::narrowUpdate(OpBuilder &builder, ArrayRef<Operation *> between) {
  Value up = cast<AdaptOp>(between.back()).getUp();
  return takeIn(builder, up, cast<RankedTensorType>(up.getType()).getRank() - 2, between.drop_back());
}

static Value collapse(OpBuilder &builder, Location loc, Value value, ArrayRef<ReassociationIndices> groups) {
  return tensor::CollapseShapeOp::create(builder, loc, value, groups);
}

static Value expand(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> shape,
                    ArrayRef<ReassociationIndices> groups) {
  auto type = cast<RankedTensorType>(value.getType()).clone(shape);
  return tensor::ExpandShapeOp::create(builder, loc, type, value, groups);
}

/// Treats a bias as a weight with one column; heads that are summed are joined.
Value mla::projectBias(OpBuilder &builder, ProjectOp project, Value bias) {
  Location loc = bias.getLoc();
  Value weight = project.getWeight();
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
  if (project.getHeads() == Heads::Per) {
    Value column = expand(builder, loc, bias, {shape[0], shape[2], 1}, {{0}, {1, 2}});
    return collapse(builder, loc, ComposeOp::create(builder, loc, weight, column), {{0}, {1, 2}});
  }
  int64_t rows = shape[0], columns = shape[1] * shape[2];
  Value flat = collapse(builder, loc, weight, {{0}, {1, 2}});
  Value outer = expand(builder, loc, flat, {1, rows, columns}, {{0, 1}, {2}});
  Value column = expand(builder, loc, collapse(builder, loc, bias, {{0, 1}}), {1, columns, 1}, {{0, 1, 2}});
  return collapse(builder, loc, ComposeOp::create(builder, loc, outer, column), {{0, 1, 2}});
}

void mla::narrowSlices(RewriterBase &rewriter, ProjectOp project, Value folded) {
  for (Operation *user : llvm::make_early_inc_range(project->getUsers())) {
    auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
    std::optional<RowRange> range = slice ? getRowRange(slice) : std::nullopt;
    if (!range)
      continue;
    if (range->count == 0) { // a model without rotary part: weights have at least one row, and any empty tensor will do
      rewriter.setInsertionPointAfterValue(folded);
      SmallVector<OpFoldResult> first(slice.getType().getRank(), rewriter.getIndexAttr(0));
      rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(slice, slice.getType(), folded, first, slice.getMixedSizes(),
                                                          slice.getMixedStrides());
      continue;
    }
    rewriter.setInsertionPoint(project);
    Value weight = narrowWeight(rewriter, project, user);
    rewriter.replaceOpWithNewOp<ProjectOp>(slice, slice.getType(), project.getX(), weight, project.getHeads());
  }
}
