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
/// A dimension of a moved value: its blocks, or for a factor of a dimension of the source, whole ones.
struct Dim {
  int64_t unit;
  bool countsUnits;

  void divideAt(int64_t border) {
    if (!countsUnits)
      unit = std::gcd(unit, border);
  }
};
using Dims = SmallVector<Dim>;
} // namespace

/// Splits a dimension into heads and the rows of a head.
static bool follow(Dims &dims, tensor::ExpandShapeOp op) {
  Dims expanded;
  for (auto [dim, group] : llvm::zip_equal(dims, op.getReassociationIndices())) {
    if (group.size() > 2 || (group.size() == 2 && dim.countsUnits))
      return false;
    if (group.size() == 2) {
      dim.divideAt(op.getResultType().getDimSize(group.back()));
      expanded.push_back({1, /*countsUnits=*/true});
    }
    expanded.push_back(dim);
  }
  dims = std::move(expanded);
  return true;
}

static bool follow(Dims &dims, tensor::ExtractSliceOp op) {
  if (op.getSourceType().getRank() != op.getType().getRank() || !op.hasUnitStride() ||
      llvm::any_of(op.getStaticOffsets(), ShapedType::isDynamic))
    return false;
  for (auto [dim, offset, size, whole] :
       llvm::zip_equal(dims, op.getStaticOffsets(), op.getType().getShape(), op.getSourceType().getShape())) {
    dim.divideAt(offset);
    if (size != whole)
      dim.divideAt(size);
  }
  return true;
}

/// Divides blocks until they end at every border.
static bool follow(Dims &dims, Operation *op) {
  return TypeSwitch<Operation *, bool>(op)
      .Case<tensor::ExpandShapeOp, tensor::ExtractSliceOp>([&](auto move) { return follow(dims, move); })
      .Case([&](linalg::TransposeOp transpose) {
        dims = applyPermutation(dims, transpose.getPermutation());
        return true;
      })
      .Default([](Operation *) { return false; });
}

/// Divides the blocks of two pieces until they are alike.
static bool join(Dims &dims, const Dims &others) {
  for (auto [dim, other] : llvm::zip_equal(dims, others)) {
    if (dim.countsUnits != other.countsUnits)
      return false;
    dim.divideAt(other.unit);
  }
  return true;
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

/// Return whether it is the dequantization of elements of e4m3, without terms.
static bool isOfE4M3(DequantizeOp op) {
  auto x = cast<RankedTensorType>(op.getX().getType());
  return isa<Float8E4M3FNType>(x.getElementType()) && x.getRank() == cast<RankedTensorType>(op.getType()).getRank();
}

static std::optional<Dims> find(Value value, Operation *rounding, std::string &why);

/// Pieces begin with a block.
static std::optional<Dims> findPieces(tensor::ConcatOp op, Operation *rounding, std::string &why) {
  std::optional<Dims> all;
  int64_t border = 0;
  for (Value piece : op.getInputs()) {
    std::optional<Dims> dims = find(piece, rounding, why);
    if (!dims)
      return std::nullopt;
    if (!all)
      all = dims;
    if (!join(*all, *dims)) {
      why = "has pieces whose blocks were moved in different ways";
      return std::nullopt;
    }
    (*all)[op.getDim()].divideAt(border);
    border += cast<RankedTensorType>(piece.getType()).getDimSize(op.getDim());
  }
  return all;
}

/// Return the dimensions of a value that moves scaled weights.
static std::optional<Dims> find(Value value, Operation *rounding, std::string &why) {
  Operation *op = value.getDefiningOp();
  if (op && op == rounding)
    return find(op->getOperand(0), rounding, why);
  if (auto pieces = dyn_cast_if_present<tensor::ConcatOp>(op))
    return findPieces(pieces, rounding, why);
  if (op && movesElements(op)) {
    std::optional<Dims> dims = find(op->getOperand(0), rounding, why);
    if (!dims || follow(*dims, op))
      return dims;
    why = "moves its blocks apart by " + op->getName().getStringRef().str();
    return std::nullopt;
  }
  auto source = dyn_cast_if_present<DequantizeOp>(op);
  if (source && isOfE4M3(source))
    return llvm::map_to_vector<6>(source.getBlock(), [](int64_t size) { return Dim{size, /*countsUnits=*/false}; });
  why = describe(op);
  return std::nullopt;
}

static std::optional<ScaledWeight> findWeight(Value value, Operation *rounding, std::string &why) {
  std::optional<Dims> dims = find(value, rounding, why);
  if (!dims)
    return std::nullopt;
  return ScaledWeight{value, rounding, llvm::map_to_vector<6>(*dims, [](Dim dim) { return dim.unit; })};
}

std::optional<ScaledWeight> mla::findScaledWeight(Value value, std::string &why) {
  return findWeight(value, /*rounding=*/nullptr, why);
}

std::optional<ScaledWeight> mla::findScaledWeight(func::FuncOp prepare, std::string &why) {
  if (!prepare.getBody().hasOneBlock() || prepare.getNumArguments() != 0 || prepare.getNumResults() != 1) {
    why = ("is not the one result of @" + prepare.getName() + ", without arguments and branches").str();
    return std::nullopt;
  }
  return findWeight(prepare.front().getTerminator()->getOperand(0), findRounding(prepare), why);
}

SmallVector<int64_t> mla::getBlocksBefore(Operation *move, ArrayRef<int64_t> after) {
  SmallVector<int64_t> before(after);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(move)) {
    before.clear();
    for (ArrayRef<int64_t> group : expand.getReassociationIndices())
      before.push_back(after[group.back()]);
  } else if (auto transpose = dyn_cast<linalg::TransposeOp>(move)) {
    for (auto [dim, from] : llvm::enumerate(transpose.getPermutation()))
      before[from] = after[dim];
  }
  return before;
}

int64_t mla::findTokenTerms(ModuleOp module) {
  auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
  auto products = model ? model.getAs<StringAttr>("products") : nullptr;
  return products ? countTerms(*symbolizeProductElements(products.getValue())) : 0; // as verified
}
