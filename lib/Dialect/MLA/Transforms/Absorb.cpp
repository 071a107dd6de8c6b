//===- Absorb.cpp - Move up-projections out of attentions -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three independent rewrites of an attention: the keys become the latent, the
// values become the latent, and an attention whose keys and values are all the
// cached latent reads the cache in place.
//
//===----------------------------------------------------------------------===//

#include "Projections.h"
#include "Regimes.h"
#include "Unreached.h"
#include "mla/Dialect/MLA/IR/Adapt.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "mlir/Transforms/RegionUtils.h"

namespace mla {
#define GEN_PASS_DEF_MLAABSORB
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static RankedTensorType withLastDim(Value value, int64_t size) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = size;
  return type.clone(shape);
}

static int64_t getWidth(Value value) { return cast<RankedTensorType>(value.getType()).getShape().back(); }

static Value swapLastDims(OpBuilder &builder, Location loc, Value weight) {
  int64_t rank = cast<RankedTensorType>(weight.getType()).getRank();
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(rank));
  std::swap(permutation[rank - 2], permutation[rank - 1]);
  return permuteWeight(builder, loc, weight, permutation);
}

/// q_nope · (B A c) = (A^T B^T q_nope) · c for the adapter of a sequence.
static Value updateQueries(OpBuilder &builder, AttentionOp attention, Value latentQ, ArrayRef<Operation *> between) {
  for (size_t count = between.size(); count; --count) {
    auto adapted = dyn_cast<AdaptOp>(between[count - 1]);
    if (!adapted)
      continue;
    Location loc = adapted.getLoc();
    Value down = swapLastDims(builder, loc, narrowUpdate(builder, between.take_front(count)));
    Value up = swapLastDims(builder, loc, adapted.getDown());
    latentQ = AdaptOp::create(builder, loc, latentQ, attention.getQNope(), down, up, adapted.getAdapters(),
                              attention.getCu());
  }
  return latentQ;
}

/// q_nope · (W_UK c + b) = (W_UK^T q_nope) · c + q_nope · b; the last term is
/// one number for all keys and cancels in the softmax.
static void absorbKeys(AttentionOp attention, const Reach &up, RewriterBase &rewriter) {
  ProjectOp project = up.projection;
  Location loc = project.getLoc();
  rewriter.setInsertionPoint(attention);
  Value transposed = permuteWeight(rewriter, loc, narrowWeight(rewriter, project, up.between), {0, 2, 1});
  Value q = attention.getQNope(), latent = project.getX();
  Value latentQ = ProjectOp::create(rewriter, loc, withLastDim(q, getWidth(latent)), q, transposed, Heads::Per);
  latentQ = updateQueries(rewriter, attention, latentQ, up.between);
  rewriter.modifyOpInPlace(attention, [&] {
    attention.getQNopeMutable().assign(latentQ);
    attention.getKNopeMutable().assign(latent);
  });
}

/// Adds the biases and updates among `between` behind the attention.
static Value addToValues(OpBuilder &builder, AttentionOp attention, Value x, ArrayRef<Operation *> between) {
  for (size_t count = between.size(); count; --count) {
    Operation *op = between[count - 1];
    if (isa<BiasOp>(op))
      x = BiasOp::create(builder, op->getLoc(), x, narrowBias(builder, between.take_front(count)));
    else if (auto adapted = dyn_cast<AdaptOp>(op))
      x = AdaptOp::create(builder, op->getLoc(), x, attention.getResult(), adapted.getDown(),
                          narrowUpdate(builder, between.take_front(count)), adapted.getAdapters(), attention.getCu());
  }
  return x;
}

/// sum p (W_UV c + B A c + b) = W_UV (sum p c) + B A (sum p c) + b
static void absorbValues(AttentionOp attention, const Reach &up, RewriterBase &rewriter) {
  ProjectOp project = up.projection;
  Value result = attention.getResult(), latent = project.getX();
  Type type = result.getType();
  rewriter.modifyOpInPlace(attention, [&] {
    attention.getVMutable().assign(latent);
    result.setType(withLastDim(result, getWidth(latent)));
  });
  rewriter.setInsertionPointAfter(attention);
  Value weight = narrowWeight(rewriter, project, up.between);
  SmallVector<OpOperand *> readers;
  for (OpOperand &use : result.getUses())
    readers.push_back(&use);
  auto moved = ProjectOp::create(rewriter, project.getLoc(), type, result, weight, Heads::Per);
  Value values = addToValues(rewriter, attention, moved, up.between);
  for (OpOperand *use : readers)
    rewriter.modifyOpInPlace(use->getOwner(), [&] { use->set(values); });
}

/// Return whether everything that the attention reads of keys and values is in one cache.
static bool readsCache(AttentionOp attention, GatherOp gather) {
  return attention.getKNope() == gather.getLatent() && attention.getV() == gather.getLatent() &&
         attention.getKRope() == gather.getKRope() && attention.getCuKeys() == gather.getCuKeys();
}

static void readCacheInPlace(AttentionOp attention, RewriterBase &rewriter) {
  auto gather = attention.getKRope().getDefiningOp<GatherOp>();
  if (!gather || !readsCache(attention, gather))
    return;
  rewriter.setInsertionPoint(attention);
  rewriter.replaceOpWithNewOp<LatentAttentionOp>(
      attention, attention.getResultTypes(), attention.getQNope(), attention.getQRope(), attention.getCu(),
      gather.getCache(), attention.getSinks(), attention.getScaleAttr(), attention.getMaskAttr());
}

namespace {
struct MLAAbsorb : mla::impl::MLAAbsorbBase<MLAAbsorb> {
  using Absorb = void (*)(AttentionOp, const Reach &, RewriterBase &);

  void runOnOperation() override {
    eraseUnreached(getOperation());
    specializeByPlan(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>())
      absorbIn(function);
  }

  void absorbIn(func::FuncOp function) {
    Forms forms = getForms(function, Form::Absorb);
    IRRewriter rewriter(function.getContext());
    for (AttentionOp attention : collect(function)) {
      // Folding starts with absorption.
      if (forms.q != Form::Naive)
        absorbSide(attention, Side::Q, absorbKeys, rewriter);
      if (forms.o != Form::Naive)
        absorbSide(attention, Side::O, absorbValues, rewriter);
      readCacheInPlace(attention, rewriter);
    }
    (void)runRegionDCE(rewriter, function->getRegions());
  }

  static SmallVector<AttentionOp> collect(func::FuncOp function) {
    SmallVector<AttentionOp> attentions;
    function.walk([&](AttentionOp attention) { attentions.push_back(attention); });
    return attentions;
  }

  void absorbSide(AttentionOp attention, Side side, Absorb absorb, RewriterBase &rewriter) {
    Reach up = findUpProjection(attention, side);
    if (up.refusal) {
      up.refusal->remark(side, "is not absorbed");
      ++refused;
    } else if (up.projection) {
      absorb(attention, up, rewriter);
      ++absorbed;
    }
  }
};
} // namespace
