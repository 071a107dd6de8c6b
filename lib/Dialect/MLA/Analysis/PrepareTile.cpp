//===- PrepareTile.cpp - Tiles in which weights are prepared ----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/PrepareTile.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Support/Divisors.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace mla;

using Sizes = SmallVector<int64_t>;

/// Rows of a product computed together.
static constexpr int64_t kProductRows = 1024;
/// Elements of another weight computed together.
static constexpr int64_t kTileElements = 1 << 18;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

std::optional<int64_t> mla::getPieceSize(tensor::ConcatOp op) {
  auto sizes = llvm::map_to_vector(op.getInputs(), [&](Value piece) { return shapeOf(piece)[op.getDim()]; });
  bool same = llvm::all_equal(sizes) && sizes.front() > 0;
  return same ? std::optional(sizes.front()) : std::nullopt;
}

bool mla::movesElements(Operation *op) {
  return isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, linalg::TransposeOp,
             linalg::PackOp>(op);
}

//===----------------------------------------------------------------------===//
// From a box of the result to a box of the source
//===----------------------------------------------------------------------===//

/// Joins adjacent dimensions into one: a box remains a box if it takes all of the dimensions after the first one of
/// which it takes several.
static FailureOr<int64_t> joinSizes(ArrayRef<int64_t> sizes, ArrayRef<int64_t> shape) {
  int64_t joined = 1;
  bool wholeSoFar = true;
  for (auto [size, all] : llvm::reverse(llvm::zip_equal(sizes, shape))) {
    if (!wholeSoFar && size != 1)
      return failure();
    wholeSoFar &= size == all;
    joined *= size;
  }
  return joined;
}

/// Splits one dimension into several.
static LogicalResult splitSize(int64_t size, ArrayRef<int64_t> shape, MutableArrayRef<int64_t> sizes) {
  for (int64_t i = shape.size() - 1; i >= 0; --i) {
    int64_t part = std::min(size, shape[i]);
    if (part == 0 || size % part != 0 || shape[i] % part != 0)
      return failure();
    sizes[i] = part;
    size /= part;
  }
  return success(size == 1);
}

static FailureOr<Sizes> sourceOfExpand(tensor::ExpandShapeOp op, ArrayRef<int64_t> sizes) {
  Sizes source;
  for (ArrayRef<int64_t> group : op.getReassociationIndices()) {
    FailureOr<int64_t> joined = joinSizes(sizes.slice(group.front(), group.size()),
                                          op.getResultType().getShape().slice(group.front(), group.size()));
    if (failed(joined))
      return failure();
    source.push_back(*joined);
  }
  return source;
}

static FailureOr<Sizes> sourceOfCollapse(tensor::CollapseShapeOp op, ArrayRef<int64_t> sizes) {
  ArrayRef<int64_t> shape = op.getSrcType().getShape();
  Sizes source(shape.size(), 1);
  for (auto [size, group] : llvm::zip_equal(sizes, op.getReassociationIndices()))
    if (failed(splitSize(size, shape.slice(group.front(), group.size()),
                         MutableArrayRef(source).slice(group.front(), group.size()))))
      return failure();
  return source;
}

static FailureOr<Sizes> sourceOfPack(linalg::PackOp op, ArrayRef<int64_t> sizes) {
  if (op.getInnerDimsPos().size() != 1 || !op.getOuterDimsPerm().empty() || op.getPaddingValue() ||
      sizes.back() != op.getStaticInnerTiles().front())
    return failure();
  Sizes source(sizes.drop_back());
  source[op.getInnerDimsPos().front()] *= sizes.back();
  return source;
}

FailureOr<Sizes> mla::sourceTile(Operation *op, ArrayRef<int64_t> sizes) {
  return TypeSwitch<Operation *, FailureOr<Sizes>>(op)
      .Case([&](tensor::ExpandShapeOp expand) { return sourceOfExpand(expand, sizes); })
      .Case([&](tensor::CollapseShapeOp collapse) { return sourceOfCollapse(collapse, sizes); })
      .Case([&](linalg::PackOp pack) { return sourceOfPack(pack, sizes); })
      .Case([&](linalg::TransposeOp transpose) -> FailureOr<Sizes> {
        Sizes source(sizes.size());
        for (auto [size, dimension] : llvm::zip_equal(sizes, transpose.getPermutation()))
          source[dimension] = size;
        return source;
      })
      .Case([&](tensor::ExtractSliceOp slice) -> FailureOr<Sizes> {
        bool plain = slice.getSourceType().getRank() == slice.getResultType().getRank() && slice.hasUnitStride() &&
                     llvm::none_of(slice.getStaticOffsets(), ShapedType::isDynamic);
        return plain ? FailureOr<Sizes>(Sizes(sizes)) : FailureOr<Sizes>();
      })
      .Default([](Operation *) { return failure(); });
}

//===----------------------------------------------------------------------===//
// The choice
//===----------------------------------------------------------------------===//

static Value resultOf(func::FuncOp prepare) { return prepare.front().getTerminator()->getOperand(0); }

arith::TruncFOp mla::findRounding(func::FuncOp prepare) {
  Operation *op = resultOf(prepare).getDefiningOp();
  while (op && movesElements(op))
    op = op->getOperand(0).getDefiningOp();
  return dyn_cast_if_present<arith::TruncFOp>(op);
}

