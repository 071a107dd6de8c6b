//===- Collectives.cpp - Exchanges of ranks as blocks -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime exchanges contiguous blocks, one per rank. Gathers and exchanges
// along another dimension than the first become those of blocks, between
// transposes.
//
//===----------------------------------------------------------------------===//

#include "Collectives.h"
#include "Emitter.h"

#include "mla/Dialect/MLA/Analysis/Ranks.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace mla;

/// Return dimensions 0 to rank - 1 without `moved`, which is put in front of what then is dimension `to`.
static SmallVector<int64_t> movedDims(int64_t rank, int64_t moved, int64_t to) {
  SmallVector<int64_t> dims;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim != moved)
      dims.push_back(dim);
  dims.insert(dims.begin() + to, moved);
  return dims;
}

static Value transposed(Emitter &e, Value tensor, ArrayRef<int64_t> dims) {
  if (llvm::is_sorted(dims))
    return tensor;
  SmallVector<OpFoldResult> sizes = applyPermutation(tensor::getMixedSizes(e, e.getLoc(), tensor), dims);
  Value empty = e.empty(sizes, typeOf(tensor).getElementType());
  return linalg::TransposeOp::create(e, tensor, empty, dims)->getResult(0);
}

/// Return the groups of a reshape of `rank` dimensions, of which `split` and the next are one.
static SmallVector<ReassociationIndices> groupsOf(int64_t rank, int64_t split) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim == split + 1)
      groups.back().push_back(dim);
    else
      groups.push_back({dim});
  return groups;
}

/// Divide dimension `dim` into `parts` and the rest.
static Value divided(Emitter &e, Value tensor, int64_t dim, int64_t parts) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(e, e.getLoc(), tensor);
  SmallVector<int64_t> shape(typeOf(tensor).getShape());
  int64_t rest = shape[dim] / parts;
  shape[dim] = rest;
  sizes[dim] = e.size(rest);
  shape.insert(shape.begin() + dim, parts);
  sizes.insert(sizes.begin() + dim, e.size(parts));
  return tensor::ExpandShapeOp::create(e, typeOf(tensor).clone(shape), tensor, groupsOf(shape.size(), dim), sizes);
}

/// Concatenate the blocks of dimension 0 along dimension `axis` of a block.
static Value concatenated(Emitter &e, Value blocks, int64_t axis) {
  int64_t rank = typeOf(blocks).getRank();
  Value moved = transposed(e, blocks, movedDims(rank, 0, axis));
  return tensor::CollapseShapeOp::create(e, moved, groupsOf(rank, axis));
}

static void lower(shard::AllGatherOp op, int64_t parts) {
  OpBuilder builder(op);
  Emitter e(op.getLoc(), builder);
  Value block = op.getInput();
  SmallVector<int64_t> shape(typeOf(block).getShape());
  shape.insert(shape.begin(), 1);
  SmallVector<OpFoldResult> sizes = {e.size(1)};
  llvm::append_range(sizes, tensor::getMixedSizes(e, e.getLoc(), block));
  Value single = tensor::ExpandShapeOp::create(e, typeOf(block).clone(shape), block, groupsOf(shape.size(), 0), sizes);
  shape[0] = parts;
  Value blocks = shard::AllGatherOp::create(e, typeOf(block).clone(shape), op.getGridAttr(), op.getGridAxesAttr(),
                                            single, e.getIndexAttr(0));
  op.replaceAllUsesWith(concatenated(e, blocks, op.getGatherAxis().getSExtValue()));
  op.erase();
}

static void lower(shard::AllToAllOp op, int64_t parts) {
  OpBuilder builder(op);
  Emitter e(op.getLoc(), builder);
  int64_t split = op.getSplitAxis().getSExtValue();
  Value pieces = divided(e, op.getInput(), split, parts);
  Value blocks = transposed(e, pieces, movedDims(typeOf(pieces).getRank(), split, 0));
  Value exchanged = shard::AllToAllOp::create(e, blocks.getType(), op.getGridAttr(), op.getGridAxesAttr(), blocks,
                                              e.getIndexAttr(0), e.getIndexAttr(0));
  op.replaceAllUsesWith(concatenated(e, exchanged, op.getConcatAxis().getSExtValue()));
  op.erase();
}

template <typename Op> static LogicalResult lower(ModuleOp module, Op op) {
  int64_t ranks = countRanks(module, op.getGridAxes());
  if (ranks == 0)
    return op->emitOpError() << "expected a group of consecutive ranks of the grid @" << kGrid;
  lower(op, ranks);
  return success();
}

LogicalResult mla::lowerCollectives(ModuleOp module) {
  SmallVector<Operation *> found;
  module.walk([&](Operation *op) {
    if (isa<shard::AllGatherOp, shard::AllToAllOp>(op))
      found.push_back(op);
  });
  for (Operation *op : found) {
    auto gather = dyn_cast<shard::AllGatherOp>(op);
    if (failed(gather ? lower(module, gather) : lower(module, cast<shard::AllToAllOp>(op))))
      return failure();
  }
  return success();
}
