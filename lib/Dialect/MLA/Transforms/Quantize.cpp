//===- Quantize.cpp - Projections of quantized tokens -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightCloner.h"
#include "mla/Dialect/MLA/Analysis/ScaledWeight.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

#include <numeric>

namespace mla {
#define GEN_PASS_DEF_MLAQUANTIZE
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static constexpr llvm::StringLiteral kScaleSuffix = "_scale";

//===----------------------------------------------------------------------===//
// Prepared elements and scales
//===----------------------------------------------------------------------===//

/// Return the scales of the smaller blocks: one of the larger ones for each, by a dequantization of ones.
static Value divideBlocks(OpBuilder &builder, const ScaledWeight &weight, Value scale) {
  DequantizeOp source = weight.source;
  Location loc = source.getLoc();
  if (ArrayRef(weight.unit) == source.getBlock())
    return scale;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(source.getX().getType()).getShape();
  auto type = RankedTensorType::get(countBlocks(shape, weight.unit), builder.getF32Type());
  Value ones = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, 1.0f));
  SmallVector<int64_t> times;
  for (auto [block, unit] : llvm::zip_equal(source.getBlock(), weight.unit))
    times.push_back(block / unit);
  return DequantizeOp::create(builder, loc, type, ones, scale, times);
}

/// Move `value` as `move` does a weight with these blocks before and after it: a step in a dimension is a block.
static Value moveBlocks(OpBuilder &builder, Operation *move, Value value, ArrayRef<int64_t> before,
                        ArrayRef<int64_t> after) {
  Location loc = move->getLoc();
  auto moved = cast<RankedTensorType>(move->getResult(0).getType());
  auto type = RankedTensorType::get(countBlocks(moved.getShape(), after), getElementTypeOrSelf(value));
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

/// Return the blocks of each value from the source to the last move.
static SmallVector<SmallVector<int64_t>> blocksAlong(const ScaledWeight &weight) {
  SmallVector<SmallVector<int64_t>> blocks(weight.moves.size() + 1);
  blocks.back() = weight.block;
  for (size_t i = weight.moves.size(); i-- > 0;) {
    SmallVector<int64_t> &before = blocks[i], &after = blocks[i + 1];
    before = after;
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(weight.moves[i])) {
      before.clear();
      for (ArrayRef<int64_t> group : expand.getReassociationIndices())
        before.push_back(after[group.back()]);
    } else if (auto transpose = dyn_cast<linalg::TransposeOp>(weight.moves[i])) {
      for (auto [dim, from] : llvm::enumerate(transpose.getPermutation()))
        before[from] = after[dim];
    }
  }
  return blocks;
}

/// Make the function store the elements of the weight, in e4m3.
static void storeElements(func::FuncOp prepare, const ScaledWeight &weight) {
  DequantizeOp source = weight.source;
  Operation *end = prepare.front().getTerminator();
  OpBuilder builder(end);
  Value elements = source.getX();
  for (Operation *move : weight.moves) {
    SmallVector<int64_t> ones(cast<RankedTensorType>(move->getOperand(0).getType()).getRank(), 1);
    SmallVector<int64_t> after(cast<RankedTensorType>(move->getResult(0).getType()).getRank(), 1);
    elements = moveBlocks(builder, move, elements, ones, after);
  }
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
  DequantizeOp source = weight.source;
  Value value = cloner.castTo(cloner.clone(source.getScale()), builder.getF32Type());
  value = divideBlocks(builder, weight, value);
  auto blocks = blocksAlong(weight);
  for (auto [i, move] : llvm::enumerate(weight.moves))
    value = moveBlocks(builder, move, value, blocks[i], blocks[i + 1]);
  func::ReturnOp::create(builder, prepare.getLoc(), value);
  made.setFunctionType(builder.getFunctionType({}, value.getType()));
  return made;
}

//===----------------------------------------------------------------------===//
// Projections
//===----------------------------------------------------------------------===//

/// Return the number of columns of x with one scale: at most 128, and whole parts of the weight's blocks.
static int64_t chooseGroup(ProjectOp project, ArrayRef<int64_t> block) {
  constexpr int64_t most = 128; // DeepSeek-V3's
  int64_t columns = cast<RankedTensorType>(project.getWeight().getType()).getShape().back();
  int64_t group = block.back() < columns ? std::gcd(most, block.back()) : most;
  return project.getHeads() == Heads::From ? std::gcd(group, columns) : group;
}

/// Return the dimension of the rows in the weight.
static int64_t getRowDim(Heads heads) { return heads == Heads::To || heads == Heads::Per ? 1 : 0; }

/// Return whether heads have scales of their own, as their elements are contracted or stored side by side.
static bool haveOwnScales(ProjectOp project, ArrayRef<int64_t> block) {
  for (size_t dim = 0; dim + 1 < block.size(); ++dim)
    if (static_cast<int64_t>(dim) != getRowDim(project.getHeads()) && block[dim] != 1)
      return false;
  return true;
}

static int64_t countRows(ProjectOp project) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(project.getWeight().getType()).getShape();
  return shape[getRowDim(project.getHeads())] * (project.getHeads() == Heads::To ? shape[0] : 1);
}

namespace {
/// A prepared weight, and its users outside of `@prepare` functions.
struct Users {
  SmallVector<WeightOp> weights;
  SmallVector<ProjectOp> projections;
  bool other = false; ///< Something else uses it too.

