//===- Division.cpp - How ranks divide operations ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// DivisibleOpInterface of the operations. Dimension 0 of an activation is that
// of tokens, which is not divided.
//
//===----------------------------------------------------------------------===//

#include "Shapes.h"
#include "mla/Dialect/MLA/IR/Adapt.h"

using namespace mlir;
using namespace mla;

#include "mla/Dialect/MLA/IR/MLAInterfaces.cpp.inc"

static constexpr int64_t kWhole = DivisibleOpInterface::kWhole;

using Dims = SmallVector<int64_t>;

/// Return whether `dim` is a dimension of the result other than that of tokens.
static bool isOfToken(Value result, int64_t dim) { return dim > 0 && dim < rankOf(result); }

//===----------------------------------------------------------------------===//
// Projections
//===----------------------------------------------------------------------===//

Dims ProjectOp::getDividedDims(int64_t dim) {
  if (getPanels() || !isOfToken(getResult(), dim))
    return {};
  bool isHead = dim == 1 && getHeads() == Heads::Per;
  return {isHead ? 1 : kWhole, dim - 1};
}

Dims ProjectOp::getSummedDims() {
  if (getPanels() || getHeads() == Heads::To || getHeads() == Heads::Per)
    return {};
  return {1, 1};
}

Dims AdaptOp::getDividedDims(int64_t dim) {
  if (getDownPanels() || getUpPanels() || !isOfToken(getResult(), dim))
    return {};
  bool isHead = rankOf(getX()) == 3 && rankOf(getY()) == 3 && dim == 1;
  int64_t down = isHead && rankOf(getDown()) == 4 ? 1 : kWhole;
  bool isRow = dim == rankOf(getY()) - 1;
  int64_t rows = isRow ? 1 : kWhole; // of an up-projection that all heads share
  int64_t up = rankOf(getUp()) == 4 ? dim : rows;
  return {dim, isHead ? 1 : kWhole, down, up, kWhole, kWhole};
}

/// Of the update of a projection from heads, these.
Dims AdaptOp::getSummedDims() {
  if (getDownPanels() || getUpPanels() || rankOf(getX()) != 3 || rankOf(getY()) != 2)
    return {};
  return {kWhole, 1, 2, kWhole, kWhole, kWhole};
}

Dims ExpertsProjectOp::getDividedDims(int64_t dim) {
  if (getPanels() || dim != rankOf(getResult()) - 1)
    return {};
  Dims dims = {kWhole, 1, kWhole};
  dims.resize(getNumOperands(), kWhole);
  return dims;
}

Dims ExpertsProjectOp::getSummedDims() {
  if (getPanels() || !getSum())
    return {};
  return {rankOf(getX()) - 1, 2, kWhole, kWhole};
}

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

Dims BiasOp::getDividedDims(int64_t dim) { return isOfToken(getResult(), dim) ? Dims{dim, dim - 1} : Dims(); }

Dims RmsNormOp::getDividedDims(int64_t dim) {
  return isOfToken(getResult(), dim) && dim != rankOf(getResult()) - 1 ? Dims{dim, kWhole} : Dims();
}

Dims RopeOp::getDividedDims(int64_t dim) {
  return isOfToken(getResult(), dim) && dim != rankOf(getResult()) - 1 ? Dims{dim, kWhole} : Dims();
}

Dims PositionScaleOp::getDividedDims(int64_t dim) { return isOfToken(getResult(), dim) ? Dims{dim, kWhole} : Dims(); }

Dims SwigluOp::getDividedDims(int64_t dim) { return isOfToken(getResult(), dim) ? Dims{dim, dim} : Dims(); }

Dims GateOp::getDividedDims(int64_t dim) {
  if (!isOfToken(getResult(), dim))
    return {};
  return {dim, dim < rankOf(getGate()) ? dim : kWhole};
}

Dims AttentionOp::getDividedDims(int64_t dim) {
  if (dim != 1 || getLse())
    return {};
  auto ofHeads = [](Value value) { return rankOf(value) == 3 ? 1 : kWhole; };
  Dims dims = {1, 1, kWhole, ofHeads(getKNope()), kWhole, kWhole, ofHeads(getV())};
  if (getSinks())
    dims.push_back(0);
  return dims;
}
