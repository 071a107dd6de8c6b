//===- Quantize.cpp - Projections of quantized tokens -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProductRefusal.h"
#include "WeightCloner.h"
#include "mla/Dialect/MLA/Analysis/ScaledWeight.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mla {
#define GEN_PASS_DEF_MLAQUANTIZE
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Prepared elements and scales
//===----------------------------------------------------------------------===//

/// Return the scales of blocks of size `unit`: that of the larger one for each, by a dequantization of ones.
static Value divideBlocks(OpBuilder &builder, DequantizeOp source, Value scale, ArrayRef<int64_t> unit) {
  Location loc = source.getLoc();
  if (unit == source.getBlock())
    return scale;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(source.getX().getType()).getShape();
  auto type = RankedTensorType::get(DequantizeOp::countBlocks(shape, unit), builder.getF32Type());
  Value ones = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, 1.0f));
  SmallVector<int64_t> times;
  for (auto [block, part] : llvm::zip_equal(source.getBlock(), unit))
    times.push_back(block / part);
  return DequantizeOp::create(builder, loc, type, ones, scale, times);
}

/// Move `value` as `move` does a weight with these blocks before and after it: a step in a dimension is a block.
static Value moveBlocks(OpBuilder &builder, Operation *move, Value value, ArrayRef<int64_t> before,
                        ArrayRef<int64_t> after) {
  Location loc = move->getLoc();
  auto moved = cast<RankedTensorType>(move->getResult(0).getType());
  auto type = RankedTensorType::get(DequantizeOp::countBlocks(moved.getShape(), after), getElementTypeOrSelf(value));
  return TypeSwitch<Operation *, Value>(move)
      .Case([&](tensor::ExpandShapeOp op) {
        return tensor::ExpandShapeOp::create(builder, loc, type, value, op.getReassociationIndices());
      })
      .Case([&](linalg::TransposeOp op) {
        Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(), type.getElementType());
        return linalg::TransposeOp::create(builder, loc, value, empty, op.getPermutation()).getResult()[0];
      })
      .Case([&](tensor::ExtractSliceOp op) {
        SmallVector<OpFoldResult> offsets, strides(type.getRank(), builder.getIndexAttr(1));
        for (auto [offset, block] : llvm::zip_equal(op.getStaticOffsets(), before))
          offsets.push_back(builder.getIndexAttr(offset / block));
        auto sizes = getAsIndexOpFoldResult(builder.getContext(), type.getShape());
        return tensor::ExtractSliceOp::create(builder, loc, value, offsets, sizes, strides);
      });
}

namespace {
/// Moves elements or scales as a weight is moved.
class WeightMover {
public:
  /// `source` returns what is moved for a dequantized weight, for blocks of the given sizes.
  using Source = llvm::function_ref<Value(DequantizeOp weight, ArrayRef<int64_t> block)>;
  WeightMover(OpBuilder &builder, Operation *rounding, Source source)
      : builder(builder), rounding(rounding), source(source) {}
  Value move(Value weight, ArrayRef<int64_t> block);

private:
  OpBuilder &builder;
  Operation *rounding;
  Source source;
};
} // namespace

Value WeightMover::move(Value weight, ArrayRef<int64_t> block) {
  Operation *op = weight.getDefiningOp();
  if (op == rounding)
    return move(op->getOperand(0), block);
  if (auto dequantize = dyn_cast<DequantizeOp>(op))
    return source(dequantize, block);
  if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    auto pieces = llvm::map_to_vector(concat.getInputs(), [&](Value piece) { return move(piece, block); });
    return tensor::ConcatOp::create(builder, op->getLoc(), concat.getDim(), pieces);
  }
  SmallVector<int64_t> before = getBlocksBefore(op, block);
  return moveBlocks(builder, op, move(op->getOperand(0), before), before, block);
}

/// Make the function store the elements of the weight, in e4m3.
static void storeElements(func::FuncOp prepare, const ScaledWeight &weight) {
  Operation *end = prepare.front().getTerminator();
  OpBuilder builder(end);
  auto source = [](DequantizeOp op, ArrayRef<int64_t>) -> Value { return op.getX(); };
  SmallVector<int64_t> ones(weight.block.size(), 1);
  Value elements = WeightMover(builder, weight.rounding, source).move(weight.value, ones);
  end->setOperand(0, elements);
  prepare.setFunctionType(builder.getFunctionType({}, elements.getType()));
}