  void add(WeightOp weight);
};

/// Rewrites the projections of a module.
class Quantizer {
public:
  /// `target`: null if kernels do not limit the choice, and weights are stored dequantized.
  Quantizer(ModuleOp module, const KernelTarget *target, int64_t terms)
      : module(module), target(target), terms(terms) {}
  /// Quantize what the weight is multiplied with. Return why not, or "".
  std::string quantize(func::FuncOp prepare, Users &users);

private:
  std::string refuse(ProjectOp project, ArrayRef<int64_t> block) const;
  Value quantized(ProjectOp project, int64_t group);
  void storeScaled(func::FuncOp prepare, Users &users, const ScaledWeight &weight);

  ModuleOp module;
  const KernelTarget *target;
  int64_t terms;                                              ///< of an element of a token
  llvm::DenseMap<std::pair<Value, int64_t>, QuantizeOp> made; ///< by operand and group
};
} // namespace

void Users::add(WeightOp weight) {
  weights.push_back(weight);
  for (OpOperand &use : weight->getUses()) {
    auto project = dyn_cast<ProjectOp>(use.getOwner());
    if (project && !project.getPanels() && &use == &project.getWeightMutable())
      projections.push_back(project);
    else
      other = true;
  }
}

std::string Quantizer::refuse(ProjectOp project, ArrayRef<int64_t> block) const {
  if (!haveOwnScales(project, block))
    return "has blocks across heads";
  ScaledProduct product = {countRows(project), project.getContractedSize(), chooseGroup(project, block)};
  if (!target || target->multiplies(product))
    return "";
  return llvm::formatv("is {0} x {1} with a scale per {2} columns, which no kernel multiplies in e4m3", product.rows,
                       product.contracted, product.group);
}

static Location suffixed(Location loc, StringRef suffix) {
  auto name = dyn_cast<NameLoc>(loc);
  return name ? NameLoc::get(StringAttr::get(loc.getContext(), name.getName().getValue() + suffix)) : loc;
}

/// Return x of the projection in e4m3, dequantized. Projections of one x share its elements and scales.
Value Quantizer::quantized(ProjectOp project, int64_t group) {
  Value x = project.getX();
  auto type = cast<RankedTensorType>(x.getType());
  QuantizeOp &quantize = made[{x, group}];
  OpBuilder builder(module.getContext());
  SmallVector<int64_t> block(type.getRank(), 1);
  block.back() = group;
  if (!quantize) {
    SmallVector<int64_t> ofElements(type.getShape()), ofScales(type.getShape());
    if (terms > 1)
      ofElements.insert(ofElements.begin() + 1, terms);
    ofScales.back() = llvm::divideCeil(ofScales.back(), group);
    auto elements = RankedTensorType::get(ofElements, Float8E4M3FNType::get(module.getContext()));
    auto scales = RankedTensorType::get(ofScales, builder.getF32Type());
    builder.setInsertionPointAfterValue(x);
    quantize = QuantizeOp::create(builder, suffixed(x.getLoc(), "_e4m3"), TypeRange{elements, scales}, x, group, terms);
  }
  builder.setInsertionPoint(project);
  return DequantizeOp::create(builder, project.getLoc(), type.clone(builder.getF32Type()), quantize.getElements(),
                              quantize.getScale(), block);
}

/// Store elements and scales in place of the dequantized weight, and dequantize in front of every projection.
void Quantizer::storeScaled(func::FuncOp prepare, Users &users, const ScaledWeight &weight) {
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

std::string Quantizer::quantize(func::FuncOp prepare, Users &users) {
  std::string why;
  std::optional<ScaledWeight> weight = findScaledWeight(prepare, why);
  if (!weight)
    return why;
  if (users.other)
    return "is used by an operation that is no projection";
  std::string scales = (prepare.getName() + kScaleSuffix).str();
  if (target && module.lookupSymbol(scales))
    return "would have its scales in @" + scales + ", which is in use";
  for (ProjectOp project : users.projections)
    if (why = refuse(project, weight->block); !why.empty())
      return why;
  for (ProjectOp project : users.projections)
    project.getXMutable().assign(quantized(project, chooseGroup(project, weight->block)));
  if (target)
    storeScaled(prepare, users, *weight);
  return "";
}

static llvm::MapVector<StringRef, Users> collectUsers(ModuleOp module) {
  llvm::MapVector<StringRef, Users> users;
  for (auto function : module.getOps<func::FuncOp>())
    if (!isPrepare(function))
      function.walk([&](WeightOp weight) { users[weight.getName()].add(weight); });
  return users;
}

namespace {
struct MLAQuantize : mla::impl::MLAQuantizeBase<MLAQuantize> {
  using MLAQuantizeBase::MLAQuantizeBase;

  void runOnOperation() override {
    const KernelTarget *kernels = nullptr;
    if (forKernels && !(kernels = KernelTarget::findFor(getOperation())))
      return signalPassFailure();
    if (terms != 1 && terms != 2) {
      getOperation().emitError() << "terms: expected 1 or 2, got " << terms;
      return signalPassFailure();
    }
    Quantizer quantizer(getOperation(), kernels, terms);
    for (auto &[name, users] : collectUsers(getOperation())) {
      auto prepare = getOperation().lookupSymbol<func::FuncOp>((kPreparePrefix + name).str());
      if (users.projections.empty() || !prepare)
        continue;
      std::string why = quantizer.quantize(prepare, users);
      if (!why.empty())
        prepare.emitRemark() << "weight '" << name << "' is not multiplied in e4m3: it " << why;
    }
  }
};
} // namespace
