//===- ScaledWeight.cpp - Weights that are moved and scaled -----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/ScaledWeight.h"
#include "mla/Dialect/MLA/Analysis/PrepareTile.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace mla;

namespace {
/// A dimension of a moved value: a dimension of the source, or a factor of one.
struct Dim {
  unsigned source;
  bool countsUnits; ///< Its steps are whole units.
};

/// Follows the dimensions of a weight and divides units until they end at every border.
struct Tracker {
  SmallVector<int64_t> unit;
  SmallVector<Dim> dims;

  bool follow(Operation *op);

private:
  bool followExpand(tensor::ExpandShapeOp op);
  bool followSlice(tensor::ExtractSliceOp op);
  void divideAt(const Dim &dim, int64_t border) {
    if (!dim.countsUnits)
      unit[dim.source] = std::gcd(unit[dim.source], border);
  }
};
} // namespace

/// Splits a dimension into heads and the rows of a head.
bool Tracker::followExpand(tensor::ExpandShapeOp op) {
  SmallVector<Dim> expanded;
  for (auto [dim, group] : llvm::zip_equal(dims, op.getReassociationIndices())) {
    if (group.size() > 2 || (group.size() == 2 && dim.countsUnits))
      return false;
    if (group.size() == 2) {
      divideAt(dim, op.getResultType().getDimSize(group.back()));
      expanded.push_back({dim.source, /*countsUnits=*/true});
    }
    expanded.push_back(dim);
  }
  dims = std::move(expanded);
  return true;
}

bool Tracker::followSlice(tensor::ExtractSliceOp op) {
  if (op.getSourceType().getRank() != op.getType().getRank() || !op.hasUnitStride() ||
      llvm::any_of(op.getStaticOffsets(), ShapedType::isDynamic))
    return false;
  for (auto [dim, offset, size, whole] :
       llvm::zip_equal(dims, op.getStaticOffsets(), op.getType().getShape(), op.getSourceType().getShape())) {
    divideAt(dim, offset);
    if (size != whole)
      divideAt(dim, size);
  }
  return true;
}

bool Tracker::follow(Operation *op) {
  return TypeSwitch<Operation *, bool>(op)
      .Case([&](tensor::ExpandShapeOp expand) { return followExpand(expand); })
      .Case([&](tensor::ExtractSliceOp slice) { return followSlice(slice); })
      .Case([&](linalg::TransposeOp transpose) {
        dims = applyPermutation(dims, transpose.getPermutation());
        return true;
      })
      .Default([](Operation *) { return false; });
}

/// Return why the weight that `op` makes has no scales.
static std::string describe(Operation *op) {
  if (isa_and_present<ComposeOp>(op))
    return "is a product of weights";
  if (isa_and_present<WeightOp>(op))
    return "has no scales in the checkpoint";
  if (auto dequantize = dyn_cast_if_present<DequantizeOp>(op))
    return llvm::formatv("has elements of {0} in the checkpoint", dequantize.getX().getType());
  return op ? "is computed by " + op->getName().getStringRef().str() : "is an argument";
}

/// Collect the operations between a dequantized weight and `value` except `rounding`, backwards. Return the first that
/// does not move elements.
static Operation *collectMoves(Value value, Operation *rounding, SmallVectorImpl<Operation *> &moves) {
  Operation *op = value.getDefiningOp();
  for (; op && (op == rounding || movesElements(op)); op = op->getOperand(0).getDefiningOp())
    if (op != rounding)
      moves.push_back(op);
  return op;
}

/// Return whether it is the dequantization of elements of e4m3, without terms.
static bool isOfE4M3(DequantizeOp op) {
  auto x = cast<RankedTensorType>(op.getX().getType());
  return isa<Float8E4M3FNType>(x.getElementType()) && x.getRank() == cast<RankedTensorType>(op.getType()).getRank();
}

static std::optional<ScaledWeight> find(Value value, Operation *rounding, std::string &why) {
  ScaledWeight weight;
  Operation *op = collectMoves(value, rounding, weight.moves);
  weight.source = dyn_cast_if_present<DequantizeOp>(op);
  if (!weight.source || !isOfE4M3(weight.source)) {
    why = describe(op);
    return std::nullopt;
  }
  std::reverse(weight.moves.begin(), weight.moves.end());
  Tracker tracker{SmallVector<int64_t>(weight.source.getBlock()), {}};
  for (unsigned dim = 0; dim < tracker.unit.size(); ++dim)
    tracker.dims.push_back({dim, /*countsUnits=*/false});
  for (Operation *move : weight.moves)
    if (!tracker.follow(move)) {
      why = "moves its blocks apart by " + move->getName().getStringRef().str();
      return std::nullopt;
    }
  weight.unit = tracker.unit;
  for (const Dim &dim : tracker.dims)
    weight.block.push_back(dim.countsUnits ? 1 : tracker.unit[dim.source]);
  return weight;
}

std::optional<ScaledWeight> mla::findScaledWeight(Value value, std::string &why) {
  return find(value, /*rounding=*/nullptr, why);
}

std::optional<ScaledWeight> mla::findScaledWeight(func::FuncOp prepare, std::string &why) {
  if (!prepare.getBody().hasOneBlock() || prepare.getNumArguments() != 0 || prepare.getNumResults() != 1) {
    why = ("is not the one result of @" + prepare.getName() + ", without arguments and branches").str();
    return std::nullopt;
  }
  return find(prepare.front().getTerminator()->getOperand(0), findRounding(prepare), why);
}

int64_t mla::findTokenTerms(ModuleOp module) {
  auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
  auto products = model ? model.getAs<StringAttr>("products") : nullptr;
  return products ? countTerms(*symbolizeProductElements(products.getValue())) : 0; // as verified
}
