//===- Movement.cpp - Look through data movement --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Movement.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla::raise;

using Index = SmallVector<AffineExpr, 4>;

static ArrayRef<int64_t> shapeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getShape(); }

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

static std::optional<Place> before(tensor::ExpandShapeOp op, const Index &index, const Variables &variables) {
  ArrayRef<int64_t> shape = op.getResultType().getShape();
  Place place{op.getSrc(), {}};
  for (ArrayRef<int64_t> group : op.getReassociationIndices()) {
    AffineExpr whole = variables.constant(0);
    for (int64_t dim : group) {
      if (dim != group.front() && ShapedType::isDynamic(shape[dim]))
        return std::nullopt;
      whole = dim == group.front() ? index[dim] : whole * shape[dim] + index[dim];
    }
    place.index.push_back(variables.simplify(whole));
  }
  return place;
}

static std::optional<Place> before(tensor::CollapseShapeOp op, const Index &index, const Variables &variables) {
  ArrayRef<int64_t> shape = op.getSrcType().getShape();
  Place place{op.getSrc(), Index(shape.size(), variables.constant(0))};
  for (auto [group, whole] : llvm::zip(op.getReassociationIndices(), index)) {
    AffineExpr rest = whole;
    for (int64_t dim : llvm::reverse(ArrayRef<int64_t>(group).drop_front())) {
      if (shape[dim] < 1) // dynamic or empty
        return std::nullopt;
      place.index[dim] = variables.simplify(rest % shape[dim]);
      rest = variables.simplify(rest.floorDiv(shape[dim]));
    }
    place.index[group.front()] = rest;
  }
  return place;
}

//===----------------------------------------------------------------------===//
// Slices and concatenations
//===----------------------------------------------------------------------===//

static bool isStatic(OffsetSizeAndStrideOpInterface op) {
  return !ShapedType::isDynamicShape(op.getStaticOffsets()) && !ShapedType::isDynamicShape(op.getStaticSizes()) &&
         !ShapedType::isDynamicShape(op.getStaticStrides());
}

static std::optional<Place> before(tensor::ExtractSliceOp op, const Index &index, const Variables &variables) {
  if (!isStatic(op))
    return std::nullopt;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Place place{op.getSource(), {}};
  const AffineExpr *next = index.begin();
  for (auto [dim, offset, stride] : llvm::enumerate(op.getStaticOffsets(), op.getStaticStrides())) {
    AffineExpr inside = dropped.test(dim) ? variables.constant(0) : *next++;
    place.index.push_back(variables.simplify(inside * stride + offset));
  }
  return place;
}

static std::optional<Place> before(tensor::InsertSliceOp op, const Index &index, const Variables &variables) {
  if (!isStatic(op) || !op.hasUnitStride())
    return std::nullopt;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Place inserted{op.getSource(), {}};
  bool isInside = true;
  for (auto [dim, offset, size] : llvm::enumerate(op.getStaticOffsets(), op.getStaticSizes())) {
    Interval range = variables.rangeOf(index[dim]);
    if (range.last < offset || range.first >= offset + size)
      return Place{op.getDest(), index};
    isInside &= range.isWithin(offset, offset + size);
    if (!dropped.test(dim))
      inserted.index.push_back(variables.simplify(index[dim] - offset));
  }
  return isInside ? std::optional(inserted) : std::nullopt;
}

