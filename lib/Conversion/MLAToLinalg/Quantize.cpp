//===- Quantize.cpp - Elements in e4m3 with scales ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EightBit.h"
#include "Emitter.h"
#include "Patterns.h"
#include "WeightProduct.h"

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

/// Return the elements of `x` divided by their scales, rounded.
static Value emitElements(Emitter &e, Value x, Value scale, int64_t group) {
  Type e4m3 = Float8E4M3FNType::get(e.getContext());
  int64_t rank = typeOf(x).getRank();
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    SmallVector<Value> at;
    for (int64_t loop = 0; loop < rank; ++loop)
      at.push_back(e.loopIndex(loop));
    at.back() = e.div(at.back(), e.index(group));
    Value quotient = arith::DivFOp::create(e, args[0], e.at(scale, at));
    return arith::BitcastOp::create(e, e4m3, emitToE4M3(e, quotient));
  };
  return e.elementwise(x, e.empty(sizesOf(e, x), e4m3), body);
}

/// Insert `source` as one of two terms in dimension 1 of `into`.
static Value insertTerm(Emitter &e, Value source, Value into, int64_t term) {
  SmallVector<OpFoldResult> sizes = sizesOf(e, into), offsets(sizes.size(), e.size(0));
  sizes[1] = e.size(1);
  offsets[1] = e.size(term);
  return e.insert(source, into, offsets, sizes);
}

static Value emptyTerms(Emitter &e, Value x, RankedTensorType type) {
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(e.getContext(), type.getShape());
  sizes[0] = e.dimSize(x, 0);
  return e.empty(sizes, type.getElementType());
}

/// Return what elements and scales leave of `x`.
static Value emitRest(Emitter &e, Value x, Value elements, Value scale, int64_t group) {
  SmallVector<int64_t> block(typeOf(x).getRank(), 1);
  block.back() = group;
  Value rounded = emitDequantized(e, elements, scale, block, /*offsets=*/{}, e.getF32Type());
  return arith::SubFOp::create(e, x, rounded);
}

namespace {
struct ConvertQuantize : OpConversionPattern<QuantizeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(QuantizeOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Emitter e(op.getLoc(), rewriter);
    auto group = static_cast<int64_t>(op.getGroup()), terms = static_cast<int64_t>(op.getTerms());
    Value x = e.cast(adaptor.getX(), e.getF32Type());
    Value scale = emitScales(e, x, group), elements = emitElements(e, x, scale, group);
    if (terms == 1) {
      rewriter.replaceOp(op, {elements, scale});
      return success();
    }
    Value allElements = emptyTerms(e, x, cast<RankedTensorType>(op.getElements().getType()));
    Value allScales = emptyTerms(e, x, cast<RankedTensorType>(op.getScale().getType()));
    for (int64_t term = 0; term < terms; ++term) {
      allElements = insertTerm(e, elements, allElements, term);
      allScales = insertTerm(e, scale, allScales, term);
      if (term + 1 == terms)
        break;
      x = emitRest(e, x, elements, scale, group);
      scale = emitScales(e, x, group);
      elements = emitElements(e, x, scale, group);
    }
    rewriter.replaceOp(op, {allElements, allScales});
    return success();
  }
};
} // namespace

void mla::populateQuantizePatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<ConvertQuantize>(converter, patterns.getContext());
}
