//===- Projections.cpp - Weights of projections, moved and cut --*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Projections.h"

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

/// Where the rows are in a weight of the op's table.
static int64_t getRowDim(Heads heads) { return heads == Heads::To || heads == Heads::Per ? 1 : 0; }

static Value sliceRows(OpBuilder &builder, Location loc, Value weight, Heads heads, RowRange range) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(weight.getType()).getShape();
  SmallVector<OpFoldResult> offsets(shape.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(builder.getContext(), shape);
  SmallVector<OpFoldResult> strides(shape.size(), builder.getIndexAttr(1));
  offsets[getRowDim(heads)] = builder.getIndexAttr(range.first);
  sizes[getRowDim(heads)] = builder.getIndexAttr(range.count);
  return tensor::ExtractSliceOp::create(builder, loc, weight, offsets, sizes, strides);
}

Value mla::narrowWeight(OpBuilder &builder, ProjectOp project, ArrayRef<Operation *> between) {
  Value weight = project.getWeight();
  for (Operation *op : llvm::reverse(between))
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      weight = sliceRows(builder, slice.getLoc(), weight, project.getHeads(), *getRowRange(slice));
  return weight;
}

void mla::narrowSlices(RewriterBase &rewriter, ProjectOp project) {
  for (Operation *user : llvm::make_early_inc_range(project->getUsers())) {
    auto slice = dyn_cast<tensor::ExtractSliceOp>(user);
    if (!slice || !getRowRange(slice))
      continue;
    rewriter.setInsertionPoint(project);
    Value weight = narrowWeight(rewriter, project, user);
    rewriter.replaceOpWithNewOp<ProjectOp>(slice, slice.getType(), project.getX(), weight, project.getHeads());
  }
}
