//===- Merge.cpp - Merge partial attentions -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Merge.h"
#include "EmitPattern.h"
#include "OnlineSoftmax.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mla;

SmallVector<Value> mla::emitMerge(Emitter &e, Value partials, Value lses, Value sinks, Type outputElement) {
  OpFoldResult tokens = e.dimSize(partials, 1), heads = e.dimSize(partials, 2), width = e.dimSize(partials, 3);
  Type f32 = e.getF32Type();
  // Loops: split, token, head, column.
  Value maximum =
      e.generic(lses, {{0, 1, 2}}, e.filled(e.empty({tokens, heads}), e.minusInfinity()), {1, 2}, 3,
                [&](Emitter &e, ValueRange args) -> Value { return arith::MaximumFOp::create(e, args[0], args[1]); });
  auto weight = [&](Emitter &e, Value lse, Value maximum) -> Value {
    return math::ExpOp::create(e, arith::SubFOp::create(e, lse, finiteMaximum(e, maximum)));
  };
  Value sum = e.generic({lses, maximum}, {{0, 1, 2}, {1, 2}}, e.zeros({tokens, heads}), {1, 2}, 3,
                        [&](Emitter &e, ValueRange args) -> Value {
                          return arith::AddFOp::create(e, args[2], weight(e, args[0], args[1]));
                        });
  Value lse = e.elementwise({maximum, sum}, e.empty({tokens, heads}), [](Emitter &e, ValueRange args) -> Value {
    return arith::AddFOp::create(e, args[0], math::LogOp::create(e, args[1]));
  });
  Value denominator = sum;
  if (sinks)
    denominator = e.generic({sum, maximum, sinks}, {{0, 1}, {0, 1}, {1}}, e.empty({tokens, heads}), {0, 1}, 2,
                            [&](Emitter &e, ValueRange args) -> Value {
                              return arith::AddFOp::create(e, args[0], weight(e, args[2], args[1]));
                            });
  // exp(lse_s - lse): 0 for a partial without keys, whatever its elements.
  Value weights = e.generic({lses, maximum, denominator}, {{0, 1, 2}, {1, 2}, {1, 2}},
                            e.empty({e.dimSize(partials, 0), tokens, heads}), {0, 1, 2}, 3,
                            [&](Emitter &e, ValueRange args) -> Value {
                              Value w = weight(e, args[0], args[1]);
                              Value none = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, w, e.f32(0));
                              return arith::SelectOp::create(e, none, w, arith::DivFOp::create(e, w, args[2]));
                            });
  Value out = e.generic({partials, weights}, {{2, 0, 1, 3}, {2, 0, 1}}, e.zeros({tokens, heads, width}), {0, 1, 3}, 4,
                        [&](Emitter &e, ValueRange args) -> Value {
                          Value none = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, args[1], e.f32(0));
                          Value part = arith::SelectOp::create(e, none, e.f32(0), e.castTo(f32, args[0]));
                          return arith::AddFOp::create(e, args[2], arith::MulFOp::create(e, part, args[1]));
                        });
  return {e.cast(out, outputElement), lse};
}

static SmallVector<Value> emitMergeOp(Emitter &e, MergeOp op, MergeOp::Adaptor operands) {
  return emitMerge(e, operands.getPartials(), operands.getLses(), operands.getSinks(),
                   op.getResult().getType().getElementType());
}

void mla::populateMergePatterns(RewritePatternSet &patterns, const TypeConverter &converter) {
  patterns.add<EmitPattern<MergeOp, emitMergeOp>>(converter, patterns.getContext());
}