/// Return whether all operations from the result along first operands have a box for the result's box of these sizes.
static bool isBoxAllTheWay(Value value, Sizes sizes) {
  while (Operation *op = value.getDefiningOp()) {
    if (movesElements(op)) {
      FailureOr<Sizes> source = sourceTile(op, sizes);
      if (failed(source))
        return false;
      sizes = *source;
    } else if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
      std::optional<int64_t> piece = getPieceSize(concat);
      if (!piece || *piece % sizes[concat.getDim()] != 0)
        return false;
    } else if (!isa<DequantizeOp, arith::ExtFOp, arith::TruncFOp, arith::AddFOp, arith::MulFOp>(op)) {
      return true;
    }
    value = op->getOperand(0);
  }
  return true;
}

/// Return the box of the result that holds a box of the first operand, which is aligned to its sizes.
static FailureOr<Sizes> resultTile(Operation *op, ArrayRef<int64_t> sizes) {
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return applyPermutation(sizes, transpose.getPermutation());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    Sizes result;
    for (ArrayRef<int64_t> group : collapse.getReassociationIndices()) {
      FailureOr<int64_t> joined = joinSizes(sizes.slice(group.front(), group.size()),
                                            collapse.getSrcType().getShape().slice(group.front(), group.size()));
      if (failed(joined))
        return failure();
      result.push_back(*joined);
    }
    return result;
  }
  if (auto pack = dyn_cast<linalg::PackOp>(op)) {
    Sizes result(sizes);
    int64_t panel = pack.getStaticInnerTiles().front(), &rows = result[pack.getInnerDimsPos().front()];
    if (rows % panel != 0)
      return failure();
    rows /= panel;
    result.push_back(panel);
    return result;
  }
  return isa<arith::TruncFOp, arith::ExtFOp>(op) ? FailureOr<Sizes>(Sizes(sizes)) : FailureOr<Sizes>();
}

/// Chooses one head, all columns, and as many rows as keep the outer factor's part small: a bias is one column of many
/// steps.
static Sizes tileOfProduct(ComposeOp op) {
  ArrayRef<int64_t> shape = op.getType().getShape();
  int64_t depth = shapeOf(op.getOuter())[2];
  int64_t most = std::clamp<int64_t>(kTileElements / std::max<int64_t>(depth, 1), 1, kProductRows);
  return {1, largestDivisor(shape[1], most), shape[2]};
}

/// Return the tile of a product as it appears in `value`, which moves its elements.
static FailureOr<Sizes> tileOfProduct(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumOperands() == 0)
    return failure();
  if (auto compose = dyn_cast<ComposeOp>(op))
    return tileOfProduct(compose);
  FailureOr<Sizes> source = tileOfProduct(op->getOperand(0));
  return succeeded(source) ? resultTile(op, *source) : source;
}

/// Saturates on overflow.
static int64_t product(ArrayRef<int64_t> sizes) {
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  uint64_t elements = 1;
  for (int64_t size : sizes)
    elements = llvm::SaturatingMultiply(elements, static_cast<uint64_t>(size));
  return static_cast<int64_t>(std::min<uint64_t>(elements, most));
}

/// Cuts leading dimensions until the tile is small and a box.
static Sizes tileOfOther(Value value) {
  Sizes sizes(shapeOf(value));
  for (size_t d = 0; d < sizes.size() && product(sizes) > kTileElements; ++d) {
    int64_t all = sizes[d], rest = product(sizes) / all;
    int64_t most = largestDivisor(all, std::max<int64_t>(kTileElements / rest, 1));
    for (sizes[d] = most; sizes[d] > 1 && !isBoxAllTheWay(value, sizes);)
      sizes[d] = largestDivisor(all, sizes[d] - 1);
    if (!isBoxAllTheWay(value, sizes))
      sizes[d] = most;
  }
  return sizes;
}

/// Return whether the value's elements are those of concatenated pieces.
static bool isMadeOfPieces(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && op->getNumOperands() && !isa<tensor::ConcatOp>(op))
    op = op->getOperand(0).getDefiningOp();
  return isa_and_present<tensor::ConcatOp>(op);
}

/// Cuts leading dimensions, to 1 if necessary, until the tile is small and lies in one piece. Fails if no tile does.
static FailureOr<Sizes> tileOfPieces(Value value) {
  Sizes sizes(shapeOf(value));
  for (int64_t &size : sizes) {
    int64_t all = size;
    auto fits = [&] { return product(sizes) <= kTileElements && isBoxAllTheWay(value, sizes); };
    while (size > 1 && !fits())
      size = largestDivisor(all, size - 1);
    if (fits())
      return sizes;
  }
  return failure();
}

Sizes mla::choosePrepareTile(func::FuncOp prepare) {
  Value value = resultOf(prepare);
  FailureOr<Sizes> ofProduct = tileOfProduct(value);
  if (succeeded(ofProduct) && isBoxAllTheWay(value, *ofProduct))
    return *ofProduct;
  FailureOr<Sizes> ofPieces = isMadeOfPieces(value) ? tileOfPieces(value) : FailureOr<Sizes>();
  return succeeded(ofPieces) ? *ofPieces : tileOfOther(value);
}
