//===- SortedChoices.cpp - Choices in the order of their experts ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels of GPUs compute these operations; on the CPU they are a reference, in
// plain loops. Choice c of token t, and row c of the rows of token t, are number
// t * C + c.
//
//===----------------------------------------------------------------------===//

#include "EmitPattern.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;

namespace {
/// The token and the choice of a number.
struct Place {
  Place(Emitter &e, Value number, int64_t choices)
      : token(e.div(number, e.index(choices))), choice(e.sub(number, e.mul(token, e.index(choices)))) {}
  SmallVector<Value> indices() const { return {token, choice}; }
  Value token, choice;
};
} // namespace

static Value toInt32(Emitter &e, Value index) { return arith::IndexCastOp::create(e, e.getI32Type(), index); }

namespace {
/// A slice with all of the dimensions behind the given ones, of which it has one index each.
struct Row {
  Row(Emitter &e, Value rows, ArrayRef<Value> indices) : offsets(indices.begin(), indices.end()) {
    sizes.append(indices.size(), e.size(1));
    for (int64_t size : typeOf(rows).getShape().drop_front(indices.size())) {
      offsets.push_back(e.size(0));
      sizes.push_back(e.size(size));
    }
  }
  SmallVector<OpFoldResult> offsets, sizes;
};
} // namespace

/// Return row `number` of sorted rows, [1, columns].
static Value rowAt(Emitter &e, Value rows, Value number) {
  Row row(e, rows, Place(e, number, typeOf(rows).getDimSize(1)).indices());
  return e.slice(rows, row.offsets, row.sizes, typeOf(rows).getRank() - 1);
}

/// Return `rows` with `row` as row `number`.
static Value withRow(Emitter &e, Value row, Value rows, Value number) {
  Row to(e, rows, Place(e, number, typeOf(rows).getDimSize(1)).indices());
  return e.insert(row, rows, to.offsets, to.sizes);
}

static Value countChoices(Emitter &e, Value experts) {
  return e.mul(e.dim(experts, 0), e.index(typeOf(experts).getDimSize(1)));
}

//===----------------------------------------------------------------------===//
// Sorting
//===----------------------------------------------------------------------===//

/// Return whether a choice is of `expert`, or for the number behind the last expert's, of none.
static Value isOf(Emitter &e, Value experts, const Place &place, Value expert, int64_t count) {
  Value number = e.indexAt(experts, place.indices()), none = e.index(count);
  // As unsigned, a negative number is not less.
  Value isExpert = arith::CmpIOp::create(e, arith::CmpIPredicate::ult, number, none);
  Value bucket = arith::SelectOp::create(e, isExpert, number, none);
  return arith::CmpIOp::create(e, arith::CmpIPredicate::eq, bucket, expert);
}

/// Write the numbers of an expert's choices from place `from` on; return the order, and the place behind them.
static SmallVector<Value> placeChoices(Emitter &e, Value experts, Value expert, int64_t count, Value order,
                                       Value from) {
  int64_t choices = typeOf(experts).getDimSize(1);
  Value last = e.sub(countChoices(e, experts), e.index(1));
  auto eachChoice = [&](Emitter &e, Value number, ValueRange carried) -> SmallVector<Value> {
    Value isOwn = isOf(e, experts, Place(e, number, choices), expert, count);
    Place to(e, e.min(carried[1], last), choices); // all places may have been written
    Value placed = arith::SelectOp::create(e, isOwn, toInt32(e, number), e.at(carried[0], to.indices()));
    return {tensor::InsertOp::create(e, placed, carried[0], to.indices()),
            e.add(carried[1], arith::SelectOp::create(e, isOwn, e.index(1), e.index(0)))};
  };
  return e.loop(e.index(0), countChoices(e, experts), e.index(1), {order, from}, eachChoice);
}

/// Return the order of choices, and where each expert's start.
static std::pair<Value, Value> emitOrder(Emitter &e, Value experts, int64_t count) {
  OpFoldResult choices = e.size(typeOf(experts).getDimSize(1));
  Value order = e.empty({e.dimSize(experts, 0), choices}, e.getI32Type());
  Value first = e.empty({e.size(count + 1)}, e.getI32Type());
  auto eachExpert = [&](Emitter &e, Value expert, ValueRange carried) -> SmallVector<Value> {
    Value starts = tensor::InsertOp::create(e, toInt32(e, carried[2]), carried[1], expert);
    SmallVector<Value> placed = placeChoices(e, experts, expert, count, carried[0], carried[2]);
    return {placed[0], starts, placed[1]};
  };
  SmallVector<Value> made = e.loop(e.index(0), e.index(count + 1), e.index(1), {order, first, e.index(0)}, eachExpert);
  return {made[0], made[1]};
}

