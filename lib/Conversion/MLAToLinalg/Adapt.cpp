//===- Adapt.cpp - Updates by adapters that are not merged ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two products, each with the matrices of the token's adapter. Tokens are
// multiplied in blocks where all of a block have the same adapter, else one by
// one. The second product adds to what the projection has computed. Weights of
// adapters that no token has are not read.
//
//===----------------------------------------------------------------------===//

#include "EmitPattern.h"
#include "Patterns.h"
#include "Tokens.h"

#include "mla/Dialect/MLA/IR/Adapt.h"
#include "mla/Support/Divisors.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;

static constexpr int64_t kTokenBlock = 8;
/// Elements of a weight that a task multiplies, unless that is less than a panel of rows.
static constexpr int64_t kTaskElements = 1 << 14;
static constexpr int64_t kSmallestTask = 32;

namespace {
/// The weights of one of the two products, [E, heads, rows, contracted] or in panels [E, heads, contracted, rows].
struct Factor {
  Value weight;
  int64_t heads, rows, contracted;
  bool panels;

  /// Rows of a task.
  int64_t part() const {
    return largestDivisor(rows, std::max(kSmallestTask, kTaskElements / std::max<int64_t>(contracted, 1)));
  }
};

class UpdateEmitter {
public:
  UpdateEmitter(AdaptOp op, AdaptOp::Adaptor operands) : op(op), operands(operands), sizes(op.getSizes()) {}
  Value emit(Emitter &e);

private:
  Factor down(Emitter &e);
  Factor up(Emitter &e);
  Value emitNumbers(Emitter &e, Value tokens);
  Value emitHaveOneNumber(Emitter &e, Value from);
  Value emitTokens(Emitter &e, const Factor &factor, Value head, Value part, Value from, Value row, int64_t count,
                   Value out);
  Value emitBlock(Emitter &e, const Factor &factor, Value head, Value part, Value from, Value count, Value out);
  Value emitProduct(Emitter &e, const Factor &factor, Value rows, Value sums);

  AdaptOp op;
  AdaptOp::Adaptor operands;
  AdaptOp::Sizes sizes;
  Value numbers; ///< of every token's adapter; -1: none
  Value input;   ///< of the product that is emitted, [T, heads, contracted]
};
} // namespace

static Factor makeFactor(Emitter &e, Value weight, int64_t heads, int64_t rows, int64_t contracted, bool panels) {
  int64_t adapters = typeOf(weight).getDimSize(0);
  SmallVector<int64_t> shape = {adapters, heads, panels ? contracted : rows, panels ? rows : contracted};
  return {e.reshaped(weight, shape), heads, rows, contracted, panels};
}

Factor UpdateEmitter::down(Emitter &e) {
  int64_t contracted = sizes.contracted * (op.sumsHeads() ? sizes.headsIn : 1);
  int64_t heads = typeOf(operands.getDown()).getRank() == 4 && !op.sumsHeads() ? sizes.headsIn : 1;
  return makeFactor(e, operands.getDown(), heads, sizes.rank, contracted, op.getDownPanels());
}

Factor UpdateEmitter::up(Emitter &e) {
  int64_t heads = typeOf(operands.getUp()).getRank() == 4 ? sizes.headsOut : 1;
  return makeFactor(e, operands.getUp(), heads, sizes.rows, sizes.rank, op.getUpPanels());
}

/// Compute the adapter of every token, or -1.
Value UpdateEmitter::emitNumbers(Emitter &e, Value tokens) {
  Value adapters = operands.getAdapters(), cu = operands.getCu();
  Value none = arith::ConstantOp::create(e, e.getI32IntegerAttr(-1));
  Value count = arith::ConstantOp::create(e, e.getI32IntegerAttr(sizes.adapters));
  auto ofSequence = [&](Emitter &e, Value b, ValueRange carried) -> SmallVector<Value> {
    Value given = e.at(adapters, b);
    Value isKnown = arith::CmpIOp::create(e, arith::CmpIPredicate::ult, given, count);
    Value number = arith::SelectOp::create(e, isKnown, given, none);
    auto ofToken = [&](Emitter &e, Value token, ValueRange carried) -> SmallVector<Value> {
      return {tensor::InsertOp::create(e, number, carried[0], token).getResult()};
    };
    return e.loop(e.indexAt(cu, b), e.indexAt(cu, e.add(b, e.index(1))), e.index(1), carried, ofToken);
  };
  Value init = e.filled(e.empty({tokens}, e.getI32Type()), none);
  return e.loop(e.index(0), e.dim(adapters, 0), e.index(1), init, ofSequence)[0];
}

/// Return whether the tokens of a whole block have one adapter.
Value UpdateEmitter::emitHaveOneNumber(Emitter &e, Value from) {
  Value first = e.at(numbers, from), same = arith::ConstantOp::create(e, e.getBoolAttr(true));
  for (int64_t i = 1; i < kTokenBlock; ++i) {
    Value other = e.at(numbers, e.add(from, e.index(i)));
    same = arith::AndIOp::create(e, same, arith::CmpIOp::create(e, arith::CmpIPredicate::eq, first, other));
  }
  return same;
}

/// Return part `number` of the rows of an adapter's head, as [contracted, rows].
static Value partOf(Emitter &e, const Factor &factor, Value adapter, Value head, Value number) {
  OpFoldResult row = e.mul(number, e.index(factor.part())), part = e.size(factor.part()), one = e.size(1);
  OpFoldResult of = factor.heads == 1 ? OpFoldResult(e.size(0)) : OpFoldResult(head), all = e.size(factor.contracted);
  if (factor.panels)
    return e.slice(factor.weight, {adapter, of, e.size(0), row}, {one, one, all, part}, 2);
  return e.transposed2D(e.slice(factor.weight, {adapter, of, row, e.size(0)}, {one, one, part, all}, 2));
}