static std::optional<Place> before(tensor::ConcatOp op, const Index &index, const Variables &variables) {
  int64_t dim = op.getDim(), from = 0;
  Interval range = variables.rangeOf(index[dim]);
  for (Value input : op.getInputs()) {
    int64_t size = shapeOf(input)[dim];
    if (ShapedType::isDynamic(size))
      return std::nullopt;
    if (range.isWithin(from, from + size)) {
      Place place{input, index};
      place.index[dim] = variables.simplify(index[dim] - from);
      return place;
    }
    from += size;
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Linalg
//===----------------------------------------------------------------------===//

std::optional<SmallVector<AffineExpr>> mla::raise::iterationOf(linalg::LinalgOp op, unsigned result,
                                                               ArrayRef<AffineExpr> index) {
  AffineMap map = op.getIndexingMapMatchingResult(op->getResult(result));
  SmallVector<AffineExpr> iteration(op.getNumLoops());
  for (auto [written, at] : llvm::zip(map.getResults(), index)) {
    if (auto loop = dyn_cast<AffineDimExpr>(written))
      iteration[loop.getPosition()] = at;
    else if (!isa<AffineConstantExpr>(written))
      return std::nullopt;
  }
  for (auto [loop, type] : llvm::enumerate(op.getIteratorTypesArray())) {
    // A loop with one iteration has index 0.
    if (!iteration[loop] && op.getStaticLoopRanges()[loop] == 1)
      iteration[loop] = getAffineConstantExpr(0, op.getContext());
    if (!iteration[loop] && type == utils::IteratorType::parallel)
      return std::nullopt;
  }
  return iteration;
}

Index mla::raise::indexOf(AffineMap map, ArrayRef<AffineExpr> iteration, const Variables &variables) {
  Index index;
  for (AffineExpr expr : map.getResults())
    index.push_back(variables.simplify(expr.replaceDims(iteration)));
  return index;
}

/// Match an operation that yields an element of an operand unchanged.
static std::optional<Place> beforeCopy(linalg::LinalgOp op, unsigned result, const Index &index,
                                       const Variables &variables) {
  auto yielded = dyn_cast<BlockArgument>(op.getBlock()->getTerminator()->getOperand(result));
  if (!yielded || yielded.getOwner() != op.getBlock() || op.getNumReductionLoops() != 0)
    return std::nullopt;
  OpOperand *operand = op.getMatchingOpOperand(yielded);
  auto iteration = iterationOf(op, result, index);
  if (!iteration || !isa<RankedTensorType>(operand->get().getType()))
    return std::nullopt;
  return Place{operand->get(), indexOf(op.getMatchingIndexingMap(operand), *iteration, variables)};
}

std::optional<Place> mla::raise::movedFrom(const Place &place, const Variables &variables) {
  Operation *op = place.tensor.getDefiningOp();
  if (!op)
    return std::nullopt;
  return TypeSwitch<Operation *, std::optional<Place>>(op)
      .Case<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ExtractSliceOp, tensor::InsertSliceOp,
            tensor::ConcatOp>([&](auto op) { return before(op, place.index, variables); })
      .Case([&](tensor::CastOp op) -> std::optional<Place> {
        if (!isa<RankedTensorType>(op.getSource().getType()))
          return std::nullopt;
        return Place{op.getSource(), place.index};
      })
      .Case([&](linalg::LinalgOp op) {
        return beforeCopy(op, cast<OpResult>(place.tensor).getResultNumber(), place.index, variables);
      })
      .Default(std::nullopt);
}

std::optional<int64_t> mla::raise::findSplit(const Place &place, AffineExpr variable, const Variables &variables) {
  Operation *op = place.tensor.getDefiningOp();
  SmallVector<std::pair<int64_t, int64_t>> borders; // of a dimension
  if (auto concat = dyn_cast_or_null<tensor::ConcatOp>(op)) {
    int64_t border = 0;
    for (Value input : concat.getInputs())
      borders.push_back({concat.getDim(), border += shapeOf(input)[concat.getDim()]});
  } else if (auto insert = dyn_cast_or_null<tensor::InsertSliceOp>(op); insert && isStatic(insert)) {
    for (auto [dim, offset, size] : llvm::enumerate(insert.getStaticOffsets(), insert.getStaticSizes())) {
      borders.push_back({dim, offset});
      borders.push_back({dim, offset + size});
    }
  }
  for (auto [dim, border] : borders) {
    LinearSum sum = variables.linear(place.index[dim]);
    int64_t split = border - sum.constant;
    if (sum.terms.size() == 1 && sum.terms[0] == std::pair<AffineExpr, int64_t>(variable, 1) && split > 0 &&
        split < variables.sizeOf(variable))
      return split;
  }
  return std::nullopt;
}
