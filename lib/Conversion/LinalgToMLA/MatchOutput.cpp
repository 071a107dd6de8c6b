//===- MatchOutput.cpp - Match the output projection ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"
#include "NormalForm.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla::raise;

/// Find the contractions that read the value, directly or moved or converted.
static SmallVector<linalg::LinalgOp> findContractions(Value value) {
  SmallVector<linalg::LinalgOp> found;
  SmallVector<Value> reached = {value};
  for (size_t i = 0; i < reached.size(); ++i)
    for (Operation *user : reached[i].getUsers()) {
      auto op = dyn_cast<linalg::LinalgOp>(user);
      if (op && op.getNumReductionLoops() != 0)
        found.push_back(op);
      else if (user->getNumResults() == 1 && (op || isa<tensor::TensorDialect>(user->getDialect())))
        reached.push_back(user->getResult(0));
    }
  return found;
}

/// Return the index of a result in terms of sequence, query and row.
static std::optional<SmallVector<AffineExpr>> indexOfResult(Terms &terms, const Layer &layer, ArrayRef<int64_t> shape,
                                                            AffineExpr row) {
  int64_t batch = terms.variables.sizeOf(layer.batch), query = terms.variables.sizeOf(layer.query);
  if (shape.size() == 2 && shape[0] == batch * query)
    return SmallVector<AffineExpr>{layer.batch * query + layer.query, row};
  if (shape.size() == 3 && shape[0] == batch && shape[1] == query)
    return SmallVector<AffineExpr>{layer.batch, layer.query, row};
  if (shape.size() == 3 && shape[0] == 1 && shape[1] == batch * query)
    return SmallVector<AffineExpr>{terms.variables.constant(0), layer.batch * query + layer.query, row};
  return std::nullopt;
}

static std::optional<Output> matchContraction(Terms &terms, const Layer &layer, linalg::LinalgOp op) {
  Value result = op->getResult(0);
  auto type = dyn_cast<RankedTensorType>(result.getType());
  if (!type || !type.hasStaticShape() || type.getRank() == 0)
    return std::nullopt;
  AffineExpr row = terms.variables.make(type.getShape().back());
  auto index = indexOfResult(terms, layer, type.getShape(), row);
  if (!index)
    return std::nullopt;
  TermRef read = terms.element(result, *index);
  Matched<Linear> linear = matchLinear(terms, read, {layer.batch, layer.query}, "results");
  if (!linear)
    return std::nullopt;
  AffineExpr column = layer.head * terms.variables.sizeOf(layer.value) + layer.value;
  TermRef x = sourceOf(terms, terms.replace(linear->x, linear->k, column));
  if (!terms.same(x, layer.attendedRead))
    return std::nullopt;
  return Output{result, read, row, terms.replace(linear->weight, linear->k, column), linear->bias};
}

std::optional<Output> mla::raise::matchOutput(Terms &terms, const Layer &layer) {
  for (linalg::LinalgOp op : findContractions(layer.attended))
    if (std::optional<Output> output = matchContraction(terms, layer, op))
      return output;
  return std::nullopt;
}