/// Multiply `count` tokens of one adapter, and add the result to rows of `out` from `row` on.
Value UpdateEmitter::emitTokens(Emitter &e, const Factor &factor, Value head, Value part, Value from, Value row,
                                int64_t count, Value out) {
  Value adapter = e.indexAt(numbers, from);
  Value hasSome = arith::CmpIOp::create(e, arith::CmpIPredicate::sge, adapter, e.index(0));
  auto then = [&](OpBuilder &builder, Location loc) {
    Emitter e(loc, builder);
    OpFoldResult of = typeOf(input).getDimSize(1) == 1 ? OpFoldResult(e.size(0)) : OpFoldResult(head);
    Value rows = e.slice(input, {from, of, e.size(0)}, {e.size(count), e.size(1), e.size(factor.contracted)}, 2);
    SmallVector<OpFoldResult> offsets = {row, e.size(0)}, sizes = {e.size(count), e.size(factor.part())};
    Value sums = e.matmul(rows, partOf(e, factor, adapter, head, part), e.slice(out, offsets, sizes, 2));
    scf::YieldOp::create(e, e.insert(sums, out, offsets, sizes));
  };
  auto otherwise = [&](OpBuilder &builder, Location loc) { scf::YieldOp::create(builder, loc, out); };
  return scf::IfOp::create(e, hasSome, then, otherwise).getResult(0);
}

/// Multiply the `count` tokens of a block, together if they are kTokenBlock of one adapter.
Value UpdateEmitter::emitBlock(Emitter &e, const Factor &factor, Value head, Value part, Value from, Value count,
                               Value out) {
  auto together = [&](OpBuilder &builder, Location loc) {
    Emitter e(loc, builder);
    scf::YieldOp::create(e, emitTokens(e, factor, head, part, from, e.index(0), kTokenBlock, out));
  };
  auto single = [&](OpBuilder &builder, Location loc) {
    Emitter e(loc, builder);
    auto body = [&](Emitter &e, Value row, ValueRange carried) -> SmallVector<Value> {
      return {emitTokens(e, factor, head, part, e.add(from, row), row, 1, carried[0])};
    };
    scf::YieldOp::create(e, e.loop(e.index(0), count, e.index(1), out, body)[0]);
  };
  Value isWhole = arith::CmpIOp::create(e, arith::CmpIPredicate::eq, count, e.index(kTokenBlock));
  auto compare = [&](OpBuilder &builder, Location loc) {
    Emitter e(loc, builder);
    scf::YieldOp::create(e, emitHaveOneNumber(e, from));
  };
  auto differ = [&](OpBuilder &builder, Location loc) {
    Emitter e(loc, builder);
    scf::YieldOp::create(e, arith::ConstantOp::create(e, e.getBoolAttr(false)).getResult());
  };
  Value haveOne = scf::IfOp::create(e, isWhole, compare, differ).getResult(0);
  return scf::IfOp::create(e, haveOne, together, single).getResult(0);
}

/// Add the products of rows [T, heads, contracted] to `sums` [T, heads, rows].
Value UpdateEmitter::emitProduct(Emitter &e, const Factor &factor, Value rows, Value sums) {
  input = rows;
  Value tokens = e.dim(sums, 0), block = e.index(kTokenBlock);
  auto body = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
    Value from = e.mul(indices[0], e.index(kTokenBlock));
    Value count = e.min(e.sub(tokens, from), e.index(kTokenBlock));
    OpFoldResult row = e.mul(indices[2], e.index(factor.part()));
    SmallVector<OpFoldResult> offsets = {from, indices[1], row}, sizes = {count, e.size(1), e.size(factor.part())};
    Value out = e.slice(outputs[0], offsets, sizes, 2);
    out = emitBlock(e, factor, indices[1], indices[2], from, count, out);
    e.yieldSlice(out, outputs[0], offsets, sizes);
  };
  SmallVector<OpFoldResult> bounds = {e.ceilDiv(tokens, block), e.size(typeOf(sums).getDimSize(1)),
                                      e.size(factor.rows / factor.part())};
  return e.parallel(bounds, sums, body)[0];
}

Value UpdateEmitter::emit(Emitter &e) {
  Value x = e.cast(operands.getX(), e.getF32Type()), y = e.cast(operands.getY(), e.getF32Type());
  OpFoldResult tokens = e.dimSize(y, 0);
  numbers = emitNumbers(e, e.value(tokens));
  Factor first = down(e), second = up(e);
  int64_t headsIn = op.sumsHeads() ? 1 : sizes.headsIn;
  x = reshapeTokens(e, x, {headsIn, first.contracted});
  y = reshapeTokens(e, y, {sizes.headsOut, second.rows});
  Value low = emitProduct(e, first, x, e.zeros({tokens, e.size(headsIn), e.size(first.rows)}));
  Value sums = reshapeTokens(e, emitProduct(e, second, low, y), op.getType().getShape().drop_front());
  return e.cast(sums, op.getType().getElementType());
}

static Value emitAdapt(Emitter &e, AdaptOp op, AdaptOp::Adaptor operands) {
  return UpdateEmitter(op, operands).emit(e);
}

void mla::populateAdaptPatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<EmitPattern<AdaptOp, emitAdapt>>(converter, patterns.getContext());
}
