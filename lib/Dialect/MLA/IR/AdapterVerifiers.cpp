//===- AdapterVerifiers.cpp - Constraints of adapters -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Labels of constraints are those of MLAAdapterOps.td.
//
//===----------------------------------------------------------------------===//

#include "Shapes.h"
#include "mla/Dialect/MLA/IR/Adapt.h"

using namespace mlir;
using namespace mla;

bool AdaptOp::sumsHeads() { return rankOf(getX()) == 3 && rankOf(getY()) == 2; }

AdaptOp::Sizes AdaptOp::getSizes() {
  ArrayRef<int64_t> x = shapeOf(getX()), y = shapeOf(getY()), down = shapeOf(getDown());
  bool rankIsFirst = down.size() == 3 || sumsHeads();
  int64_t rank = getDownPanels() ? down.back() : rankIsFirst ? down[1] : down[2];
  return {down[0], rank, x.size() == 3 ? x[1] : 1, y.size() == 3 ? y[1] : 1, x.back(), y.back()};
}

/// Return whether the ranks of y, x, down and up are those of a row of the table.
static bool hasKnownRanks(AdaptOp op) {
  static constexpr std::array<int64_t, 4> rows[] = {
      {2, 2, 3, 3}, {3, 2, 3, 4}, {3, 3, 3, 4}, {3, 3, 4, 3}, {2, 3, 4, 3}};
  std::array<int64_t, 4> ranks = {rankOf(op.getY()), rankOf(op.getX()), rankOf(op.getDown()), rankOf(op.getUp())};
  return llvm::is_contained(rows, ranks);
}

static SmallVector<int64_t> shapeOfDown(AdaptOp op, AdaptOp::Sizes s) {
  SmallVector<int64_t> shape = {s.adapters};
  bool hasHeads = rankOf(op.getDown()) == 4;
  if (op.getDownPanels()) {
    if (hasHeads)
      shape.push_back(s.headsIn);
    return shape.append({s.contracted, s.rank}), shape;
  }
  if (op.sumsHeads())
    return shape.append({s.rank, s.headsIn, s.contracted}), shape;
  if (hasHeads)
    shape.push_back(s.headsIn);
  return shape.append({s.rank, s.contracted}), shape;
}

static SmallVector<int64_t> shapeOfUp(AdaptOp op, AdaptOp::Sizes s) {
  SmallVector<int64_t> shape = {s.adapters};
  if (rankOf(op.getUp()) == 4)
    shape.push_back(s.headsOut);
  if (op.getUpPanels())
    return shape.append({s.rank, s.rows}), shape;
  return shape.append({s.rows, s.rank}), shape;
}

/// Check that all sizes but the first of tokens are static, positive and numbers of i32.
static LogicalResult verifySizes(AdaptOp op) {
  auto isSize = [](int64_t size) { return size > 0 && size <= std::numeric_limits<int32_t>::max(); };
  for (Value value : {op.getY(), op.getX(), op.getDown(), op.getUp()}) {
    bool hasTokens = value == op.getY() || value == op.getX();
    if (!llvm::all_of(shapeOf(value).drop_front(hasTokens), isSize))
      return op.emitOpError("(C2) all sizes but the number of tokens must be static, positive and at most 2^31 - 1");
  }
  return success();
}

LogicalResult AdaptOp::verify() {
  if (!hasKnownRanks(*this))
    return emitOpError() << "(C1) y, x, down and up have ranks " << rankOf(getY()) << ", " << rankOf(getX()) << ", "
                         << rankOf(getDown()) << " and " << rankOf(getUp()) << ", which are those of no projection";
  if (failed(verifySizes(*this)))
    return failure();
  Sizes s = getSizes();
  SmallVector<int64_t> x(shapeOf(getX()));
  x.front() = shapeOf(getY()).front();
  if (rankOf(getX()) == 3 && rankOf(getY()) == 3)
    x[1] = s.headsOut;
  if (failed(requireShape(*this, "(C2)", "x", getX(), x)) ||
      failed(requireShape(*this, "(C2)", "down", getDown(), shapeOfDown(*this, s))))
    return failure();
  return requireShape(*this, "(C2)", "up", getUp(), shapeOfUp(*this, s));
}

#define GET_OP_CLASSES
#include "mla/Dialect/MLA/IR/MLAAdapterOps.cpp.inc"
