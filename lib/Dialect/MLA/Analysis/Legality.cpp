//===- Legality.cpp - Which forms a side of an attention may have -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/Legality.h"
#include "mla/Dialect/MLA/Analysis/Commuting.h"
#include "mla/Dialect/MLA/Analysis/WeightOnly.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Iterators.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

StringRef mla::stringifySide(Side side) { return side == Side::Q ? "q" : "o"; }

void Refusal::remark(Side side, const Twine &consequence) const {
  at->emitRemark() << why << "; the " << stringifySide(side) << " side " << consequence;
}

static Refusal refuse(Operation *at, const Twine &why) {
  return {at, ("'" + at->getName().getStringRef() + "' " + why).str()};
}

//===----------------------------------------------------------------------===//
// Operations that may be in between
//===----------------------------------------------------------------------===//

/// Return why an operation may not be between a projection and what it moves
/// across.
static StringRef whyNot(Operation *op) {
  return TypeSwitch<Operation *, StringRef>(op)
      .Case<RopeOp>(
          [](auto) { return "the rotation depends on the token's position and does not commute with a projection"; })
      .Case<RmsNormOp>([](auto) { return "a norm is not linear"; })
      .Case<PositionScaleOp>([](auto) { return "the factor depends on the key's position"; })
      .Case<tensor::ExtractSliceOp>([](auto) { return "the slice may leave out tokens or heads"; })
      .Case<GateOp, arith::MulFOp, linalg::MulOp>([](auto) { return "a gate depends on the token"; })
      .Case<arith::AddFOp, linalg::AddOp>([](auto) { return "the addend depends on the token"; })
      .Case<AdaptOp>([](auto) {
        return "the sequence chooses what it adds, and a product of weights has one value; merge the adapter to fold";
      })
      .Case<arith::TruncFOp>([](auto) { return "it rounds between two factors"; })
      .Case<ProjectOp>([](auto) { return "it is not a projection of that side, or its weight is already packed"; })
      .Default(StringRef("it is not known to commute with a projection"));
}

/// Return whether the weight absorbs the operation; widening is exact.
static bool isTakenIn(Operation *op) {
  auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
  return (slice && getRowRange(slice)) || getConstantScale(op) || isa<arith::ExtFOp>(op);
}

/// Return whether every query sees itself: the keys are gathered from a cache
/// to which the layer appends the step's own tokens.
static bool seesItself(AttentionOp attention) {
  auto gather = attention.getCuKeys().getDefiningOp<GatherOp>();
  auto append = gather ? gather.getCache().getDefiningOp<AppendOp>() : nullptr;
  auto positions = append ? append.getPosition().getDefiningOp<PositionsOp>() : nullptr;
  return positions && positions.getCu() == attention.getCu() && positions.getCache() == append.getCache();
}

static bool usesLse(AttentionOp attention) { return attention.getLse() && !attention.getLse().use_empty(); }

/// Return an empty reason if the operation may be between up-projection and attention.
static StringRef judgeAbsorption(AttentionOp attention, Side side, Operation *op) {
  if (isTakenIn(op))
    return {};
  // Queries see keys of their own sequence, which have the same adapter.
  if (auto adapted = dyn_cast<AdaptOp>(op))
    return adapted.getCu() == attention.getCuKeys() ? "" : "its sequences are not those of the attention's keys";
  if (!isa<BiasOp>(op))
    return whyNot(op);
  if (attention.getSinks())
    return side == Side::Q ? "it cancels in the softmax, but not against the sinks"
                           : "probabilities do not sum to 1 beside a sink";
  if (side == Side::Q)
    return usesLse(attention) ? "it cancels in the softmax, but not in the LSE, which is used" : "";
  return seesItself(attention) ? "" : "a query that sees no key has result 0, without it";
}

static bool isF16(Value value) { return getElementTypeOrSelf(value.getType()).isF16(); }

bool mla::mayBeFactor(Value weight) { return isWeightOnly(weight) && !isF16(weight); }

static constexpr StringLiteral kNotInF16 = "f16 cannot represent a product of weights; use bf16 or f32";

static bool mayDropRounding(Operation *op) {
  for (Operation *around = op->getParentOp(); around; around = around->getParentOp())
    if (around->hasAttr(kFoldAcrossRoundingAttr))
      return true;
  return false;
}

/// Return an empty reason if the operation may be between two factors.
static StringRef judgeFold(Operation *op) {
  if (isTakenIn(op) || isa<PositionScaleOp>(op) || (isa<arith::TruncFOp>(op) && mayDropRounding(op)))
    return {};
  auto bias = dyn_cast<BiasOp>(op);
  if (!bias)
    return whyNot(op);
  if (mayBeFactor(bias.getBias()))
    return {};
  return isWeightOnly(bias.getBias()) ? StringRef(kNotInF16) : "its bias is not known at preparation time";
}

