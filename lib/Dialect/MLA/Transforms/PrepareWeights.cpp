//===- PrepareWeights.cpp - Weight-only operations move to @prepare -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PrepareWeights.h"
#include "WeightCloner.h"
#include "WeightNames.h"
#include "mla/Dialect/MLA/Analysis/WeightOnly.h"
#include "mla/Dialect/MLA/IR/Adapt.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Uses of weights
//===----------------------------------------------------------------------===//

static bool isLinearWeight(OpOperand &use) {
  Operation *op = use.getOwner();
  if (auto project = dyn_cast<ProjectOp>(op))
    return &use == &project.getWeightMutable();
  if (auto adapted = dyn_cast<AdaptOp>(op))
    return &use == &adapted.getDownMutable() || &use == &adapted.getUpMutable();
  return isa<ExpertsProjectOp, EmbedOp>(op) && use.getOperandNumber() == 1;
}

/// Return whether the use is a gamma or a bias.
static bool isVectorWeight(OpOperand &use) {
  return isa<RmsNormOp, BiasOp, RouteOp>(use.getOwner()) && use.getOperandNumber() == 1;
}

/// Return whether the operation itself is weight-only, so that its users count.
static bool makesWeight(Operation *op) { return isWeightOp(op) && llvm::all_of(op->getOperands(), isWeightOnly); }

/// Collects weight-only operands of operations that are not weight-only.
static SmallVector<OpOperand *> collectUses(func::FuncOp function) {
  SmallVector<OpOperand *> uses;
  function.walk([&](Operation *op) {
    if (makesWeight(op))
      return;
    for (OpOperand &operand : op->getOpOperands())
      if (isWeightOnly(operand.get()) &&
          (!isConstantOnly(operand.get()) || isLinearWeight(operand) || isVectorWeight(operand)))
        uses.push_back(&operand);
  });
  return uses;
}

/// Return the element type that a use gets.
static Type getStorage(OpOperand &use, FloatType storage) {
  auto type = cast<RankedTensorType>(use.get().getType());
  if (storage && isLinearWeight(use))
    return storage;
  if (storage && isVectorWeight(use))
    return Float32Type::get(storage.getContext());
  return type.getElementType();
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

namespace {
/// Upstream folds other constants through linalg.transpose.
struct FoldSplatTranspose : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::TransposeOp op, PatternRewriter &rewriter) const override {
    SplatElementsAttr splat;
    if (!op.hasPureTensorSemantics() || !matchPattern(op.getInput(), m_Constant(&splat)))
      return failure();
    auto type = cast<RankedTensorType>(op.getResult()[0].getType());
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, type, splat.resizeSplat(type));
    return success();
  }
};
} // namespace

/// Checks bounds without overflow. MLIR's own check (22.1) can overflow, and its folding then reads out of bounds.
static bool liesInside(tensor::ExtractSliceOp slice) {
  if (!slice.hasUnitStride())
    return false;
  auto dims = llvm::zip_equal(slice.getStaticOffsets(), slice.getStaticSizes(), slice.getSourceType().getShape());
  return llvm::all_of(dims, [](auto dim) {
    auto [offset, size, whole] = dim;
    return offset >= 0 && size >= 0 && size <= whole && offset <= whole - size;
  });
}

static void foldConstants(func::FuncOp function) {
  RewritePatternSet patterns(function.getContext());
  linalg::populateConstantFoldLinalgOperations(patterns, [](OpOperand *) { return true; });
  tensor::populateFoldConstantExtractSlicePatterns(patterns, liesInside);
  patterns.add<FoldSplatTranspose>(function.getContext());
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  (void)applyPatternsGreedily(function, std::move(patterns), config);
}

/// Casts literal weights in place to their element type.
static void castConstants(func::FuncOp function, FloatType storage) {
  for (OpOperand *use : collectUses(function)) {
    if (!isConstantOnly(use->get()))
      continue;
    OpBuilder builder(use->getOwner());
    WeightCloner cloner(builder, /*inFloat32=*/true);
    use->set(cloner.castTo(cloner.clone(use->get()), getStorage(*use, storage)));
  }
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

namespace {
class WeightPreparer {
public:
  WeightPreparer(ModuleOp module, FloatType storage);
  void prepareIn(func::FuncOp function);
  int64_t getNumMade() const { return numMade; }

private:
  bool isPrepared(Value value) const;
  func::FuncOp getPrepare(OpOperand &use);

  SymbolTable symbols;
  FloatType storage;
  StringRef prefix;
  SmallVector<func::FuncOp> prepares;
  /// Weights that were prepared before this pass: their names are no longer
  /// the checkpoint's.
  llvm::StringSet<> preparedBefore;
  int64_t numMade = 0;
};
} // namespace

WeightPreparer::WeightPreparer(ModuleOp module, FloatType storage) : symbols(module), storage(storage) {
  if (auto attribute = module->getAttrOfType<StringAttr>(kCheckpointPrefixAttr))
    prefix = attribute.getValue();
  for (auto function : module.getOps<func::FuncOp>())
    if (isPrepare(function)) {
      prepares.push_back(function);
      preparedBefore.insert(getPreparedName(function));
    }
}

bool WeightPreparer::isPrepared(Value value) const {
  if (auto weight = value.getDefiningOp<WeightOp>())
    return preparedBefore.contains(weight.getName());
  return value.getDefiningOp<arith::ConstantOp>() != nullptr;
}

/// Finds or creates the function that computes the operand of `use`.
func::FuncOp WeightPreparer::getPrepare(OpOperand &use) {
  Location loc = use.get().getLoc();
  std::string name = (kPreparePrefix + getWeightName(use.get(), prefix)).str();
  OpBuilder builder(loc.getContext());
  auto made = func::FuncOp::create(loc, name, builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(made.addEntryBlock());
  WeightCloner cloner(builder, /*inFloat32=*/storage != nullptr);
  Value weight = cloner.castTo(cloner.clone(use.get()), getStorage(use, storage));
  func::ReturnOp::create(builder, loc, weight);
  made.setFunctionType(builder.getFunctionType({}, weight.getType()));

  for (func::FuncOp known : prepares)
    if (OperationEquivalence::isRegionEquivalentTo(&known.getBody(), &made.getBody(),
                                                   OperationEquivalence::IgnoreLocations)) {
      made.erase();
      return known;
    }
  symbols.insert(made);
  prepares.push_back(made);
  ++numMade;
  return made;
}

void WeightPreparer::prepareIn(func::FuncOp function) {
  DenseMap<func::FuncOp, Value> weights;
  OpBuilder builder = OpBuilder::atBlockBegin(&function.front());
  for (OpOperand *use : collectUses(function)) {
    if (isPrepared(use->get()))
      continue;
    func::FuncOp prepare = getPrepare(*use);
    Value &weight = weights[prepare];
    if (!weight)
      weight =
          WeightOp::create(builder, use->get().getLoc(), prepare.getResultTypes().front(), getPreparedName(prepare));
    use->set(weight);
  }
}

int64_t mla::prepareWeights(ModuleOp module, FloatType storage) {
  WeightPreparer preparer(module, storage);
  IRRewriter rewriter(module.getContext());
  for (auto function : llvm::to_vector(module.getOps<func::FuncOp>())) {
    if (function.isExternal() || isPrepare(function))
      continue;
    if (storage)
      castConstants(function, storage);
    foldConstants(function);
    preparer.prepareIn(function);
    (void)runRegionDCE(rewriter, function->getRegions());
  }
  return preparer.getNumMade();
}
