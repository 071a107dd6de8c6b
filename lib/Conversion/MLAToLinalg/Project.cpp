//===- Project.cpp - Projections as blocks of tokens times panels ---------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// After a reshape, every projection is `y[t, h, n] = sum_k x[t, h, k] * w[h, n,
// k]`: a plain one has one head, to_heads writes adjacent heads, and from_heads
// contracts heads like columns. Heads and panels of rows are parallel. A panel
// iterates over tokens in blocks, then one by one, so that every product has a
// static shape and one token costs one row. A weight of bf16 is widened once
// for all blocks of a panel, and for a single token as it is read.
//
//===----------------------------------------------------------------------===//

#include "EmitPattern.h"
#include "Pairs.h"
#include "Patterns.h"
#include "Tokens.h"

#include "mla/Support/Divisors.h"

using namespace mlir;
using namespace mla;

/// Tokens per block: with panels of 32 rows, 16 of AVX-512's 32 registers hold the accumulators and the rest the
/// operands.
static constexpr int64_t kTokenBlock = 8;
/// Tokens per block for matrix tiles.
static constexpr int64_t kTileTokens = kTileEdge;
/// Rows per panel for weights without packed layout.
static constexpr int64_t kLargestPanel = 32;

/// Reshape the dimensions after the tokens, row-major.
Value mla::reshapeTokens(Emitter &e, Value tensor, ArrayRef<int64_t> shape) {
  RankedTensorType type = typeOf(tensor);
  if (type.getShape().drop_front() == shape)
    return tensor;
  ReassociationIndices tail = llvm::to_vector(llvm::seq<int64_t>(1, type.getRank()));
  Value flat = type.getRank() == 2
                   ? tensor
                   : tensor::CollapseShapeOp::create(e, tensor, ArrayRef<ReassociationIndices>{{0}, tail}).getResult();
  if (shape.size() == 1)
    return flat;
  SmallVector<int64_t> full = {type.getDimSize(0)};
  llvm::append_range(full, shape);
  ReassociationIndices newTail = llvm::to_vector(llvm::seq<int64_t>(1, full.size()));
  return tensor::ExpandShapeOp::create(e, RankedTensorType::get(full, type.getElementType()), flat,
                                       ArrayRef<ReassociationIndices>{{0}, newTail});
}

namespace {
/// A projection as `heads` products of [T, contracted] with [rows, contracted].
struct Shape {
  int64_t heads, rows, contracted, panel;
};
} // namespace

static Shape shapeOf(ProjectOp op) {
  ArrayRef<int64_t> result = typeOf(op.getResult()).getShape();
  Shape shape;
  shape.heads = op.getHeads() == Heads::Per ? result[1] : 1;
  shape.rows = op.getHeads() == Heads::To ? result[1] * result[2] : result.back();
  shape.contracted = op.getContractedSize();
  shape.panel = op.getPanels() ? typeOf(op.getWeight()).getShape().back() : largestDivisor(shape.rows, kLargestPanel);
  return shape;
}

/// Return panel (head, number) of the weight, [contracted, panel].
static Value panelOf(Emitter &e, Value weight, bool panelled, Shape s, Value head, Value number) {
  using Size = OpFoldResult;
  if (panelled) {
    Value w = e.reshaped(weight, {s.heads, s.rows / s.panel, s.contracted, s.panel});
    return e.slice(w, {head, number, e.size(0), e.size(0)},
                   {e.size(1), e.size(1), e.size(s.contracted), e.size(s.panel)}, 2);
  }
  Value w = e.reshaped(weight, {s.heads, s.rows, s.contracted});
  Size row = e.mul(number, e.index(s.panel));
  return e.transposed2D(e.slice(w, {head, row, e.size(0)}, {e.size(1), e.size(s.panel), e.size(s.contracted)}, 2));
}

namespace {
/// Rows [T, heads, contracted] of the tokens from number `first` on, null: 0.
struct Rows {
  Value tensor, first;
};

/// Multiplies the tokens of a head by one panel of its weight.
class PanelEmitter {
public:
  PanelEmitter(Emitter &e, Shape shape, Value head, Value panel) : e(e), s(shape), head(head), panel(panel) {}

  /// Compute tokens [from, to) of `x` in blocks: write their part of `out`, [T, panel].
  Value emitBlocks(Rows x, Value out, Value from, Value to, int64_t block);
  /// The same in blocks for matrix tiles.
  Value emitTiles(Rows x, Value out, Value from, Value to);

private:
  using Multiply = llvm::function_ref<Value(Emitter &, Value rows, Value sums)>;
  Value emit(Rows x, Value out, Value from, Value to, int64_t block, Multiply multiply);

  Emitter &e;
  Shape s;
  Value head, panel;
};
} // namespace

Value PanelEmitter::emit(Rows x, Value out, Value from, Value to, int64_t block, Multiply multiply) {
  auto body = [&](Emitter &e, Value token, ValueRange carried) -> SmallVector<Value> {
    Value row = x.first ? e.sub(token, x.first) : token;
    Value rows = e.slice(x.tensor, {row, head, e.size(0)}, {e.size(block), e.size(1), e.size(s.contracted)}, 2);
    SmallVector<OpFoldResult> offsets = {token, e.size(0)}, sizes = {e.size(block), e.size(s.panel)};
    Type element = typeOf(out).getElementType();
    // Accumulate in the result if its type is f32.
    Value init = element.isF32() ? e.slice(carried[0], offsets, sizes, 2) : e.empty(sizes);
    Value sums = multiply(e, rows, e.filled(init, e.f32(0)));
    return {e.insert(e.cast(sums, element), carried[0], offsets, sizes)};
  };
  return e.loop(from, to, e.index(block), out, body)[0];
}

