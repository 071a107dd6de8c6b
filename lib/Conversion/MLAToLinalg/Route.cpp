//===- Route.cpp - Choose the experts of every token -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitPattern.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// Reduce a vector to a scalar.
static Value emitReduction(Emitter &e, Value vector, Value init, Emitter::Body body) {
  return e.at(e.generic(vector, {{0}}, e.filled(e.empty({}), init), {}, 1, body), {});
}

static Value emitSoftmax(Emitter &e, Value logits) {
  Value init = e.empty({e.dimSize(logits, 0)});
  Value most = emitReduction(e, logits, e.minusInfinity(), [](Emitter &e, ValueRange args) -> Value {
    return arith::MaximumFOp::create(e, args[0], args[1]);
  });
  Value powers = e.elementwise(logits, init, [&](Emitter &e, ValueRange args) -> Value {
    return math::ExpOp::create(e, arith::SubFOp::create(e, args[0], most));
  });
  Value sum = emitReduction(e, powers, e.f32(0), [](Emitter &e, ValueRange args) -> Value {
    return arith::AddFOp::create(e, args[1], args[0]);
  });
  return e.elementwise(powers, init,
                       [&](Emitter &e, ValueRange args) -> Value { return arith::DivFOp::create(e, args[0], sum); });
}

static Value emitSigmoid(Emitter &e, Value logits) {
  return e.elementwise(logits, e.empty({e.dimSize(logits, 0)}), [](Emitter &e, ValueRange args) -> Value {
    Value power = math::ExpOp::create(e, arith::NegFOp::create(e, args[0]));
    return arith::DivFOp::create(e, e.f32(1), arith::AddFOp::create(e, e.f32(1), power));
  });
}

static Value emitCorrected(Emitter &e, Value scores, Value correction) {
  if (!correction)
    return scores;
  return e.elementwise({scores, correction}, e.empty({e.dimSize(scores, 0)}), [](Emitter &e, ValueRange args) -> Value {
    return arith::AddFOp::create(e, args[0], e.castTo(e.getF32Type(), args[1]));
  });
}

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

namespace {
struct Largest {
  Value score, index;
};
} // namespace

/// Find the first of the largest of `count` scores from `from` on. If none is more than -inf, it is the one at `from`.
static Largest emitLargest(Emitter &e, Value scores, Value from, int64_t count) {
  auto body = [&](Emitter &e, Value i, ValueRange best) -> SmallVector<Value> {
    Value score = e.at(scores, i);
    Value isLarger = arith::CmpFOp::create(e, arith::CmpFPredicate::OGT, score, best[0]);
    return {arith::SelectOp::create(e, isLarger, score, best[0]), arith::SelectOp::create(e, isLarger, i, best[1])};
  };
  SmallVector<Value> best = e.loop(from, e.add(from, e.index(count)), e.index(1), {e.minusInfinity(), from}, body);
  return {best[0], best[1]};
}

/// Exclude a score from further choices.
static Value emitExcluded(Emitter &e, Value scores, Value index) {
  return tensor::InsertOp::create(e, e.minusInfinity(), scores, index);
}

/// Sum the `best` largest scores of a group.
static Value emitGroupScore(Emitter &e, Value scores, Value from, int64_t size, int64_t best) {
  Largest first = emitLargest(e, scores, from, size);
  if (best == 1)
    return first.score;
  auto add = [&](Emitter &e, Value, ValueRange carried) -> SmallVector<Value> {
    Largest next = emitLargest(e, carried[0], from, size);
    return {emitExcluded(e, carried[0], next.index), arith::AddFOp::create(e, carried[1], next.score)};
  };
  SmallVector<Value> start = {emitExcluded(e, scores, first.index), first.score};
  return e.loop(e.index(1), e.index(best), e.index(1), start, add)[1];
}

/// Return the scores of the experts in kept groups, and -inf for the others.
static Value emitKeptGroups(Emitter &e, RouteOp op, Value scores) {
  int64_t groups = op.getGroups(), size = typeOf(scores).getDimSize(0) / groups;
  auto score = [&](Emitter &e, Value group, ValueRange carried) -> SmallVector<Value> {
    Value sum = emitGroupScore(e, scores, e.mul(group, e.index(size)), size, op.getBest());
    return {tensor::InsertOp::create(e, sum, carried[0], group)};
  };
  Value none = e.filled(e.empty({e.size(groups * size)}), e.minusInfinity());
  Value sums = e.loop(e.index(0), e.index(groups), e.index(1), e.empty({e.size(groups)}), score)[0];
  auto keep = [&](Emitter &e, Value, ValueRange carried) -> SmallVector<Value> {
    Value group = emitLargest(e, carried[0], e.index(0), groups).index;
    OpFoldResult from = e.mul(group, e.index(size)), count = e.size(size);
    return {emitExcluded(e, carried[0], group), e.insert(e.slice(scores, from, count, 1), carried[1], from, count)};
  };
  return e.loop(e.index(0), e.index(op.getKept()), e.index(1), {sums, none}, keep)[1];
}

