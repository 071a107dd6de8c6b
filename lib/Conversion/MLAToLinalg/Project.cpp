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
// iterates over tokens in blocks of `kTokenBlock`, then one by one, so that
// every matmul has a static shape and one token costs one row.
//
//===----------------------------------------------------------------------===//

#include "EmitPattern.h"
#include "Patterns.h"
#include "Tokens.h"

#include "mla/Support/Divisors.h"

using namespace mlir;
using namespace mla;

/// Tokens per block: with panels of 32 rows, 16 of AVX-512's 32 registers hold the accumulators and the rest the
/// operands.
static constexpr int64_t kTokenBlock = 8;
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

/// Compute tokens [from, to) of head `head` in blocks of `block`: write their part of `out`, [T, panel].
static Value emitTokens(Emitter &e, Value x, Value panel, Value out, Value head, Shape s, Value from, Value to,
                        int64_t block) {
  auto body = [&](Emitter &e, Value token, ValueRange carried) -> SmallVector<Value> {
    Value rows = e.slice(x, {token, head, e.size(0)}, {e.size(block), e.size(1), e.size(s.contracted)}, 2);
    SmallVector<OpFoldResult> offsets = {token, e.size(0)}, sizes = {e.size(block), e.size(s.panel)};
    Type element = typeOf(out).getElementType();
    // Accumulate in the result if its type is f32.
    Value init = element.isF32() ? e.slice(carried[0], offsets, sizes, 2) : e.empty(sizes);
    Value sums = e.matmul(rows, panel, e.filled(init, e.f32(0)));
    return {e.insert(e.cast(sums, element), carried[0], offsets, sizes)};
  };
  return e.loop(from, to, e.index(block), out, body)[0];
}

static Value emitProject(Emitter &e, ProjectOp op, ProjectOp::Adaptor operands) {
  Value x = operands.getX(), weight = operands.getWeight();
  Shape s = shapeOf(op);
  RankedTensorType result = typeOf(op.getResult());
  // Insert the dimension of heads, whose slices a unit dimension would not allow otherwise.
  Value input = reshapeTokens(e, x, {s.heads, s.contracted});
  OpFoldResult tokens = e.dimSize(x, 0);
  Value blocked = e.mul(e.div(e.value(tokens), e.index(kTokenBlock)), e.index(kTokenBlock));
  Value init = e.empty({tokens, e.size(s.heads), e.size(s.rows)}, result.getElementType());

  auto body = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
    Value head = indices[0], number = indices[1];
    Value panel = e.cast(panelOf(e, weight, op.getPanels(), s, head, number), e.getF32Type());
    OpFoldResult row = e.mul(number, e.index(s.panel));
    SmallVector<OpFoldResult> offsets = {e.size(0), head, row}, sizes = {tokens, e.size(1), e.size(s.panel)};
    Value out = e.slice(outputs[0], offsets, sizes, 2);
    out = emitTokens(e, input, panel, out, head, s, e.index(0), blocked, kTokenBlock);
    out = emitTokens(e, input, panel, out, head, s, blocked, e.value(tokens), 1);
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

void mla::populateProjectPatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<EmitPattern<ProjectOp, emitProject>, EmitPattern<BiasOp, emitBias>>(converter, patterns.getContext());
}
