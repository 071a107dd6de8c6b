//===- Experts.cpp - Project tokens with their experts' weights ------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One iteration per panel of rows, in parallel. Within it, experts are the outer
// loop: the panel of an expert stays in the cache for all tokens that chose it.
// Of packed weights, an expert that no token chose is not read.
//
//===----------------------------------------------------------------------===//

#include "EmitPattern.h"
#include "Patterns.h"

#include "mla/Support/Divisors.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;

/// Rows of a panel of a weight without panels.
static constexpr int64_t kLargestPanel = 32;

namespace {
class ExpertsEmitter {
public:
  ExpertsEmitter(ExpertsProjectOp op, ExpertsProjectOp::Adaptor operands);
  Value emit(Emitter &e);

private:
  Value emitPanel(Emitter &e, Value expert, Value number);
  Value emitExpert(Emitter &e, Value expert, Value panel, Value out);
  Value emitChoice(Emitter &e, Value panel, Value token, Value choice, Value out);

  ExpertsProjectOp op;
  Value x, weight, experts, sum;
  int64_t numExperts, choices, rows, contracted, panel;
};
} // namespace

ExpertsEmitter::ExpertsEmitter(ExpertsProjectOp op, ExpertsProjectOp::Adaptor operands)
    : op(op), x(operands.getX()), weight(operands.getWeight()), experts(operands.getExperts()), sum(operands.getSum()) {
  ArrayRef<int64_t> shape = typeOf(weight).getShape();
  numExperts = shape[0];
  choices = typeOf(experts).getDimSize(1);
  rows = typeOf(op.getResult()).getShape().back();
  contracted = typeOf(x).getShape().back();
  panel = op.getPanels() ? shape.back() : largestDivisor(rows, kLargestPanel);
}

/// Return panel `number` of an expert, [contracted, panel].
Value ExpertsEmitter::emitPanel(Emitter &e, Value expert, Value number) {
  if (op.getPanels())
    return e.slice(weight, {expert, number, e.size(0), e.size(0)},
                   {e.size(1), e.size(1), e.size(contracted), e.size(panel)}, 2);
  OpFoldResult row = e.mul(number, e.index(panel));
  return e.transposed2D(e.slice(weight, {expert, row, e.size(0)}, {e.size(1), e.size(panel), e.size(contracted)}, 2));
}

/// Compute the panel's part of one choice of a token; return `out` with it.
Value ExpertsEmitter::emitChoice(Emitter &e, Value panelOfExpert, Value token, Value choice, Value out) {
  bool perChoice = typeOf(x).getRank() == 3;
  Value row = perChoice ? e.slice(x, {token, choice, e.size(0)}, {e.size(1), e.size(1), e.size(contracted)}, 2)
                        : e.slice(x, {token, e.size(0)}, {e.size(1), e.size(contracted)}, 2);
  Value made = e.matmul(row, panelOfExpert, e.zeros({e.size(1), e.size(panel)}));
  if (!sum)
    return e.insert(made, out, {token, choice, e.size(0)}, {e.size(1), e.size(1), e.size(panel)});
  SmallVector<OpFoldResult> offsets = {token, e.size(0)}, sizes = {e.size(1), e.size(panel)};
  Value factor = e.at(sum, {token, choice}), before = e.slice(out, offsets, sizes, 2);
  Value after = e.elementwise(made, before, [&](Emitter &e, ValueRange args) -> Value {
    return arith::AddFOp::create(e, args[1], arith::MulFOp::create(e, args[0], factor));
  });
  return e.insert(after, out, offsets, sizes);
}

