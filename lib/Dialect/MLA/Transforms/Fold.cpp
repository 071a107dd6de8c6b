//===- Fold.cpp - Constants of what depends on weights alone ----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fold undoes a low-rank factorisation: it is legal in far more places than
// it pays. Whether it pays is the plan's business, not this pass's.
//
//===----------------------------------------------------------------------===//

#include "PrepareWeights.h"
#include "Projections.h"
#include "Regimes.h"
#include "mla/Dialect/MLA/Analysis/WeightOnly.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Transforms/RegionUtils.h"

namespace mla {
#define GEN_PASS_DEF_MLAFOLD
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Why a projection may not be a factor of a product, or nothing.
static StringRef whyNoFactor(ProjectOp project) {
  if (!isWeightOnly(project.getWeight()))
    return "its weight is not known when the layer is prepared";
  auto isF16 = [](Value value) { return cast<RankedTensorType>(value.getType()).getElementType().isF16(); };
  if (isF16(project.getX()) || isF16(project.getWeight()) || isF16(project.getResult()))
    return "f16 cannot hold a product of weights; use bf16 or f32";
  return {};
}

/// The weight that does what the two projections do one after the other.
static Value composeWeights(OpBuilder &builder, ProjectOp outer, Value inner) {
  Location loc = outer.getLoc();
  if (outer.getHeads() == Heads::Per)
    return ComposeOp::create(builder, loc, outer.getWeight(), inner);
  // W_O has its rows first: a product is made per head, the heads first.
  Value perHead = permuteWeight(builder, loc, outer.getWeight(), {1, 0, 2});
  return permuteWeight(builder, loc, ComposeOp::create(builder, loc, perHead, inner), {1, 0, 2});
}

/// `outer` reads what `reach.projection` writes: one projection, and after it
/// the position scales that stood between.
static void foldPair(RewriterBase &rewriter, ProjectOp outer, const Reach &reach) {
  ProjectOp inner = reach.projection;
  rewriter.setInsertionPoint(outer);
  Value weight = composeWeights(rewriter, outer, narrowWeight(rewriter, inner, reach.between));
  Heads heads = outer.getHeads() == Heads::Per ? Heads::To : Heads::From;
  Value result = ProjectOp::create(rewriter, outer.getLoc(), outer.getType(), inner.getX(), weight, heads);
  for (Operation *op : llvm::reverse(reach.between))
    if (auto scale = dyn_cast<PositionScaleOp>(op))
      result = PositionScaleOp::create(rewriter, scale.getLoc(), result, scale.getPosition(), scale.getBetaAttr(),
                                       scale.getOriginalAttr());
  rewriter.replaceOp(outer, result);
  narrowSlices(rewriter, inner);
}

static void remarkRefusal(Operation *obstacle, StringRef side, const Twine &what) {
  obstacle->emitRemark() << "'" << obstacle->getName() << "' " << what << "; the " << side << " side is not folded";
}

/// Folds the pair that `outer` ends, or says why not. Nothing where `outer`
/// ends none.
static std::optional<LogicalResult> tryFold(RewriterBase &rewriter, ProjectOp outer) {
  StringRef side = outer.getHeads() == Heads::Per ? "q" : "o";
  Reach reach = findInnerProjection(outer);
  if (!reach.projection && !reach.obstacle)
    return std::nullopt;
  if (reach.obstacle) {
    remarkRefusal(reach.obstacle, side, "stands between two projections: " + reach.why);
    return failure();
  }
  for (ProjectOp factor : {reach.projection, outer})
    if (StringRef why = whyNoFactor(factor); !why.empty()) {
      remarkRefusal(factor, side, "cannot be multiplied out: " + why);
      return failure();
    }
  foldPair(rewriter, outer, reach);
  return success();
}

namespace {
struct MLAFold : mla::impl::MLAFoldBase<MLAFold> {
  using MLAFoldBase::MLAFoldBase;

  void runOnOperation() override {
    FailureOr<FloatType> type = parseStorage();
    if (failed(type))
      return signalPassFailure();
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!isPrepare(function))
        foldIn(function);
    prepared += prepareWeights(getOperation(), *type);
  }

  FailureOr<FloatType> parseStorage() {
    if (storage.empty())
      return FloatType();
    if (storage == "f32")
      return FloatType(Float32Type::get(&getContext()));
    if (storage == "bf16")
      return FloatType(BFloat16Type::get(&getContext()));
    getOperation().emitError() << "storage: unknown element type '" << storage << "'; use f32 or bf16";
    return failure();
  }

  void foldIn(func::FuncOp function) {
    Forms forms = getForms(function, Form::Fold);
    SmallVector<ProjectOp> outers;
    function.walk([&](ProjectOp project) {
      Form form = project.getHeads() == Heads::Per ? forms.q : forms.o;
      bool endsPair = project.getHeads() == Heads::Per || project.getHeads() == Heads::From;
      if (form == Form::Fold && endsPair && !project.getPanels())
        outers.push_back(project);
    });
    IRRewriter rewriter(function.getContext());
    for (ProjectOp outer : outers)
      if (std::optional<LogicalResult> done = tryFold(rewriter, outer))
        succeeded(*done) ? ++folded : ++refused;
    (void)runRegionDCE(rewriter, function->getRegions());
  }
};
} // namespace
