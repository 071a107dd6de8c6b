//===- Weights.cpp - What weights alone go through ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"
#include "Patterns.h"

#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace mla;

/// The value of every bit pattern of an 8-bit float: no processor at hand
/// converts e4m3, and 1 KiB stays in its cache.
static Value tableOf8Bit(Emitter &e, FloatType type) {
  SmallVector<float> values;
  for (unsigned bits = 0; bits < 256; ++bits) {
    APFloat value(type.getFloatSemantics(), APInt(8, bits));
    bool losesInfo;
    value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &losesInfo);
    values.push_back(value.convertToFloat());
  }
  auto tableType = RankedTensorType::get({256}, e.getF32Type());
  return arith::ConstantOp::create(e, DenseElementsAttr::get(tableType, ArrayRef<float>(values)));
}

/// A weight's element as f32, inside a body.
static Value widen(Emitter &e, Value element, Value table) {
  if (element.getType().getIntOrFloatBitWidth() != 8)
    return e.castTo(e.getF32Type(), element);
  Value bits = arith::BitcastOp::create(e, e.getI8Type(), element);
  return e.at(table, arith::IndexCastUIOp::create(e, e.getIndexType(), bits).getResult());
}

static Value emitDequantize(Emitter &e, DequantizeOp op, Value weight, Value scale) {
  RankedTensorType result = op.getType();
  auto element = cast<FloatType>(typeOf(weight).getElementType());
  Value table = element.getWidth() == 8 ? tableOf8Bit(e, element) : Value();
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    Value row = e.div(e.loopIndex(0), e.index(op.getBlock()[0]));
    Value column = e.div(e.loopIndex(1), e.index(op.getBlock()[1]));
    Value factor = e.castTo(e.getF32Type(), e.at(scale, {row, column}));
    return e.castTo(result.getElementType(), arith::MulFOp::create(e, widen(e, args[0], table), factor));
  };
  return e.elementwise(weight, e.empty(tensor::getMixedSizes(e, op.getLoc(), weight), result.getElementType()), body);
}

/// Rows of a product computed together.
static constexpr int64_t kRowBlock = 8;

/// A head at a time: blocks of rows of the outer weight times the inner one.
static Value emitCompose(Emitter &e, ComposeOp op, Value outer, Value inner) {
  auto result = cast<RankedTensorType>(op.getType());
  ArrayRef<int64_t> shape = result.getShape();
  int64_t depth = typeOf(outer).getDimSize(2);
  int64_t block = shape[1] % kRowBlock == 0 ? kRowBlock : 1;
  using Size = OpFoldResult;
  auto body = [&](Emitter &e, ValueRange indices, ValueRange outputs) {
    Value head = indices[0];
    Size row = e.mul(indices[1], e.index(block));
    Value a = e.slice(outer, {head, row, e.size(0)}, {e.size(1), e.size(block), e.size(depth)}, 2);
    Value b = e.slice(inner, {head, e.size(0), e.size(0)}, {e.size(1), e.size(depth), e.size(shape[2])}, 2);
    Value sums = e.matmul(a, b, e.zeros({e.size(block), e.size(shape[2])}));
    e.yieldSlice(e.cast(sums, result.getElementType()), outputs[0], {head, row, e.size(0)},
                 {e.size(1), e.size(block), e.size(shape[2])});
  };
  Value init = e.empty({e.size(shape[0]), e.size(shape[1]), e.size(shape[2])}, result.getElementType());
  return e.parallel({e.size(shape[0]), e.size(shape[1] / block)}, init, body)[0];
}

namespace {

struct ConvertDequantize : OpConversionPattern<DequantizeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(DequantizeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Emitter e(op.getLoc(), rewriter);
    rewriter.replaceOp(op, emitDequantize(e, op, adaptor.getWeight(), adaptor.getScale()));
    return success();
  }
};

struct ConvertCompose : OpConversionPattern<ComposeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ComposeOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    Emitter e(op.getLoc(), rewriter);
    rewriter.replaceOp(op, emitCompose(e, op, adaptor.getOuter(), adaptor.getInner()));
    return success();
  }
};

} // namespace

void mla::populateWeightPatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<ConvertDequantize, ConvertCompose>(converter, patterns.getContext());
}
