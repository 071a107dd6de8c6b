//===- Fold.cpp - Precompute what depends only on weights -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fold undoes a low-rank factorisation: it is legal in far more places than
// it pays. The plan decides whether it pays.
//
//===----------------------------------------------------------------------===//

#include "PrepareWeights.h"
#include "Projections.h"
#include "Regimes.h"
#include "Unreached.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Transforms/RegionUtils.h"

namespace mla {
#define GEN_PASS_DEF_MLAFOLD
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Return the weight equivalent to the two projections.
static Value composeWeights(OpBuilder &builder, ProjectOp outer, Value inner) {
  Location loc = outer.getLoc();
  if (outer.getHeads() == Heads::Per)
    return ComposeOp::create(builder, loc, outer.getWeight(), inner);
  // W_O has its rows first, but a product is per head, with the heads first.
  Value perHead = permuteWeight(builder, loc, outer.getWeight(), {1, 0, 2});
  return permuteWeight(builder, loc, ComposeOp::create(builder, loc, perHead, inner), {1, 0, 2});
}

/// Applies what was between two factors and is not in their product: position
/// scales commute with `outer`; biases are projected by it.
static Value replay(OpBuilder &builder, ProjectOp outer, Value result, ArrayRef<Operation *> between) {
  for (; !between.empty(); between = between.drop_back()) {
    Operation *op = between.back();
    Location loc = op->getLoc();
    if (auto scale = dyn_cast<PositionScaleOp>(op))
      result = PositionScaleOp::create(builder, loc, result, scale.getPosition(), scale.getBetaAttr(),
                                       scale.getOriginalAttr());
    else if (isa<BiasOp>(op))
      result = BiasOp::create(builder, loc, result, projectBias(builder, outer, narrowBias(builder, between)));
  }
  return result;
}

/// Replace `outer` by a projection of `x` with another weight, followed by the
/// replayed operations, rounded once. Return its result.
static Value replaceOuter(RewriterBase &rewriter, ProjectOp outer, Value x, Value weight, Heads heads,
                          ArrayRef<Operation *> between) {
  Location loc = outer.getLoc();
  RankedTensorType type = cast<RankedTensorType>(outer.getType()), wide = type.clone(rewriter.getF32Type());
  bool replays = llvm::any_of(between, llvm::IsaPred<PositionScaleOp, BiasOp>);
  Value result = ProjectOp::create(rewriter, loc, replays ? wide : type, x, weight, heads);
  result = replay(rewriter, outer, result, between);
  if (result.getType() != type)
    result = arith::TruncFOp::create(rewriter, loc, type, result);
  rewriter.replaceOp(outer, result);
  return result;
}

/// Merges `outer` and `reach.projection`, whose result it reads.
static void foldPair(RewriterBase &rewriter, ProjectOp outer, const Reach &reach) {
  ProjectOp inner = reach.projection;
  rewriter.setInsertionPoint(outer);
  Value weight = composeWeights(rewriter, outer, narrowWeight(rewriter, inner, reach.between));
  Heads heads = outer.getHeads() == Heads::Per ? Heads::To : Heads::From;
  Value folded = replaceOuter(rewriter, outer, inner.getX(), weight, heads, reach.between);
  narrowSlices(rewriter, inner, folded);
}

/// W_O (x + b) = W_O x + W_O b, for any x and any form.
static void moveBiases(RewriterBase &rewriter, ProjectOp outer) {
  SmallVector<Operation *> biases;
  Value x = outer.getX();
  for (auto bias = x.getDefiningOp<BiasOp>(); bias && mayBeFactor(bias.getBias()); bias = x.getDefiningOp<BiasOp>()) {
    biases.push_back(bias);
    x = bias.getX();
  }
  if (biases.empty() || !mayBeFactor(outer.getWeight()))
    return;
  rewriter.setInsertionPoint(outer);
  replaceOuter(rewriter, outer, x, outer.getWeight(), outer.getHeads(), biases);
}

/// Fold the pair that ends with `outer`, or remark why not. Return nothing if
/// there is no pair.
static std::optional<LogicalResult> tryFold(RewriterBase &rewriter, ProjectOp outer) {
  Reach reach = findInnerProjection(outer);
  if (reach.refusal) {
    reach.refusal->remark(outer.getHeads() == Heads::Per ? Side::Q : Side::O, "is not folded");
    return failure();
  }
  if (!reach.projection)
    return std::nullopt;
  foldPair(rewriter, outer, reach);
  return success();
}

namespace {
struct MLAFold : mla::impl::MLAFoldBase<MLAFold> {
  using MLAFoldBase::MLAFoldBase;

  void runOnOperation() override {
    eraseUnreached(getOperation());
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
    getOperation().emitError() << "storage: unknown element type '" << storage << "'; expected f32 or bf16";
    return failure();
  }

  void foldIn(func::FuncOp function) {
    Forms forms = getForms(function, Form::Fold);
    IRRewriter rewriter(function.getContext());
    for (ProjectOp outer : collect(function, Heads::From))
      moveBiases(rewriter, outer);
    for (auto [heads, form] : {std::pair(Heads::Per, forms.q), std::pair(Heads::From, forms.o)})
      if (form == Form::Fold)
        for (ProjectOp outer : collect(function, heads))
          foldAt(rewriter, outer);
    (void)runRegionDCE(rewriter, function->getRegions());
  }

  static SmallVector<ProjectOp> collect(func::FuncOp function, Heads heads) {
    SmallVector<ProjectOp> projections;
    function.walk([&](ProjectOp project) {
      if (project.getHeads() == heads && !project.getPanels())
        projections.push_back(project);
    });
    return projections;
  }

  void foldAt(RewriterBase &rewriter, ProjectOp outer) {
    if (std::optional<LogicalResult> done = tryFold(rewriter, outer))
      succeeded(*done) ? ++folded : ++refused;
  }
};
} // namespace