/// Compute the panel's part of all choices of an expert.
Value ExpertsEmitter::emitExpert(Emitter &e, Value expert, Value panelOfExpert, Value out) {
  auto eachChoice = [&](Emitter &e, Value token, Value choice, Value out) -> Value {
    Value chosen = e.indexAt(experts, {token, choice}), number = e.add(expert, e.index(op.getFrom()));
    Value isChosen = arith::CmpIOp::create(e, arith::CmpIPredicate::eq, chosen, number);
    return e.when(isChosen, out, [&](Emitter &e) { return emitChoice(e, panelOfExpert, token, choice, out); });
  };
  auto eachToken = [&](Emitter &e, Value token, ValueRange carried) -> SmallVector<Value> {
    auto body = [&](Emitter &e, Value choice, ValueRange carried) -> SmallVector<Value> {
      return {eachChoice(e, token, choice, carried[0])};
    };
    return e.loop(e.index(0), e.index(choices), e.index(1), carried, body);
  };
  return e.loop(e.index(0), e.dim(x, 0), e.index(1), out, eachToken)[0];
}

Value ExpertsEmitter::emit(Emitter &e) {
  SmallVector<OpFoldResult> all = {e.dimSize(x, 0)};
  if (!sum)
    all.push_back(e.size(choices));
  all.push_back(e.size(rows));
  x = e.cast(x, e.getF32Type());
  auto body = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
    SmallVector<OpFoldResult> offsets(all.size(), e.size(0)), sizes = all;
    offsets.back() = e.mul(indices[0], e.index(panel));
    sizes.back() = e.size(panel);
    // A choice that is no expert's, and the start of sums.
    Value out = e.filled(e.slice(outputs[0], offsets, sizes, sizes.size()), e.f32(0));
    auto eachExpert = [&](Emitter &e, Value expert, ValueRange carried) -> SmallVector<Value> {
      return {emitExpert(e, expert, emitPanel(e, expert, indices[0]), carried[0])};
    };
    out = e.loop(e.index(0), e.index(numExperts), e.index(1), out, eachExpert)[0];
    e.yieldSlice(out, outputs[0], offsets, sizes);
  };
  Value made = e.parallel(e.size(rows / panel), e.empty(all), body)[0];
  return e.cast(made, typeOf(op.getResult()).getElementType());
}

static Value emitExperts(Emitter &e, ExpertsProjectOp op, ExpertsProjectOp::Adaptor operands) {
  return ExpertsEmitter(op, operands).emit(e);
}

//===----------------------------------------------------------------------===//
// Choices that compute nothing
//===----------------------------------------------------------------------===//

/// Return the sum of the weights of every token's choices from number `from` on, [T].
static Value emitPassedWeights(Emitter &e, Value experts, Value weights, int64_t from) {
  auto add = [&](Emitter &e, ValueRange args) -> Value {
    Value first = arith::ConstantOp::create(e, e.getI32IntegerAttr(from));
    Value passes = arith::CmpIOp::create(e, arith::CmpIPredicate::sge, args[0], first);
    return arith::AddFOp::create(e, args[2], arith::SelectOp::create(e, passes, args[1], e.f32(0)));
  };
  Value sums = e.zeros({e.dimSize(experts, 0)});
  return e.generic({experts, weights}, {{0, 1}, {0, 1}}, sums, {0}, 2, add);
}

static Value emitPassed(Emitter &e, PassChoicesOp op, PassChoicesOp::Adaptor operands) {
  Value x = operands.getX();
  Value factors = emitPassedWeights(e, operands.getExperts(), operands.getWeights(), op.getFrom());
  Type element = op.getType().getElementType();
  auto scale = [&](Emitter &e, ValueRange args) -> Value {
    return e.castTo(element, arith::MulFOp::create(e, e.castTo(e.getF32Type(), args[0]), args[1]));
  };
  Value init = e.empty({e.dimSize(x, 0), e.size(typeOf(x).getDimSize(1))}, element);
  return e.generic({x, factors}, {{0, 1}, {0}}, init, {0, 1}, 2, scale);
}

void mla::populateExpertsPatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<EmitPattern<ExpertsProjectOp, emitExperts>, EmitPattern<PassChoicesOp, emitPassed>>(
      converter, patterns.getContext());
}
