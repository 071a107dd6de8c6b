//===- OnlineSoftmax.cpp - Attention over tiles of keys -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnlineSoftmax.h"
#include "Pairs.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mla;

OnlineSoftmax::OnlineSoftmax(Emitter &e, int64_t rows, int64_t width, bool matrixTiles) : matrixTiles(matrixTiles) {
  maximum = e.filled(e.empty({e.size(rows)}), e.minusInfinity());
  sum = e.zeros({e.size(rows)});
  values = matrixTiles ? e.zeros({e.size(width), e.size(rows)}) : e.zeros({e.size(rows), e.size(width)});
}

Value mla::finiteMaximum(Emitter &e, Value maximum) {
  Value hidden = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, maximum, e.minusInfinity());
  return arith::SelectOp::create(e, hidden, e.f32(0), maximum);
}

/// Compute exp(x - maximum), where the maximum may be -inf.
static Value weight(Emitter &e, Value x, Value maximum) {
  return math::ExpOp::create(e, arith::SubFOp::create(e, x, finiteMaximum(e, maximum)));
}

void OnlineSoftmax::step(Emitter &e, Value scores, Value tileValues) {
  auto scoresType = typeOf(scores);
  OpFoldResult keys = e.size(scoresType.getDimSize(0)), rows = e.size(scoresType.getDimSize(1));

  auto larger = [](Emitter &e, ValueRange args) -> Value { return arith::MaximumFOp::create(e, args[0], args[1]); };
  auto exponential = [](Emitter &e, ValueRange args) { return weight(e, args[0], args[1]); };
  Value highest = e.generic(scores, {{0, 1}}, e.filled(e.empty({rows}), e.minusInfinity()), {1}, 2, larger);
  Value updated = e.elementwise({maximum, highest}, e.empty({rows}), larger);
  Value weights = e.generic({scores, updated}, {{0, 1}, {1}}, e.empty({keys, rows}), {0, 1}, 2, exponential);
  Value decay = e.elementwise({maximum, updated}, e.empty({rows}), exponential);
  // Write to the buffer that the loop carries: the old maximum was used until here.
  maximum = bufferization::MaterializeInDestinationOp::create(e, updated, maximum).getResult();
  auto scale = [](Emitter &e, ValueRange args) -> Value { return arith::MulFOp::create(e, args[0], args[1]); };
  sum = e.generic(decay, {{0}}, sum, {0}, 1, scale);
  values = e.generic(decay, {{matrixTiles ? 1 : 0}}, values, {0, 1}, 2, scale);
  if (matrixTiles)
    markVectorRows(e, values);
  sum = e.generic(weights, {{0, 1}}, sum, {1}, 2,
                  [](Emitter &e, ValueRange args) -> Value { return arith::AddFOp::create(e, args[0], args[1]); });
  values = matrixTiles ? multiplyPairs(e, tileValues, pairsOf(e, weights), values)
                       : e.matmulTransposedA(weights, tileValues, values);
}

std::pair<Value, Value> OnlineSoftmax::finish(Emitter &e, Value sink) const {
  OpFoldResult rows = e.size(typeOf(sum).getDimSize(0)), width = e.size(typeOf(values).getDimSize(matrixTiles ? 0 : 1));
  Value init = e.empty({rows, width}), denominator = sum;
  SmallVector<int64_t> order = {0, 1};
  if (matrixTiles)
    std::swap(order[0], order[1]);
  if (sink)
    denominator = e.elementwise({sum, maximum}, e.empty({rows}), [&](Emitter &e, ValueRange args) -> Value {
      return arith::AddFOp::create(e, args[0], weight(e, sink, args[1]));
    });
  Value out = e.generic({values, denominator}, {order, {0}}, init, {0, 1}, 2, [](Emitter &e, ValueRange args) -> Value {
    Value none = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, args[1], e.f32(0));
    Value divisor = arith::SelectOp::create(e, none, e.f32(1), args[1]);
    return arith::DivFOp::create(e, args[0], divisor);
  });
  Value lse = e.elementwise({maximum, sum}, e.empty({rows}), [](Emitter &e, ValueRange args) -> Value {
    return arith::AddFOp::create(e, args[0], math::LogOp::create(e, args[1]));
  });
  return {out, lse};
}
