//===- DivideTokens.cpp - Attend to the tokens of all ranks -----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"

namespace mla {
#define GEN_PASS_DEF_MLADIVIDETOKENS
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static const shard::GridAxis kGroupAxis[] = {RanksOfGroup};

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static RankedTensorType withSize(RankedTensorType type, int64_t dim, int64_t size) {
  return RankedTensorType::Builder(type).dropDim(dim).insertDim(size, dim);
}

/// Sum what the ranks of the group have gathered: every row is of one of them, and zero in all others.
static void sumRows(GatherOp op) {
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  for (Value rows : {op.getLatent(), op.getKRope()}) {
    if (typeOf(rows).getDimSize(1) == 0)
      continue;
    auto sum = shard::AllReduceOp::create(builder, op.getLoc(), rows.getType(), kGrid, kGroupAxis, rows,
                                          shard::ReductionKind::Sum);
    rows.replaceAllUsesExcept(sum, sum);
  }
}

namespace {
/// Rewrites an attention to a divided cache. Every rank of the group attends to its own pages for the queries of all
/// heads of the group, and gets the partial results of its own heads from all others.
class GroupAttention {
public:
  GroupAttention(LatentAttentionOp op, int64_t heads)
      : op(op), builder(op), loc(op.getLoc()), parts(op.getCache().getType().getParts()),
        own(typeOf(op.getQLatent()).getDimSize(1)), heads(heads) {}
  void rewrite();

private:
  Value gatherHeads(Value q);
  Value exchangeHeads(Value partial);

  LatentAttentionOp op;
  OpBuilder builder;
  Location loc;
  int64_t parts; ///< ranks of the group
  int64_t own;   ///< heads of this rank
  int64_t heads; ///< of every rank in exchanges: the most that a rank has
};
} // namespace

/// Concatenate the heads of all ranks; fill those that this rank does not have with zeros.
Value GroupAttention::gatherHeads(Value q) {
  if (own < heads) {
    SmallVector<OpFoldResult> low(3, builder.getIndexAttr(0)), high = low;
    high[1] = builder.getIndexAttr(heads - own);
    Value zero = arith::ConstantOp::create(builder, loc, builder.getFloatAttr(typeOf(q).getElementType(), 0));
    q = tensor::PadOp::create(builder, loc, withSize(typeOf(q), 1, heads), q, low, high, zero);
  }
  return shard::AllGatherOp::create(builder, loc, withSize(typeOf(q), 1, parts * heads), kGrid, kGroupAxis, q,
                                    APInt(64, 1));
}

/// Return the partial results for this rank's heads, [parts, T, own, …], of [T, parts * heads, …] of every rank.
Value GroupAttention::exchangeHeads(Value partial) {
  RankedTensorType type = typeOf(partial);
  SmallVector<int64_t> shape = {1};
  llvm::append_range(shape, type.getShape());
  SmallVector<ReassociationIndices> groups = {{0, 1}};
  for (int64_t dim = 2; dim <= type.getRank(); ++dim)
    groups.push_back({dim});
  Value single = tensor::ExpandShapeOp::create(builder, loc, type.clone(shape), partial, groups);
  shape[0] = parts;
  shape[2] = heads;
  Value exchanged = shard::AllToAllOp::create(builder, loc, type.clone(shape), kGrid, kGroupAxis, single,
                                              /*split_axis=*/APInt(64, 2), /*concat_axis=*/APInt(64, 0));
  if (own == heads)
    return exchanged;
  SmallVector<OpFoldResult> offsets(shape.size(), builder.getIndexAttr(0)),
      strides(shape.size(), builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, exchanged);
  sizes[2] = builder.getIndexAttr(own);
  return tensor::ExtractSliceOp::create(builder, loc, withSize(typeOf(exchanged), 2, own), exchanged, offsets, sizes,
                                        strides);
}

void GroupAttention::rewrite() {
  Value qLatent = gatherHeads(op.getQLatent()), qRope = op.getQRope();
  qRope = gatherHeads(qRope);
  Type f32 = builder.getF32Type();
  int64_t tokens = typeOf(qLatent).getDimSize(0);
  auto partial = LatentAttentionOp::create(
      builder, loc, typeOf(qLatent).clone(f32), RankedTensorType::get({tokens, parts * heads}, f32), qLatent, qRope,
      op.getCu(), op.getCache(), /*sinks=*/Value(), op.getScaleAttr(), op.getMaskAttr());
  RankedTensorType result = typeOf(op.getResult());
  auto merged = MergeOp::create(builder, loc, result, RankedTensorType::get({tokens, own}, f32),
                                exchangeHeads(partial.getResult()), exchangeHeads(partial.getLse()), op.getSinks());
  op.getResult().replaceAllUsesWith(merged.getResult());
  if (op.getLse())
    op.getLse().replaceAllUsesWith(merged.getLse());
  op.erase();
}

namespace {
struct MLADivideTokens : mla::impl::MLADivideTokensBase<MLADivideTokens> {
  void runOnOperation() override {
    auto most = getOperation()->getAttrOfType<IntegerAttr>(kMostHeadsAttr);
    SmallVector<LatentAttentionOp> attentions;
    getOperation().walk([&](Operation *op) {
      if (auto gather = dyn_cast<GatherOp>(op); gather && gather.getCache().getType().isDivided())
        sumRows(gather);
      if (auto attention = dyn_cast<LatentAttentionOp>(op); attention && attention.getCache().getType().isDivided())
        attentions.push_back(attention);
    });
    for (LatentAttentionOp attention : attentions) {
      int64_t own = typeOf(attention.getQLatent()).getDimSize(1);
      GroupAttention(attention, most ? std::max(most.getInt(), own) : own).rewrite();
    }
  }
};
} // namespace