static Refusal refuseAdapted(AdaptOp adapted) {
  return refuse(adapted, "updates a factor by the sequence's adapter: it reads what is between the factors, which a "
                         "product leaves out; merge the adapter to fold");
}

/// Return why a projection's weight may not be a factor of a product.
static std::optional<Refusal> refuseFactor(ProjectOp project, ValueRange stored) {
  if (AdaptOp adapted = findAdaptation(project))
    return refuseAdapted(adapted);
  if (!isWeightOnly(project.getWeight()))
    return refuse(project, "cannot be multiplied out: its weight is not known at preparation time");
  if (!mayBeFactor(project.getWeight()) || llvm::any_of(stored, isF16))
    return refuse(project, "cannot be multiplied out: " + kNotInF16);
  return std::nullopt;
}

static std::optional<Refusal> refuseFactor(ProjectOp project) {
  return refuseFactor(project, {project.getX(), project.getResult()});
}

//===----------------------------------------------------------------------===//
// Walks
//===----------------------------------------------------------------------===//

namespace {
/// A walk backwards from a value, through admitted operations, to the end or to an obstacle.
struct Walk {
  Operation *end = nullptr, *obstacle = nullptr;
  SmallVector<Operation *> between;
  StringRef why; ///< of the obstacle
};
} // namespace

static Value getInput(Operation *op) {
  std::optional<ConstantScale> scale = getConstantScale(op);
  return scale ? scale->x : op->getOperand(0);
}

static Walk walkBack(Value value, function_ref<bool(Operation *)> isEnd, function_ref<StringRef(Operation *)> judge) {
  Walk walk;
  while (Operation *op = value.getDefiningOp()) {
    if (isEnd(op)) {
      walk.end = op;
      break;
    }
    if (walk.why = judge(op); !walk.why.empty()) {
      walk.obstacle = op;
      break;
    }
    walk.between.push_back(op);
    value = getInput(op);
  }
  return walk;
}

static bool isProjection(Operation *op, Heads heads) {
  auto project = dyn_cast<ProjectOp>(op);
  return project && project.getHeads() == heads && !project.getPanels();
}

/// Return whether an end of a walk is behind `op`, on this side of other attentions.
static bool hides(Operation *op, function_ref<bool(Operation *)> isEnd) {
  SetVector<Operation *> behind;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [&](Operation *made) { return isEnd(made) || !isa<AttentionOp, LatentAttentionOp>(made); };
  (void)getBackwardSlice(op, &behind, options);
  return llvm::any_of(behind, isEnd);
}

/// Walks between two factors. An obstacle counts if a factor is behind it.
static Walk walkBetweenFactors(Value value, function_ref<bool(Operation *)> isEnd) {
  Walk walk = walkBack(value, isEnd, judgeFold);
  if (walk.obstacle && !hides(walk.obstacle, isEnd))
    walk.obstacle = nullptr;
  return walk;
}

static Refusal refuseBetweenFactors(Operation *obstacle, StringRef why) {
  return refuse(obstacle, "is between two projections: " + why);
}

static Reach refused(Refusal refusal) { return {{}, {}, std::move(refusal)}; }

Reach mla::findUpProjection(AttentionOp attention, Side side) {
  Value operand = side == Side::Q ? attention.getKNope() : attention.getV();
  if (cast<RankedTensorType>(operand.getType()).getRank() == 2)
    return {};
  StringRef name = side == Side::Q ? "k_nope" : "v";
  Walk walk = walkBack(
      operand, [](Operation *op) { return isProjection(op, Heads::To); },
      [&](Operation *op) { return judgeAbsorption(attention, side, op); });
  if (walk.obstacle)
    return refused(refuse(walk.obstacle, "is between the up-projection and the attention's " + name + ": " + walk.why));
  if (!walk.end)
    return refused({attention, (name + " comes from outside").str()});
  auto isOfAnother = [&](Operation *op) {
    auto adapted = dyn_cast<AdaptOp>(op);
    return adapted && adapted.getX() != cast<ProjectOp>(walk.end).getX();
  };
  if (const auto *other = llvm::find_if(walk.between, isOfAnother); other != walk.between.end())
    return refused(refuse(*other, "updates the attention's " + name + " from something else than the latent"));
  if (isF16(side == Side::Q ? attention.getQNope() : attention.getResult()))
    return refused(refuse(walk.end, "cannot be moved: f16 cannot represent its result; use bf16 or f32"));
  return {cast<ProjectOp>(walk.end), std::move(walk.between), std::nullopt};
}

Reach mla::findInnerProjection(ProjectOp outer) {
  Heads wanted = outer.getHeads() == Heads::Per ? Heads::To : Heads::Per;
  Walk walk = walkBetweenFactors(outer.getX(), [&](Operation *op) { return isProjection(op, wanted); });
  if (walk.obstacle)
    return refused(refuseBetweenFactors(walk.obstacle, walk.why));
  if (!walk.end)
    return {};
  auto inner = cast<ProjectOp>(walk.end);
  for (ProjectOp factor : {inner, outer})
    if (std::optional<Refusal> refusal = refuseFactor(factor))
      return refused(*refusal);
  return {inner, std::move(walk.between), std::nullopt};
}

