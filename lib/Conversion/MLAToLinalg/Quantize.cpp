//===- Quantize.cpp - Elements in e4m3 with scales ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EightBit.h"
#include "EmitPattern.h"
#include "Patterns.h"

#include "mla/cache_format.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mla;

static SmallVector<OpFoldResult> sizesOf(Emitter &e, Value tensor) {
  return tensor::getMixedSizes(e, e.getLoc(), tensor);
}

/// Return the scale of every group of columns of `x`, which is f32.
static Value emitScales(Emitter &e, Value x, int64_t group) {
  int64_t rank = typeOf(x).getRank(), last = rank - 1, columns = typeOf(x).getDimSize(last);
  SmallVector<OpFoldResult> sizes = sizesOf(e, x);
  sizes[last] = e.size(llvm::divideCeil(columns, group));
  SmallVector<int64_t> loops = llvm::to_vector(llvm::seq<int64_t>(rank));
  // The loop over a group has the length of this vector, of which nothing is read.
  Value columnsOfGroup = e.empty({e.size(std::min(group, columns))});
  auto largest = [&](Emitter &e, ValueRange args) -> Value {
    SmallVector<Value> at = llvm::map_to_vector(loops, [&](int64_t loop) { return e.loopIndex(loop); });
    at.back() = e.add(e.mul(at.back(), e.index(group)), e.loopIndex(last + 1));
    if (columns % group != 0) // a column beyond the last one repeats it
      at.back() = e.min(at.back(), e.index(columns - 1));
    return arith::MaximumFOp::create(e, math::AbsFOp::create(e, e.at(x, at)), args.back());
  };
  Value zeros = e.filled(e.empty(sizes), e.f32(0));
  Value most = e.generic(columnsOfGroup, {{last + 1}}, zeros, loops, rank + 1, largest);
  return e.elementwise(most, e.empty(sizes), [](Emitter &e, ValueRange args) -> Value {
    Value scale = arith::DivFOp::create(e, args[0], e.f32(schema::largestE4M3));
    return arith::MaximumFOp::create(e, scale, e.f32(schema::leastScale));
  });
}

/// Return `x` times 1 / scale.
static Value emitScaled(Emitter &e, Value x, Value scale, int64_t group) {
  int64_t rank = typeOf(x).getRank();
  return e.elementwise(x, e.empty(sizesOf(e, x)), [&](Emitter &e, ValueRange args) -> Value {
    SmallVector<Value> at;
    for (int64_t loop = 0; loop < rank; ++loop)
      at.push_back(e.loopIndex(loop));
    at.back() = e.div(at.back(), e.index(group));
    Value inverse = arith::DivFOp::create(e, e.f32(1), e.at(scale, at));
    return arith::MulFOp::create(e, args[0], inverse);
  });
}

/// Return the elements of `scaled`, rounded.
static Value emitRounded(Emitter &e, Value scaled) {
  Type e4m3 = Float8E4M3FNType::get(e.getContext());
  return e.elementwise(scaled, e.empty(sizesOf(e, scaled), e4m3), [&](Emitter &e, ValueRange args) -> Value {
    return arith::BitcastOp::create(e, e4m3, emitToE4M3(e, args[0]));
  });
}

/// Return what `elements` leave of `scaled`.
static Value emitRest(Emitter &e, Value scaled, Value elements) {
  Value table = emitTableOf8Bit(e, Float8E4M3FNType::get(e.getContext()));
  return e.elementwise({scaled, elements}, e.empty(sizesOf(e, scaled)), [&](Emitter &e, ValueRange args) -> Value {
    Value rounded = emitLookUp(e, table, arith::BitcastOp::create(e, e.getI8Type(), args[1]));
    return arith::SubFOp::create(e, args[0], rounded);
  });
}

/// Insert `source` as one of two terms in dimension `dim` of `into`.
static Value insertTerm(Emitter &e, Value source, Value into, int64_t dim, int64_t term) {
  SmallVector<OpFoldResult> sizes = sizesOf(e, into), offsets(sizes.size(), e.size(0));
  sizes[dim] = e.size(1);
  offsets[dim] = e.size(term);
  return e.insert(source, into, offsets, sizes);
}

static Value emptyTerms(Emitter &e, Value x, RankedTensorType type) {
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(e.getContext(), type.getShape());
  sizes[0] = e.dimSize(x, 0);
  return e.empty(sizes, type.getElementType());
}

/// Return elements of two terms.
static Value emitTerms(Emitter &e, Value scaled, RankedTensorType type, int64_t dim) {
  Value first = emitRounded(e, scaled), second = emitRounded(e, emitRest(e, scaled, first));
  return insertTerm(e, second, insertTerm(e, first, emptyTerms(e, scaled, type), dim, 0), dim, 1);
}

static SmallVector<Value> emitQuantize(Emitter &e, QuantizeOp op, QuantizeOp::Adaptor operands) {
  auto group = static_cast<int64_t>(op.getGroup());
  Value x = e.cast(operands.getX(), e.getF32Type());
  Value scale = emitScales(e, x, group), scaled = emitScaled(e, x, scale, group);
  auto type = cast<RankedTensorType>(op.getElements().getType());
  return {op.getTerms() == 1 ? emitRounded(e, scaled) : emitTerms(e, scaled, type, op.getTermDim()), scale};
}

void mla::populateQuantizePatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<EmitPattern<QuantizeOp, emitQuantize>>(converter, patterns.getContext());
}
