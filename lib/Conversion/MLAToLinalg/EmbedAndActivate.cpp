//===- EmbedAndActivate.cpp - Embedding and SwiGLU -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmitPattern.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mla;

/// Read rows of the table; zeros for an id that is none of its rows.
static Value emitEmbed(Emitter &e, EmbedOp op, EmbedOp::Adaptor operands) {
  Value ids = operands.getIds(), table = operands.getTable();
  int64_t rows = typeOf(table).getDimSize(0), width = typeOf(table).getDimSize(1);
  Type element = op.getType().getElementType();
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    Value most = arith::ConstantOp::create(e, e.getI32IntegerAttr(std::min<int64_t>(rows, INT32_MAX)));
    // As unsigned numbers, negative ids are too large as well.
    Value isRow = arith::CmpIOp::create(e, arith::CmpIPredicate::ult, args[0], most);
    Value row = arith::SelectOp::create(e, isRow, e.toIndex(args[0]), e.index(0));
    Value found = e.castTo(element, e.at(table, {row, e.loopIndex(1)}));
    Value zero = arith::ConstantOp::create(e, e.getFloatAttr(element, 0.0));
    return arith::SelectOp::create(e, isRow, found, zero);
  };
  return e.generic(ids, {{0}}, e.empty({e.dimSize(ids, 0), e.size(width)}, element), {0, 1}, 2, body);
}

/// Return 1 + exp(-x).
static Value inverseSigmoid(Emitter &e, Value x) {
  return arith::AddFOp::create(e, e.f32(1), math::ExpOp::create(e, arith::NegFOp::create(e, x)));
}

static Value emitSwiglu(Emitter &e, SwigluOp op, SwigluOp::Adaptor operands) {
  Type f32 = e.getF32Type(), element = op.getType().getElementType();
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    Value gate = e.castTo(f32, args[0]), up = e.castTo(f32, args[1]);
    Value activated = arith::DivFOp::create(e, gate, inverseSigmoid(e, gate));
    return e.castTo(element, arith::MulFOp::create(e, activated, up));
  };
  auto sizes = tensor::getMixedSizes(e, e.getLoc(), operands.getGate());
  return e.elementwise(operands.getOperands(), e.empty(sizes, element), body);
}

static Value emitGate(Emitter &e, GateOp op, GateOp::Adaptor operands) {
  Type f32 = e.getF32Type(), element = op.getType().getElementType();
  Value x = operands.getX(), gate = operands.getGate();
  auto body = [&](Emitter &e, ValueRange args) -> Value {
    Value factor = inverseSigmoid(e, e.castTo(f32, args[1]));
    return e.castTo(element, arith::DivFOp::create(e, e.castTo(f32, args[0]), factor));
  };
  SmallVector<int64_t> loops = {0, 1, 2}, loopsOfGate(loops);
  loopsOfGate.resize(typeOf(gate).getRank());
  return e.generic({x, gate}, {loops, loopsOfGate}, e.empty(tensor::getMixedSizes(e, e.getLoc(), x), element), loops, 3,
                   body);
}

void mla::populateEmbedAndActivatePatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<EmitPattern<EmbedOp, emitEmbed>, EmitPattern<SwigluOp, emitSwiglu>, EmitPattern<GateOp, emitGate>>(
      converter, patterns.getContext());
}