//===----------------------------------------------------------------------===//
// Answers
//===----------------------------------------------------------------------===//

/// Finds the projection from heads that reads the attention's result.
static ProjectOp findOutputProjection(Operation *attention) {
  auto isAttention = [&](Operation *op) { return op == attention; };
  ProjectOp found;
  attention->getParentOp()->walk<WalkOrder::PreOrder, ForwardDominanceIterator<>>([&](ProjectOp project) {
    Operation *x = project.getX().getDefiningOp();
    if (!isProjection(project, Heads::From) || !x || !hides(x, isAttention))
      return WalkResult::advance();
    found = project;
    return WalkResult::interrupt();
  });
  return found;
}

static Refusal refuseWithoutQueries(Operation *attention) {
  return refuse(attention, "has queries that are not computed by a projection to heads");
}

/// For an absorbed query side.
static std::optional<Refusal> refuseQueryFold(Operation *attention, Value query) {
  if (auto adapted = query.getDefiningOp<AdaptOp>())
    return refuseAdapted(adapted);
  auto outer = query.getDefiningOp<ProjectOp>();
  if (!outer || !isProjection(outer, Heads::Per))
    return refuseWithoutQueries(attention);
  Reach reach = findInnerProjection(outer);
  return reach.projection || reach.refusal ? reach.refusal : refuseWithoutQueries(attention);
}

/// For a naive query side, whose up-projection becomes the outer factor.
static std::optional<Refusal> refuseQueryFold(AttentionOp attention, ProjectOp up) {
  Walk walk = walkBetweenFactors(attention.getQNope(), [](Operation *op) { return isProjection(op, Heads::To); });
  if (walk.obstacle)
    return refuseBetweenFactors(walk.obstacle, walk.why);
  if (!walk.end)
    return refuseWithoutQueries(attention);
  if (std::optional<Refusal> refusal = refuseFactor(cast<ProjectOp>(walk.end)))
    return refusal;
  return refuseFactor(up, attention.getQNope());
}

static Refusal refuseWithoutOutput(Operation *attention) {
  return refuse(attention, "has a result that no projection from heads reads");
}

/// For an absorbed output side.
static std::optional<Refusal> refuseOutputFold(Operation *attention) {
  ProjectOp outer = findOutputProjection(attention);
  if (!outer)
    return refuseWithoutOutput(attention);
  Reach reach = findInnerProjection(outer);
  return reach.projection || reach.refusal ? reach.refusal : refuseWithoutOutput(attention);
}

/// For a naive output side: checks what is behind the attention, and what the
/// up-projection adds there.
static std::optional<Refusal> refuseOutputFold(AttentionOp attention, const Reach &up) {
  ProjectOp outer = findOutputProjection(attention);
  if (!outer)
    return refuseWithoutOutput(attention);
  Walk walk = walkBetweenFactors(outer.getX(), [&](Operation *op) { return op == attention; });
  if (walk.obstacle)
    return refuseBetweenFactors(walk.obstacle, walk.why);
  for (Operation *op : up.between)
    if (StringRef why = judgeFold(op); !why.empty())
      return refuseBetweenFactors(op, why);
  if (std::optional<Refusal> refusal = refuseFactor(up.projection, attention.getResult()))
    return refusal;
  return refuseFactor(outer);
}

static std::optional<Refusal> refuseIn(AttentionOp attention, Side side, Form form) {
  Reach up = findUpProjection(attention, side);
  if (up.refusal || form == Form::Absorb)
    return up.refusal;
  if (side == Side::Q)
    return up.projection ? refuseQueryFold(attention, up.projection) : refuseQueryFold(attention, attention.getQNope());
  return up.projection ? refuseOutputFold(attention, up) : refuseOutputFold(attention);
}

static std::optional<Refusal> refuseIn(LatentAttentionOp attention, Side side, Form form) {
  if (form == Form::Absorb)
    return std::nullopt;
  return side == Side::Q ? refuseQueryFold(attention, attention.getQLatent()) : refuseOutputFold(attention);
}

std::optional<Refusal> mla::findRefusal(Operation *root, Side side, Form form) {
  std::optional<Refusal> refusal;
  if (form == Form::Naive)
    return refusal;
  // Operations that are never executed may depend on themselves.
  root->walk<WalkOrder::PreOrder, ForwardDominanceIterator<>>([&](Operation *op) {
    if (auto attention = dyn_cast<AttentionOp>(op))
      refusal = refuseIn(attention, side, form);
    else if (auto latent = dyn_cast<LatentAttentionOp>(op))
      refusal = refuseIn(latent, side, form);
    return refusal ? WalkResult::interrupt() : WalkResult::advance();
  });
  return refusal;
}