/// Divide the weights by their sum, if the router does, and multiply them by its factor.
static Value emitScaled(Emitter &e, RouteOp op, Value weights) {
  Value divisor = e.f32(1);
  if (op.getNormalized()) {
    Value sum = emitReduction(e, weights, e.f32(0), [](Emitter &e, ValueRange args) -> Value {
      return arith::AddFOp::create(e, args[1], args[0]);
    });
    divisor = arith::AddFOp::create(e, sum, e.f32(1e-20));
  }
  return e.elementwise(weights, e.empty({e.dimSize(weights, 0)}), [&](Emitter &e, ValueRange args) -> Value {
    Value part = arith::DivFOp::create(e, args[0], divisor);
    return arith::MulFOp::create(e, part, e.f32(op.getFactor().convertToDouble()));
  });
}

/// Choose a token's experts: fill `experts` and `weights`, [C].
static std::pair<Value, Value> emitChoices(Emitter &e, RouteOp op, Value logits, Value correction, Value experts,
                                           Value weights) {
  int64_t all = typeOf(logits).getDimSize(0), chosen = typeOf(experts).getDimSize(0);
  Value scores = op.getScoring() == Scoring::Softmax ? emitSoftmax(e, logits) : emitSigmoid(e, logits);
  Value open = emitCorrected(e, scores, correction);
  if (op.getGroups() > 1)
    open = emitKeptGroups(e, op, open);
  auto choose = [&](Emitter &e, Value choice, ValueRange carried) -> SmallVector<Value> {
    Value expert = emitLargest(e, carried[0], e.index(0), all).index;
    Value number = arith::IndexCastOp::create(e, e.getI32Type(), expert);
    return {emitExcluded(e, carried[0], expert), tensor::InsertOp::create(e, number, carried[1], choice),
            tensor::InsertOp::create(e, e.at(scores, expert), carried[2], choice)};
  };
  SmallVector<Value> made = e.loop(e.index(0), e.index(chosen), e.index(1), {open, experts, weights}, choose);
  return {made[1], emitScaled(e, op, made[2])};
}

/// Return the numbers and weights of the experts that every token has, [1, shared].
static std::pair<Value, Value> emitShared(Emitter &e, int64_t first, int64_t shared) {
  Value none = e.empty({e.size(1), e.size(shared)}, e.getI32Type());
  auto number = [&](Emitter &e, Value i, ValueRange carried) -> SmallVector<Value> {
    Value expert = arith::IndexCastOp::create(e, e.getI32Type(), e.add(i, e.index(first)));
    return {tensor::InsertOp::create(e, expert, carried[0], ValueRange{e.index(0), i})};
  };
  return {e.loop(e.index(0), e.index(shared), e.index(1), none, number)[0],
          e.filled(e.empty({e.size(1), e.size(shared)}), e.f32(1))};
}

static SmallVector<Value> emitRoute(Emitter &e, RouteOp op, RouteOp::Adaptor operands) {
  Value logits = operands.getLogits(), correction = operands.getCorrection();
  int64_t all = typeOf(logits).getDimSize(1), columns = typeOf(op.getExperts()).getDimSize(1);
  int64_t shared = op.getShared(), chosen = columns - shared;
  OpFoldResult tokens = e.dimSize(logits, 0);
  Value experts = e.empty({tokens, e.size(columns)}, e.getI32Type()), weights = e.empty({tokens, e.size(columns)});
  logits = e.cast(logits, e.getF32Type());
  auto body = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
    SmallVector<OpFoldResult> offsets = {indices[0], e.size(0)}, sizes = {e.size(1), e.size(chosen)};
    Value own = e.slice(logits, offsets, {e.size(1), e.size(all)}, 1);
    auto [numbers, parts] = emitChoices(e, op, own, correction, e.slice(outputs[0], offsets, sizes, 1),
                                        e.slice(outputs[1], offsets, sizes, 1));
    e.yieldSlice(numbers, outputs[0], offsets, sizes);
    e.yieldSlice(parts, outputs[1], offsets, sizes);
    if (!shared)
      return;
    auto [others, ones] = emitShared(e, all, shared);
    offsets.back() = e.size(chosen), sizes.back() = e.size(shared);
    e.yieldSlice(others, outputs[0], offsets, sizes);
    e.yieldSlice(ones, outputs[1], offsets, sizes);
  };
  return e.parallel({tokens}, {experts, weights}, body);
}

void mla::populateRoutePatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<EmitPattern<RouteOp, emitRoute>>(converter, patterns.getContext());
}
