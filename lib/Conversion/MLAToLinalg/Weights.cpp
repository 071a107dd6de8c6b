//===- Weights.cpp - Operations on weights --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EightBit.h"
#include "EmitPattern.h"
#include "Patterns.h"
#include "WeightProduct.h"

using namespace mlir;
using namespace mla;

/// Widen a weight's element to f32, inside a body.
static Value widen(Emitter &e, Value element, Value table) {
  if (element.getType().getIntOrFloatBitWidth() != 8)
    return e.castTo(e.getF32Type(), element);
  return emitLookUp(e, table, arith::BitcastOp::create(e, e.getI8Type(), element));
}

Value mla::emitDequantized(Emitter &e, Value weight, Value scale, ArrayRef<int64_t> block, ValueRange offsets,
                           Type elementType) {
  auto element = cast<FloatType>(typeOf(weight).getElementType());
  Value table = element.getWidth() == 8 ? emitTableOf8Bit(e, element) : Value();
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    SmallVector<Value> indices;
    for (auto [dim, size] : llvm::enumerate(block)) {
      Value index = offsets.empty() ? e.loopIndex(dim) : e.add(offsets[dim], e.loopIndex(dim));
      indices.push_back(size == 1 ? index : e.div(index, e.index(size)));
    }
    Value factor = e.castTo(e.getF32Type(), e.at(scale, indices));
    return e.castTo(elementType, arith::MulFOp::create(e, widen(e, args[0], table), factor));
  };
  return e.elementwise(weight, e.empty(tensor::getMixedSizes(e, e.getLoc(), weight), elementType), body);
}

/// Compute a product of weights with parallel heads.
static Value emitCompose(Emitter &e, ComposeOp op, ComposeOp::Adaptor operands) {
  Value outer = operands.getOuter(), inner = operands.getInner();
  using Size = OpFoldResult;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getType()).getShape();
  Size rows = e.size(shape[1]), columns = e.size(shape[2]), depth = e.size(typeOf(outer).getDimSize(2));
  auto body = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
    Size head = indices[0], zero = e.size(0);
    Value a = e.cast(e.slice(outer, {head, zero, zero}, {e.size(1), rows, depth}, 2), e.getF32Type());
    Value b = e.cast(e.slice(inner, {head, zero, zero}, {e.size(1), depth, columns}, 2), e.getF32Type());
    Value first = e.index(0);
    Value sums = emitWeightProduct(e, a, b, {e.empty({rows, columns}), {first, first}, 0, 1, /*panels=*/false});
    e.yieldSlice(e.cast(sums, typeOf(op).getElementType()), outputs[0], {head, zero, zero}, {e.size(1), rows, columns});
  };
  return e.parallel({e.size(shape[0])}, e.empty({e.size(shape[0]), rows, columns}, typeOf(op).getElementType()),
                    body)[0];
}

/// Return the slice of dimension `dim` at `term`.
static Value emitTerm(Emitter &e, Value tensor, int64_t dim, int64_t term) {
  SmallVector<OpFoldResult> offsets(typeOf(tensor).getRank(), e.size(0)),
      sizes = tensor::getMixedSizes(e, e.getLoc(), tensor);
  offsets[dim] = e.size(term);
  sizes[dim] = e.size(1);
  return e.slice(tensor, offsets, sizes, typeOf(tensor).getRank() - 1);
}

static Value emitDequantize(Emitter &e, DequantizeOp op, DequantizeOp::Adaptor operands) {
  Value x = operands.getX(), scale = operands.getScale();
  auto type = cast<RankedTensorType>(op.getType());
  if (type.getRank() == typeOf(x).getRank())
    return emitDequantized(e, x, scale, op.getBlock(), /*offsets=*/{}, type.getElementType());
  auto dim = static_cast<int64_t>(op.getTermDim());
  Value sum;
  for (int64_t term = 0; term < typeOf(x).getDimSize(dim); ++term) {
    Value next = emitDequantized(e, emitTerm(e, x, dim, term), scale, op.getBlock(), /*offsets=*/{}, e.getF32Type());
    sum = sum ? arith::AddFOp::create(e, sum, next).getResult() : next;
  }
  return e.cast(sum, type.getElementType());
}

void mla::populateWeightPatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<EmitPattern<DequantizeOp, emitDequantize>, EmitPattern<ComposeOp, emitCompose>>(converter,
                                                                                               patterns.getContext());
}
