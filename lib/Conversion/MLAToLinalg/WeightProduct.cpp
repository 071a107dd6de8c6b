//===- WeightProduct.cpp - Products of weights ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One factor is read in vectors from contiguous panels, at most 32 wide; the
// elements of the other are loaded one by one and broadcast. The contracted
// size is not tiled: in the products of a layer it is the width of a head, and
// a panel of 32 is 16 KiB.
//
//===----------------------------------------------------------------------===//

#include "WeightProduct.h"

#include "mla/Support/Divisors.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mla;

/// With AVX-512, 8 x 32 accumulators take 16 of 32 registers.
static constexpr int64_t kLargestPanel = 32, kLargestBlock = 8;
/// Panels of columns per block of rows: at a depth of 128 they take 256 KiB of L2.
static constexpr int64_t kLargestGroup = 16;

namespace {
class ProductEmitter {
public:
  ProductEmitter(Value outer, Value inner, const ProductPlace &place);
  Value emitToPanels(Emitter &e);
  Value emitToRows(Emitter &e);

private:
  Value emitGroup(Emitter &e, Value firstPanel);
  Value emitBlock(Emitter &e, Value panel, Value number, Value first, Value into);
  SmallVector<Value> emitSums(Emitter &e, Value panel, Value first);
  Value broadcastAt(Emitter &e, Value step, Value position);
  Value store(Emitter &e, Value sums, Value into, Value panel, Value position);

  Value outer, inner;
  const ProductPlace &place;
  int64_t depth, width, numPanels, group, length, block;
  VectorType vectorType;
};
} // namespace

/// Choose panels of rows if the result is packed, else of columns; `length` is the other size.
ProductEmitter::ProductEmitter(Value outer, Value inner, const ProductPlace &place)
    : outer(outer), inner(inner), place(place), depth(typeOf(inner).getDimSize(0)) {
  int64_t rows = typeOf(outer).getDimSize(0), columns = typeOf(inner).getDimSize(1);
  width = place.panels ? typeOf(place.tensor).getShape().back() : largestDivisor(columns, kLargestPanel);
  numPanels = (place.panels ? rows : columns) / width;
  group = largestDivisor(numPanels, kLargestGroup);
  length = place.panels ? columns : rows;
  block = largestDivisor(length, kLargestBlock);
  vectorType = VectorType::get({width}, typeOf(inner).getElementType());
}

/// Return the columns of a group of panels, [panel, depth, width].
Value ProductEmitter::emitGroup(Emitter &e, Value firstPanel) {
  auto type = RankedTensorType::get({group, depth, width}, typeOf(inner).getElementType());
  auto body = [&](Emitter &e, Value number, ValueRange into) -> SmallVector<Value> {
    Value column = e.mul(e.add(firstPanel, number), e.index(width));
    Value columns = e.slice(inner, {e.size(0), column}, {e.size(depth), e.size(width)}, 2);
    return {e.insert(columns, into[0], {number, e.size(0), e.size(0)}, {e.size(1), e.size(depth), e.size(width)})};
  };
  Value own = bufferization::AllocTensorOp::create(e, type, ValueRange());
  return e.loop(e.index(0), e.index(group), e.index(1), own, body)[0];
}

/// Broadcast the factor without panels at a step of the sum.
Value ProductEmitter::broadcastAt(Emitter &e, Value step, Value position) {
  Value element = place.panels ? e.at(inner, {step, position}) : e.at(outer, {position, step});
  return vector::BroadcastOp::create(e, vectorType, element);
}

SmallVector<Value> ProductEmitter::emitSums(Emitter &e, Value panel, Value first) {
  SmallVector<Value> zeros(block, arith::ConstantOp::create(e, e.getZeroAttr(vectorType)));
  auto body = [&](Emitter &e, Value step, ValueRange sums) {
    Value row =
        vector::TransferReadOp::create(e, vectorType, panel, {step, e.index(0)}, std::nullopt, ArrayRef<bool>{true});
    SmallVector<Value> next;
    for (auto [i, sum] : llvm::enumerate(sums))
      next.push_back(vector::FMAOp::create(e, broadcastAt(e, step, e.add(first, e.index(i))), row, sum));
    return next;
  };
  return e.loop(e.index(0), e.index(depth), e.index(1), zeros, body);
}

Value ProductEmitter::store(Emitter &e, Value sums, Value into, Value panel, Value position) {
  SmallVector<Value> indices = place.origin;
  Value row = place.panels ? panel : position;
  Value column = place.panels ? position : e.mul(panel, e.index(width));
  indices[place.rowDim] = e.add(indices[place.rowDim], row);
  indices[place.columnDim] = e.add(indices[place.columnDim], column);
  return vector::TransferWriteOp::create(e, sums, into, indices, ArrayRef<bool>{true}).getResult();
}

/// Emit `block` rows or columns from `first` on.
Value ProductEmitter::emitBlock(Emitter &e, Value panel, Value number, Value first, Value into) {
  for (auto [i, sums] : llvm::enumerate(emitSums(e, panel, first)))
    into = store(e, sums, into, number, e.add(first, e.index(i)));
  return into;
}

/// Emit a packed result, in which panels of rows and the columns of a panel are contiguous.
Value ProductEmitter::emitToPanels(Emitter &e) {
  auto panels = [&](Emitter &e, Value number, ValueRange into) -> SmallVector<Value> {
    Value rows = e.slice(outer, {e.mul(number, e.index(width)), e.size(0)}, {e.size(width), e.size(depth)}, 2);
    Value panel = e.transposed2D(rows);
    auto blocks = [&](Emitter &e, Value first, ValueRange into) -> SmallVector<Value> {
      return {emitBlock(e, panel, number, first, into[0])};
    };
    return e.loop(e.index(0), e.index(length), e.index(block), into, blocks);
  };
  return e.loop(e.index(0), e.index(numPanels), e.index(1), place.tensor, panels)[0];
}

/// Emit blocks of rows, so that stores are contiguous and broadcast elements are loaded once per group: rows of a
/// checkpoint may be so far apart that few of them fit in a cache.
Value ProductEmitter::emitToRows(Emitter &e) {
  auto groups = [&](Emitter &e, Value firstPanel, ValueRange into) -> SmallVector<Value> {
    Value panels = emitGroup(e, firstPanel);
    auto blocks = [&](Emitter &e, Value first, ValueRange into) -> SmallVector<Value> {
      auto columns = [&](Emitter &e, Value number, ValueRange into) -> SmallVector<Value> {
        Value panel = e.slice(panels, {number, e.size(0), e.size(0)}, {e.size(1), e.size(depth), e.size(width)}, 2);
        return {emitBlock(e, panel, e.add(firstPanel, number), first, into[0])};
      };
      return e.loop(e.index(0), e.index(group), e.index(1), into, columns);
    };
    return e.loop(e.index(0), e.index(length), e.index(block), into, blocks);
  };
  return e.loop(e.index(0), e.index(numPanels), e.index(group), place.tensor, groups)[0];
}

Value mla::emitWeightProduct(Emitter &e, Value outer, Value inner, const ProductPlace &place) {
  ProductEmitter product(outer, inner, place);
  return place.panels ? product.emitToPanels(e) : product.emitToRows(e);
}