/// Create the function that computes the scales of a weight, which `prepare` still dequantizes.
static func::FuncOp createScales(func::FuncOp prepare, const ScaledWeight &weight) {
  OpBuilder builder(prepare);
  std::string name = (prepare.getName() + kScaleSuffix).str();
  auto made = func::FuncOp::create(builder, prepare.getLoc(), name, builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(made.addEntryBlock());
  WeightCloner cloner(builder, /*inFloat32=*/true);
  auto source = [&](DequantizeOp op, ArrayRef<int64_t> block) {
    Value scale = cloner.castTo(cloner.clone(op.getScale()), builder.getF32Type());
    return divideBlocks(builder, op, scale, block);
  };
  Value value = WeightMover(builder, weight.rounding, source).move(weight.value, weight.block);
  func::ReturnOp::create(builder, prepare.getLoc(), value);
  made.setFunctionType(builder.getFunctionType({}, value.getType()));
  return made;
}

//===----------------------------------------------------------------------===//
// Projections
//===----------------------------------------------------------------------===//

namespace {
/// Rewrites the projections of a module.
class Quantizer {
public:
  /// `target`: null if weights are stored dequantized.
  Quantizer(ModuleOp module, const KernelTarget *target) : module(module), target(target) {}
  /// Quantize what the weight is multiplied with, to elements of `terms` numbers.
  LogicalResult quantize(func::FuncOp prepare, WeightUsers &users, int64_t terms);

private:
  Value quantized(const PreparedProduct &product, int64_t group, int64_t terms);
  void storeScaled(func::FuncOp prepare, WeightUsers &users, const ScaledWeight &weight);

  ModuleOp module;
  const KernelTarget *target;
  llvm::DenseMap<std::tuple<Value, int64_t, int64_t>, QuantizeOp> made; ///< by operand, group and terms
};
} // namespace

static Location suffixed(Location loc, StringRef suffix) {
  auto name = dyn_cast<NameLoc>(loc);
  return name ? NameLoc::get(StringAttr::get(loc.getContext(), name.getName().getValue() + suffix)) : loc;
}

/// Return x of the product in e4m3, dequantized. Products of one x share its elements and scales.
Value Quantizer::quantized(const PreparedProduct &product, int64_t group, int64_t terms) {
  Value x = product.x->get();
  auto type = cast<RankedTensorType>(x.getType());
  QuantizeOp &quantize = made[{x, group, terms}];
  OpBuilder builder(module.getContext());
  SmallVector<int64_t> block(type.getRank(), 1);
  block.back() = group;
  if (!quantize) {
    SmallVector<int64_t> ofElements(type.getShape()), ofScales(type.getShape());
    if (terms > 1)
      ofElements.insert(ofElements.begin() + product.termDim, terms);
    ofScales.back() = llvm::divideCeil(ofScales.back(), group);
    auto elements = RankedTensorType::get(ofElements, Float8E4M3FNType::get(module.getContext()));
    auto scales = RankedTensorType::get(ofScales, builder.getF32Type());
    builder.setInsertionPointAfterValue(x);
    quantize = QuantizeOp::create(builder, suffixed(x.getLoc(), "_e4m3"), TypeRange{elements, scales}, x, group, terms,
                                  product.termDim);
  }
  builder.setInsertionPoint(product.op);
  return DequantizeOp::create(builder, product.op->getLoc(), type.clone(builder.getF32Type()), quantize.getElements(),
                              quantize.getScale(), block, quantize.getTermDim());
}

/// Store elements and scales in place of the dequantized weight, and dequantize in front of every product.
void Quantizer::storeScaled(func::FuncOp prepare, WeightUsers &users, const ScaledWeight &weight) {
  func::FuncOp scales = createScales(prepare, weight);
  storeElements(prepare, weight);
  auto elements = cast<RankedTensorType>(prepare.getResultTypes().front());
  for (WeightOp user : users.weights) {
    OpBuilder builder(user->getContext());
    builder.setInsertionPointAfter(user);
    user.getResult().setType(elements);
    Value scale = WeightOp::create(builder, user.getLoc(), scales.getResultTypes().front(), getPreparedName(scales));
    for (OpOperand &use : llvm::make_early_inc_range(user->getUses())) {
      builder.setInsertionPoint(use.getOwner());
      use.set(DequantizeOp::create(builder, user.getLoc(), elements.clone(builder.getF32Type()), user, scale,
                                   weight.block));
    }
  }
}

LogicalResult Quantizer::quantize(func::FuncOp prepare, WeightUsers &users, int64_t terms) {
  if (std::string why = findProductRefusal(prepare, users, target); !why.empty())
    return prepare.emitError() << "has products of e4m3, but its weight " << why << "; remove " << kProductsAttr
                               << " and run mla-choose-products";
  std::string none;
  ScaledWeight weight = *findScaledWeight(prepare, none);
  for (const PreparedProduct &product : collectProducts(users))
    product.x->set(quantized(product, getTokenGroup(product, weight.block), terms));
  if (target)
    storeScaled(prepare, users, weight);
  return success();
}

/// Return whether the products already are of quantized tokens.
static bool areQuantized(ArrayRef<PreparedProduct> products) {
  return llvm::all_of(products,
                      [](const PreparedProduct &product) { return product.x->get().getDefiningOp<DequantizeOp>(); });
}

/// Check that weights to multiply in e4m3 have users.
static LogicalResult checkAreUsed(ModuleOp module, const llvm::MapVector<StringRef, WeightUsers> &users) {
  for (auto function : module.getOps<func::FuncOp>()) {
    auto products = function->getAttrOfType<ProductsAttr>(kProductsAttr);
    if (products && countTerms(products.getElements()) && !users.contains(getPreparedName(function)))
      return function.emitError() << "has products of e4m3, but its weight is used by no projection; remove "
                                  << kProductsAttr;
  }
  return success();
}

namespace {
struct MLAQuantize : mla::impl::MLAQuantizeBase<MLAQuantize> {
  using MLAQuantizeBase::MLAQuantizeBase;

  void runOnOperation() override {
    const KernelTarget *target = nullptr;
    if (forKernels && !(target = KernelTarget::findFor(getOperation())))
      return signalPassFailure();
    Quantizer quantizer(getOperation(), target);
    auto usersOf = collectWeightUsers(getOperation());
    if (failed(checkAreUsed(getOperation(), usersOf)))
      return signalPassFailure();
    for (auto &[name, users] : usersOf) {
      auto prepare = getOperation().lookupSymbol<func::FuncOp>((kPreparePrefix + name).str());
      auto products = prepare ? prepare->getAttrOfType<ProductsAttr>(kProductsAttr) : ProductsAttr();
      int64_t terms = products ? countTerms(products.getElements()) : 0;
      if (terms == 0)
        continue;
      if (areQuantized(collectProducts(users)))
        continue;
      if (failed(quantizer.quantize(prepare, users, terms)))
        return signalPassFailure();
    }
  }
};
} // namespace