static Value emitSortedRows(Emitter &e, Value x, Value order) {
  int64_t choices = typeOf(order).getDimSize(1);
  SmallVector<OpFoldResult> sizes = {e.dimSize(x, 0), e.size(choices)};
  for (int64_t size : typeOf(x).getShape().drop_front())
    sizes.push_back(e.size(size));
  Value rows = e.empty(sizes, typeOf(x).getElementType());
  auto copy = [&](Emitter &e, Value number, ValueRange carried) -> SmallVector<Value> {
    Value choice = e.indexAt(order, Place(e, number, choices).indices());
    Row row(e, x, Place(e, choice, choices).token);
    return {withRow(e, e.slice(x, row.offsets, row.sizes, typeOf(x).getRank()), carried[0], number)};
  };
  return e.loop(e.index(0), countChoices(e, order), e.index(1), rows, copy)[0];
}

//===----------------------------------------------------------------------===//
// Products and sums
//===----------------------------------------------------------------------===//

static Value emitGrouped(Emitter &e, Value rows, Value weight, Value first) {
  ArrayRef<int64_t> shape = typeOf(weight).getShape();
  rows = e.cast(rows, e.getF32Type());
  Value zeros = e.zeros({e.dimSize(rows, 0), e.size(typeOf(rows).getDimSize(1)), e.size(shape[1])});
  auto eachExpert = [&](Emitter &e, Value expert, ValueRange carried) -> SmallVector<Value> {
    Value ofExpert = e.transposed2D(
        e.slice(weight, {expert, e.size(0), e.size(0)}, {e.size(1), e.size(shape[1]), e.size(shape[2])}, 2));
    auto eachRow = [&](Emitter &e, Value number, ValueRange carried) -> SmallVector<Value> {
      Value made = e.matmul(rowAt(e, rows, number), ofExpert, e.zeros({e.size(1), e.size(shape[1])}));
      return {withRow(e, made, carried[0], number)};
    };
    Value from = e.indexAt(first, expert), to = e.indexAt(first, e.add(expert, e.index(1)));
    return e.loop(from, to, e.index(1), carried, eachRow);
  };
  return e.loop(e.index(0), e.index(shape[0]), e.index(1), zeros, eachExpert)[0];
}

static Value emitMixed(Emitter &e, Value rows, Value order, Value weights) {
  int64_t choices = typeOf(order).getDimSize(1), width = typeOf(rows).getDimSize(2);
  rows = e.cast(rows, e.getF32Type());
  auto add = [&](Emitter &e, Value number, ValueRange carried) -> SmallVector<Value> {
    Place choice(e, e.indexAt(order, Place(e, number, choices).indices()), choices);
    SmallVector<OpFoldResult> offsets = {choice.token, e.size(0)}, sizes = {e.size(1), e.size(width)};
    Value factor = e.at(weights, choice.indices()), before = e.slice(carried[0], offsets, sizes, 2);
    Value after = e.elementwise({rowAt(e, rows, number), before}, before, [&](Emitter &e, ValueRange args) -> Value {
      return arith::AddFOp::create(e, args[1], arith::MulFOp::create(e, args[0], factor));
    });
    return {e.insert(after, carried[0], offsets, sizes)};
  };
  Value zeros = e.zeros({e.dimSize(rows, 0), e.size(width)});
  return e.loop(e.index(0), countChoices(e, order), e.index(1), zeros, add)[0];
}

/// Number experts from `from` on.
static Value numberFrom(Emitter &e, Value experts, int64_t from) {
  if (from == 0)
    return experts;
  Value init = e.empty(tensor::getMixedSizes(e, e.getLoc(), experts), e.getI32Type());
  return e.elementwise(experts, init, [&](Emitter &e, ValueRange args) -> Value {
    Value first = arith::ConstantOp::create(e, e.getI32IntegerAttr(from));
    return arith::SubIOp::create(e, args[0], first);
  });
}

static SmallVector<Value> emitSorted(Emitter &e, SortChoicesOp op, SortChoicesOp::Adaptor operands) {
  Value experts = numberFrom(e, operands.getExperts(), op.getFrom());
  auto [order, first] = emitOrder(e, experts, typeOf(op.getFirst()).getDimSize(0) - 1);
  Value rows = e.cast(emitSortedRows(e, operands.getX(), order), typeOf(op.getRows()).getElementType());
  SmallVector<Value> results = {rows, order, first};
  if (Value scale = operands.getScale())
    results.push_back(emitSortedRows(e, scale, order));
  return results;
}

static Value emitGroupedOp(Emitter &e, GroupedProjectOp op, GroupedProjectOp::Adaptor operands) {
  Value made = emitGrouped(e, operands.getRows(), operands.getWeight(), operands.getFirst());
  return e.cast(made, typeOf(op.getResult()).getElementType());
}

static Value emitMixedOp(Emitter &e, MixChoicesOp op, MixChoicesOp::Adaptor operands) {
  Value made = emitMixed(e, operands.getRows(), operands.getOrder(), operands.getWeights());
  return e.cast(made, typeOf(op.getResult()).getElementType());
}

void mla::populateSortedChoicesPatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<EmitPattern<SortChoicesOp, emitSorted>, EmitPattern<GroupedProjectOp, emitGroupedOp>,
               EmitPattern<MixChoicesOp, emitMixedOp>>(converter, patterns.getContext());
}
