//===- Pairs.cpp - Products for matrix tiles ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Pairs.h"

#include "mla/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;

Value mla::pairsOf(Emitter &e, Value tensor) {
  ArrayRef<int64_t> shape = typeOf(tensor).getShape();
  Value split = e.reshaped(tensor, {shape[0] / 2, 2, shape[1]});
  Value init = e.empty({e.size(shape[0] / 2), e.size(shape[1]), e.size(2)}, e.getBF16Type());
  return e.generic(split, {{0, 2, 1}}, init, {0, 1, 2}, 3,
                   [](Emitter &e, ValueRange args) { return e.castTo(e.getBF16Type(), args[0]); });
}

Value mla::multiplyPairs(Emitter &e, Value rows, Value pairs, Value sums) {
  ArrayRef<int64_t> shape = typeOf(rows).getShape();
  Value split = e.reshaped(rows, {shape[0], shape[1] / 2, 2});
  auto body = [](Emitter &e, ValueRange args) -> Value {
    Value product = arith::MulFOp::create(e, e.castTo(e.getF32Type(), args[0]), e.castTo(e.getF32Type(), args[1]));
    return arith::AddFOp::create(e, args[2], product);
  };
  Value made = e.generic({split, pairs}, {{0, 2, 3}, {2, 1, 3}}, sums, {0, 1}, 4, body);
  made.getDefiningOp()->setAttr(kMatrixTilesAttr, e.getUnitAttr());
  return made;
}

void mla::markVectorRows(Emitter &e, Value made) { made.getDefiningOp()->setAttr(kVectorRowsAttr, e.getUnitAttr()); }
