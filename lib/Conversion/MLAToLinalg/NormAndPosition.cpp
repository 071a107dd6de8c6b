//===- NormAndPosition.cpp - RMS norm, RoPE, scaling by position ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitPattern.h"
#include "Patterns.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mla;

static SmallVector<OpFoldResult> sizesOf(Emitter &e, Value tensor) {
  return tensor::getMixedSizes(e, e.getLoc(), tensor);
}

//===----------------------------------------------------------------------===//
// RMS norm
//===----------------------------------------------------------------------===//

static Value emitRmsNorm(Emitter &e, RmsNormOp op, RmsNormOp::Adaptor operands) {
  Value x = operands.getX();
  RankedTensorType type = typeOf(x);
  int64_t rank = type.getRank(), width = type.getShape().back();
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(rank));
  SmallVector<int64_t> rows(llvm::drop_end(all));
  Type f32 = e.getF32Type();

  SmallVector<OpFoldResult> rowSizes = sizesOf(e, x);
  rowSizes.pop_back();
  Value squares = e.generic(x, {all}, e.zeros(rowSizes), rows, rank, [&](Emitter &e, ValueRange args) -> Value {
    Value wide = e.castTo(f32, args[0]);
    return arith::AddFOp::create(e, args[1], arith::MulFOp::create(e, wide, wide));
  });
  Value factors = e.elementwise(squares, e.empty(rowSizes), [&](Emitter &e, ValueRange args) -> Value {
    Value mean = arith::DivFOp::create(e, args[0], e.f32(width));
    Value shifted = arith::AddFOp::create(e, mean, e.f32(op.getEpsilon().convertToDouble()));
    return arith::DivFOp::create(e, e.f32(1), math::SqrtOp::create(e, shifted));
  });
  auto scale = [&](Emitter &e, ValueRange args) -> Value {
    Value normalised = arith::MulFOp::create(e, e.castTo(f32, args[0]), args[1]);
    Value scaled = arith::MulFOp::create(e, normalised, e.castTo(f32, args[2]));
    return e.castTo(op.getType().getElementType(), scaled);
  };
  Value init = e.empty(sizesOf(e, x), op.getType().getElementType());
  return e.generic({x, factors, operands.getGamma()}, {all, rows, {rank - 1}}, init, all, rank, scale);
}

//===----------------------------------------------------------------------===//
// RoPE
//===----------------------------------------------------------------------===//

static Value constantTensor(Emitter &e, ArrayRef<float> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, e.getF32Type());
  return arith::ConstantOp::create(e, DenseElementsAttr::get(type, values));
}

/// Compute sine or cosine of every token's angles, [T, R / 2]. The angle is a product of float32 numbers, as in the
/// model's own code.
template <typename Function> static Value emitAngles(Emitter &e, RopeOp op, Value position) {
  Value frequencies = constantTensor(e, op.getFrequencies());
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    Value number = arith::SIToFPOp::create(e, e.getF32Type(), args[0]);
    Value angle = arith::MulFOp::create(e, number, args[1]);
    return arith::MulFOp::create(e, Function::create(e, angle), e.f32(op.getScale().convertToDouble()));
  };
  Value init = e.empty({e.dimSize(position, 0), e.size(op.getFrequencies().size())});
  return e.generic({position, frequencies}, {{0}, {1}}, init, {0, 1}, 2, body);
}

namespace {
/// For an element of the last dimension: its pair, the index of the pair's other element, and whether it is the first
/// one.
struct PairIndex {
  Value pair, partner, isFirst;
};
} // namespace

static PairIndex pairOf(Emitter &e, RopeStyle style, Value element, int64_t pairs) {
  if (style == RopeStyle::HalfSplit) {
    Value isFirst = e.less(element, e.index(pairs));
    Value pair = arith::RemUIOp::create(e, element, e.index(pairs));
    Value partner = arith::RemUIOp::create(e, e.add(element, e.index(pairs)), e.index(2 * pairs));
    return {pair, partner, isFirst};
  }
  Value odd = arith::RemUIOp::create(e, element, e.index(2));
  Value partner = arith::XOrIOp::create(e, element, e.index(1));
  Value isFirst = arith::CmpIOp::create(e, arith::CmpIPredicate::eq, odd, e.index(0));
  return {e.div(element, e.index(2)), partner, isFirst};
}

static Value emitRope(Emitter &e, RopeOp op, RopeOp::Adaptor operands) {
  Value x = operands.getX(), position = operands.getPosition();
  RankedTensorType type = typeOf(x);
  int64_t rank = type.getRank(), pairs = op.getFrequencies().size();
  Value cosines = emitAngles<math::CosOp>(e, op, position);
  Value sines = emitAngles<math::SinOp>(e, op, position);
  Type f32 = e.getF32Type();
  // first' = first cos - second sin; second' = second cos + first sin.
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    SmallVector<Value> at;
    for (int64_t i = 0; i < rank; ++i)
      at.push_back(e.loopIndex(i));
    PairIndex index = pairOf(e, op.getStyle(), at.back(), pairs);
    Value cosine = e.at(cosines, {at[0], index.pair}), sine = e.at(sines, {at[0], index.pair});
    at.back() = index.partner;
    Value partner = e.castTo(f32, e.at(x, at));
    Value signedSine = arith::SelectOp::create(e, index.isFirst, arith::NegFOp::create(e, sine), sine);
    Value kept = arith::MulFOp::create(e, e.castTo(f32, args[0]), cosine);
    return e.castTo(type.getElementType(),
                    arith::AddFOp::create(e, kept, arith::MulFOp::create(e, partner, signedSine)));
  };
  return e.elementwise(x, e.empty(sizesOf(e, x), type.getElementType()), body);
}

//===----------------------------------------------------------------------===//
// Scaling by position
//===----------------------------------------------------------------------===//

static Value emitPositionScale(Emitter &e, PositionScaleOp op, PositionScaleOp::Adaptor operands) {
  Value x = operands.getX(), position = operands.getPosition();
  RankedTensorType type = typeOf(x);
  Type f32 = e.getF32Type();
  auto factor = [&](Emitter &e, ValueRange args) -> Value {
    Value original = arith::ConstantOp::create(e, e.getI32IntegerAttr(op.getOriginal()));
    Value periods = arith::SIToFPOp::create(e, f32, arith::DivSIOp::create(e, args[0], original));
    Value logarithm = math::LogOp::create(e, arith::AddFOp::create(e, e.f32(1), periods));
    Value growth = arith::MulFOp::create(e, e.f32(op.getBeta().convertToDouble()), logarithm);
    return arith::AddFOp::create(e, e.f32(1), growth);
  };
  Value factors = e.elementwise(position, e.empty({e.dimSize(position, 0)}), factor);
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(type.getRank()));
  auto scale = [&](Emitter &e, ValueRange args) -> Value {
    return e.castTo(type.getElementType(), arith::MulFOp::create(e, e.castTo(f32, args[0]), args[1]));
  };
  return e.generic({x, factors}, {all, {0}}, e.empty(sizesOf(e, x), type.getElementType()), all, type.getRank(), scale);
}

void mla::populateNormAndPositionPatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<EmitPattern<RmsNormOp, emitRmsNorm>, EmitPattern<RopeOp, emitRope>,
               EmitPattern<PositionScaleOp, emitPositionScale>>(converter, patterns.getContext());
}
