//===- EightBit.cpp - 8-bit floats without instructions for them ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EightBit.h"

#include "mla/cache_format.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/APFloat.h"

using namespace mlir;
using namespace mla;

Value mla::emitTableOf8Bit(Emitter &e, FloatType type) {
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

Value mla::emitLookUp(Emitter &e, Value table, Value bits) {
  return e.at(table, arith::IndexCastUIOp::create(e, e.getIndexType(), bits).getResult());
}

static Value i32(Emitter &e, int64_t value) { return arith::ConstantOp::create(e, e.getI32IntegerAttr(value)); }
static Value bitsOf(Emitter &e, Value x) { return arith::BitcastOp::create(e, e.getI32Type(), x); }

/// Rounds to 3 bits of mantissa: a carry moves on to the exponent.
static Value roundNormal(Emitter &e, Value magnitude) {
  constexpr int64_t dropped = 20, bias = 127 - 7;
  Value bits = bitsOf(e, magnitude);
  Value odd = arith::AndIOp::create(e, arith::ShRUIOp::create(e, bits, i32(e, dropped)), i32(e, 1));
  Value rounded = e.add(e.add(bits, i32(e, (1 << (dropped - 1)) - 1)), odd);
  return e.sub(arith::ShRUIOp::create(e, rounded, i32(e, dropped)), i32(e, bias << 3));
}

/// Rounds to a multiple of 2^-9, the least subnormal: one unit in the last place of a sum with 2^14.
static Value roundSubnormal(Emitter &e, Value magnitude) {
  Value anchor = e.f32(0x1p14);
  return e.sub(bitsOf(e, arith::AddFOp::create(e, magnitude, anchor)), bitsOf(e, anchor));
}

Value mla::emitToE4M3(Emitter &e, Value x) {
  constexpr int64_t nan = 0x7f, sign = 0x80;
  Value magnitude = arith::MinNumFOp::create(e, math::AbsFOp::create(e, x), e.f32(schema::largestE4M3));
  Value isNormal = arith::CmpFOp::create(e, arith::CmpFPredicate::OGE, magnitude, e.f32(0x1p-6));
  Value code = arith::SelectOp::create(e, isNormal, roundNormal(e, magnitude), roundSubnormal(e, magnitude));
  Value isNumber = arith::CmpFOp::create(e, arith::CmpFPredicate::ORD, x, x);
  code = arith::SelectOp::create(e, isNumber, code, i32(e, nan));
  Value negative = arith::AndIOp::create(e, arith::ShRUIOp::create(e, bitsOf(e, x), i32(e, 24)), i32(e, sign));
  return arith::TruncIOp::create(e, e.getI8Type(), arith::OrIOp::create(e, code, negative));
}
