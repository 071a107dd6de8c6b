//===- TakePart.cpp - Compute only a part of a value ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A part is a slice with a mark: other slices stay where they are.
//
//===----------------------------------------------------------------------===//

#include "TakePart.h"
#include "WeightNames.h"
#include "mla/Dialect/MLA/Analysis/WeightOnly.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace mla;

/// On a slice: it is a part, and the dimension that it divides.
static constexpr StringLiteral kTakenAttr = "mla.taken";

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static RankedTensorType withSize(RankedTensorType type, int64_t dim, int64_t size) {
  return RankedTensorType::Builder(type).dropDim(dim).insertDim(size, dim);
}

Value mla::takePart(OpBuilder &builder, Location loc, Value value, Part part) {
  RankedTensorType type = typeOf(value);
  if (type.getDimSize(part.dim) == part.count)
    return value;
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, value);
  offsets[part.dim] = builder.getIndexAttr(part.first);
  sizes[part.dim] = builder.getIndexAttr(part.count);
  auto taken = tensor::ExtractSliceOp::create(builder, loc, withSize(type, part.dim, part.count), value, offsets, sizes,
                                              strides);
  taken->setAttr(kTakenAttr, builder.getI64IntegerAttr(part.dim));
  return taken;
}

/// Return the part that a slice takes; none if it is another slice.
static std::optional<Part> partOf(tensor::ExtractSliceOp slice) {
  auto dim = slice->getAttrOfType<IntegerAttr>(kTakenAttr);
  if (!dim)
    return std::nullopt;
  return Part{dim.getInt(), slice.getStaticOffsets()[dim.getInt()], slice.getStaticSizes()[dim.getInt()]};
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Of every expert, whose weights are pieces one above the other, take the same rows.
static Value takeOfEach(OpBuilder &builder, tensor::ExpandShapeOp op, Part part) {
  SmallVector<ReassociationIndices> experts = {{0, 1}, {2}};
  if (part.dim != 1 || op.getReassociationIndices() != ArrayRef(experts) ||
      !op.getSrc().getDefiningOp<tensor::ConcatOp>())
    return {};
  RankedTensorType type = op.getResultType();
  SmallVector<Value> pieces;
  for (int64_t expert = 0; expert < type.getDimSize(0); ++expert)
    pieces.push_back(
        takePart(builder, op.getLoc(), op.getSrc(), {0, expert * type.getDimSize(1) + part.first, part.count}));
  Value rows = tensor::ConcatOp::create(builder, op.getLoc(), 0, pieces);
  return tensor::ExpandShapeOp::create(builder, op.getLoc(), withSize(type, 1, part.count), rows, experts);
}

/// Of heads or experts, whose rows are one above the other, take those rows.
static Value takeOfExpanded(OpBuilder &builder, tensor::ExpandShapeOp op, Part part) {
  RankedTensorType type = op.getResultType();
  for (auto [source, group] : llvm::enumerate(op.getReassociationIndices())) {
    if (group.front() != part.dim)
      continue;
    int64_t inner = 1;
    for (int64_t dim : ArrayRef(group).drop_front())
      inner *= type.getDimSize(dim);
    Part rows = {static_cast<int64_t>(source), part.first * inner, part.count * inner};
    return tensor::ExpandShapeOp::create(builder, op.getLoc(), withSize(type, part.dim, part.count),
                                         takePart(builder, op.getLoc(), op.getSrc(), rows),
                                         op.getReassociationIndices());
  }
  return takeOfEach(builder, op, part);
}

/// Take whole pieces, a part of one, or a part of all in another dimension.
static Value takeOfPieces(OpBuilder &builder, tensor::ConcatOp op, Part part) {
  SmallVector<Value> pieces;
  if (static_cast<int64_t>(op.getDim()) != part.dim) {
    for (Value piece : op.getInputs())
      pieces.push_back(takePart(builder, op.getLoc(), piece, part));
    return tensor::ConcatOp::create(builder, op.getLoc(), op.getDim(), pieces);
  }
  int64_t from = 0, end = part.first + part.count;
  for (Value piece : op.getInputs()) {
    int64_t size = typeOf(piece).getDimSize(part.dim), to = from + size;
    if (from <= part.first && end <= to)
      return takePart(builder, op.getLoc(), piece, {part.dim, part.first - from, part.count});
    if (part.first <= from && to <= end)
      pieces.push_back(piece);
    else if (to > part.first && from < end)
      return {};
    from = to;
  }
  return tensor::ConcatOp::create(builder, op.getLoc(), part.dim, pieces);
}

//===----------------------------------------------------------------------===//
// Tokens
//===----------------------------------------------------------------------===//

/// Take a part of what a slice takes: of all of a dimension, or of its range.
static Value takeOfSlice(OpBuilder &builder, tensor::ExtractSliceOp op, Part part) {
  RankedTensorType source = op.getSourceType(), type = op.getResultType();
  if (!op.hasUnitStride() || source.getRank() != type.getRank() || ShapedType::isDynamic(op.getStaticOffset(part.dim)))
    return {};
  if (type.getDimSize(part.dim) != source.getDimSize(part.dim)) {
    part.first += op.getStaticOffset(part.dim);
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (dim != part.dim && type.getDimSize(dim) != source.getDimSize(dim))
        return {};
    return takePart(builder, op.getLoc(), op.getSource(), part);
  }
  Value whole = takePart(builder, op.getLoc(), op.getSource(), part);
  SmallVector<OpFoldResult> sizes = op.getMixedSizes();
  sizes[part.dim] = builder.getIndexAttr(part.count);
  auto slice = tensor::ExtractSliceOp::create(builder, op.getLoc(), withSize(type, part.dim, part.count), whole,
                                              op.getMixedOffsets(), sizes, op.getMixedStrides());
  slice->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  return slice;
}

/// Clone an operation with other operands and another result.
static Value cloneAs(OpBuilder &builder, Operation *op, Type type, ValueRange operands) {
  Operation *copy = builder.clone(*op);
  copy->setOperands(operands);
  copy->getResult(0).setType(type);
  return copy->getResult(0);
}

/// Clone an operation with parts of its operands.
static Value cloneWith(OpBuilder &builder, Operation *op, ArrayRef<int64_t> dims, Part part) {
  if (dims.empty())
    return {};
  SmallVector<Value> operands;
  for (auto [operand, dim] : llvm::zip_equal(op->getOperands(), dims))
    operands.push_back(dim == DivisibleOpInterface::kWhole
                           ? operand
                           : takePart(builder, op->getLoc(), operand, {dim, part.first, part.count}));
  Type type = withSize(typeOf(op->getResult(0)), part.dim, part.count);
  return cloneAs(builder, op, type, operands);
}

/// Give a part of a weight, or of a part of it, the name of the weight.
static void keepName(Value weight, Operation *part, StringRef prefix) {
  for (auto whole = weight.getDefiningOp<tensor::ExtractSliceOp>(); whole && whole->hasAttr(kTakenAttr);
       whole = weight.getDefiningOp<tensor::ExtractSliceOp>())
    weight = whole.getSource();
  part->setAttr(kNameAttr, StringAttr::get(part->getContext(), getWeightName(weight, prefix)));
}

/// Take the same columns of two slices of what an operation computes: those of its weight, its second operand. Return
/// the operation with these, or null if it has no such weight.
static Value takeOfBoth(OpBuilder &builder, ArrayRef<tensor::ExtractSliceOp> halves, Part part, StringRef prefix) {
  auto product = tensor::ExtractSliceOp(halves.front()).getSource().getDefiningOp<DivisibleOpInterface>();
  SmallVector<int64_t> dims = product ? product.getDividedDims(part.dim) : SmallVector<int64_t>();
  if (dims.size() < 2 || dims[1] == DivisibleOpInterface::kWhole || !isWeightOnly(product->getOperand(1)))
    return {};
  Value weight = product->getOperand(1);
  SmallVector<Value> parts, operands(product->getOperands());
  for (tensor::ExtractSliceOp half : halves)
    parts.push_back(
        takePart(builder, weight.getLoc(), weight, {dims[1], half.getStaticOffset(part.dim) + part.first, part.count}));
  operands[1] = tensor::ConcatOp::create(builder, weight.getLoc(), dims[1], parts);
  keepName(weight, operands[1].getDefiningOp(), prefix);
  return cloneAs(builder, product, withSize(typeOf(product->getResult(0)), part.dim, 2 * part.count), operands);
}

/// Take the same columns of gate and up, which one product computes side by side: they stay one.
static Value takeOfHalves(OpBuilder &builder, SwigluOp op, Part part, StringRef prefix) {
  auto gate = op.getGate().getDefiningOp<tensor::ExtractSliceOp>();
  auto up = op.getUp().getDefiningOp<tensor::ExtractSliceOp>();
  if (!gate || !up || gate.getSource() != up.getSource() || part.dim != typeOf(op).getRank() - 1)
    return {};
  Value both = takeOfBoth(builder, {gate, up}, part, prefix);
  if (!both)
    return {};
  auto half = [&](int64_t first) -> Value { // its tokens are measured where those of the gate are
    SmallVector<OpFoldResult> offsets = gate.getMixedOffsets(), sizes = gate.getMixedSizes();
    offsets[part.dim] = builder.getIndexAttr(first);
    sizes[part.dim] = builder.getIndexAttr(part.count);
    return tensor::ExtractSliceOp::create(builder, op.getLoc(), withSize(gate.getResultType(), part.dim, part.count),
                                          both, offsets, sizes, gate.getMixedStrides());
  };
  return SwigluOp::create(builder, op.getLoc(), withSize(typeOf(op), part.dim, part.count), half(0), half(part.count));
}

//===----------------------------------------------------------------------===//
// Both
//===----------------------------------------------------------------------===//

static SmallVector<int64_t> dividedDims(Operation *op, int64_t dim) {
  if (auto divisible = dyn_cast<DivisibleOpInterface>(op))
    return divisible.getDividedDims(dim);
  if (op->getNumResults() == 1 && OpTrait::hasElementwiseMappableTraits(op))
    return SmallVector<int64_t>(op->getNumOperands(), dim);
  return {};
}

/// Compute the part of what `op` computes; return null if that takes all of it.
static Value computePart(OpBuilder &builder, Operation *op, Part part, StringRef prefix) {
  bool isWeight = isWeightOnly(op->getResult(0));
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return partOf(slice) ? Value() : takeOfSlice(builder, slice, part);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return isWeight ? takeOfExpanded(builder, expand, part) : Value();
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return isWeight ? takeOfPieces(builder, concat, part) : Value();
  if (isWeight)
    return {};
  if (auto activated = dyn_cast<SwigluOp>(op))
    if (Value halves = takeOfHalves(builder, activated, part, prefix))
      return halves;
  return cloneWith(builder, op, dividedDims(op, part.dim), part);
}

namespace {
/// Replaces a part of a result by the result of parts.
struct MovePart : OpRewritePattern<tensor::ExtractSliceOp> {
  MovePart(MLIRContext *context, StringRef prefix) : OpRewritePattern(context), prefix(prefix) {}

  LogicalResult matchAndRewrite(tensor::ExtractSliceOp slice, PatternRewriter &rewriter) const override {
    std::optional<Part> part = partOf(slice);
    Operation *op = slice.getSource().getDefiningOp();
    Value moved = part && op ? computePart(rewriter, op, *part, prefix) : Value();
    if (!moved)
      return failure();
    if (auto pieces = moved.getDefiningOp<tensor::ConcatOp>())
      keepName(slice.getSource(), pieces, prefix);
    rewriter.replaceOp(slice, moved);
    return success();
  }

  StringRef prefix;
};
} // namespace

/// Remove the marks. Parts of weights get the names of these.
static void removeMarks(func::FuncOp function, StringRef prefix) {
  function.walk([&](tensor::ExtractSliceOp slice) {
    if (!slice->removeAttr(kTakenAttr))
      return;
    if (!isWeightOnly(slice.getSource()))
      slice.emitRemark() << "what this is a part of is computed whole on every rank";
    else if (!slice->hasAttr(kNameAttr))
      keepName(slice.getSource(), slice, prefix);
  });
}

void mla::movePartsToWeights(func::FuncOp function, StringRef prefix) {
  RewritePatternSet patterns(function.getContext());
  patterns.add<MovePart>(function.getContext(), prefix);
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled).enableFolding(false);
  (void)applyPatternsGreedily(function, std::move(patterns), config);
  removeMarks(function, prefix);
}