Value PanelEmitter::emitBlocks(Rows x, Value out, Value from, Value to, int64_t block) {
  if (block == 1 || typeOf(panel).getElementType().isF32()) // vectors of a weight are widened as they are read
    return emit(x, out, from, to, block,
                [&](Emitter &e, Value rows, Value sums) { return e.matmul(rows, panel, sums); });
  return e.when(e.less(from, to), out, [&](Emitter &e) {
    Value wide = e.cast(panel, e.getF32Type());
    return PanelEmitter(e, s, head, wide).emitBlocks(x, out, from, to, block);
  });
}

Value PanelEmitter::emitTiles(Rows x, Value out, Value from, Value to) {
  return e.when(e.less(from, to), out, [&](Emitter &e) {
    Value pairs = pairsOf(e, panel);
    return PanelEmitter(e, s, head, panel).emit(x, out, from, to, kTileTokens, [&](Emitter &e, Value rows, Value sums) {
      return multiplyPairs(e, rows, pairs, sums);
    });
  });
}

/// Return the first `count` tokens of [token, head, :] in bf16.
static Value roundedTokens(Emitter &e, Value tensor, OpFoldResult count) {
  RankedTensorType type = typeOf(tensor);
  if (type.getElementType().isBF16())
    return tensor;
  OpFoldResult zero = e.size(0);
  SmallVector<OpFoldResult> sizes = {e.size(1), e.size(type.getDimSize(1)), e.size(type.getDimSize(2))};
  auto body = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
    SmallVector<OpFoldResult> offsets = {indices[0], zero, zero};
    e.yieldSlice(e.cast(e.slice(tensor, offsets, sizes, 3), e.getBF16Type()), outputs[0], offsets, sizes);
  };
  return e.parallel(count, e.empty({count, sizes[1], sizes[2]}, e.getBF16Type()), body)[0];
}

/// Return whether tiles divide a panel.
static bool suitsTiles(Value weight, Shape s) {
  return typeOf(weight).getElementType().isBF16() && s.panel % kTileEdge == 0 && s.contracted % kTileDepth == 0;
}

static Value emitProject(Emitter &e, ProjectOp op, ProjectOp::Adaptor operands, bool matrixTiles) {
  Value x = operands.getX(), weight = operands.getWeight();
  Shape s = shapeOf(op);
  RankedTensorType result = typeOf(op.getResult());
  // Insert the dimension of heads, whose slices a unit dimension would not allow otherwise.
  Value input = reshapeTokens(e, x, {s.heads, s.contracted});
  OpFoldResult tokens = e.dimSize(x, 0);
  bool tiles = matrixTiles && suitsTiles(weight, s);
  auto wholeBlocks = [&](int64_t block) { return e.mul(e.div(e.value(tokens), e.index(block)), e.index(block)); };
  Value tiled = tiles ? wholeBlocks(kTileTokens) : e.index(0), blocked = wholeBlocks(kTokenBlock);
  Rows rounded, exact = {input, Value()};
  if (tiles) {
    rounded.tensor = roundedTokens(e, input, tiled);
    SmallVector<OpFoldResult> rest = {e.sub(e.value(tokens), tiled), e.size(s.heads), e.size(s.contracted)};
    exact = {e.slice(input, {tiled, e.size(0), e.size(0)}, rest, 3), tiled};
  }
  exact.tensor = e.cast(exact.tensor, e.getF32Type());
  Value init = e.empty({tokens, e.size(s.heads), e.size(s.rows)}, result.getElementType());

  auto body = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
    Value head = indices[0], number = indices[1];
    PanelEmitter panel(e, s, head, panelOf(e, weight, op.getPanels(), s, head, number));
    OpFoldResult row = e.mul(number, e.index(s.panel));
    SmallVector<OpFoldResult> offsets = {e.size(0), head, row}, sizes = {tokens, e.size(1), e.size(s.panel)};
    Value out = e.slice(outputs[0], offsets, sizes, 2);
    if (tiles)
      out = panel.emitTiles(rounded, out, e.index(0), tiled);
    out = panel.emitBlocks(exact, out, tiled, blocked, kTokenBlock);
    out = panel.emitBlocks(exact, out, blocked, e.value(tokens), 1);
    e.yieldSlice(out, outputs[0], offsets, sizes);
  };
  Value out = e.parallel({e.size(s.heads), e.size(s.rows / s.panel)}, init, body)[0];
  return reshapeTokens(e, out, result.getShape().drop_front());
}

static Value emitBias(Emitter &e, BiasOp op, BiasOp::Adaptor operands) {
  RankedTensorType type = op.getType();
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(type.getRank()));
  SmallVector<int64_t> tail(llvm::drop_begin(all));
  Value init = e.empty(tensor::getMixedSizes(e, op.getLoc(), operands.getX()), type.getElementType());
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    Value sum = arith::AddFOp::create(e, e.castTo(e.getF32Type(), args[0]), e.castTo(e.getF32Type(), args[1]));
    return e.castTo(type.getElementType(), sum);
  };
  return e.generic({operands.getX(), operands.getBias()}, {all, tail}, init, all, type.getRank(), body);
}

void mla::populateProjectPatterns(RewritePatternSet &patterns, const TypeConverter &converter, bool matrixTiles) {
  patterns.add<EmitTilesPattern<ProjectOp, emitProject>>(converter, patterns.getContext(), matrixTiles);
  patterns.add<EmitPattern<BiasOp, emitBias>>(converter, patterns.getContext());
}
