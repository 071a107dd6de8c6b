//===- MLAToLinalg.cpp - The pass: types and patterns ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "Collectives.h"
#include "Patterns.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mla {
#define GEN_PASS_DEF_MLATOLINALG
#include "mla/Conversion/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Convert a cache to its pages, block table and lengths.
static LogicalResult convertCache(CacheType type, SmallVectorImpl<Type> &types) {
  types.append({type.getPagesType(), type.getBlockTableType(), type.getLengthsType()});
  return success();
}

/// Move the attributes of every function argument to the first of its converted values. The signature conversion does
/// not do so if an argument becomes several.
static void spreadArgumentAttributes(func::FuncOp function, const TypeConverter &converter) {
  SmallVector<Attribute> attributes;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    SmallVector<Type> types;
    (void)converter.convertType(type, types);
    DictionaryAttr own = function.getArgAttrDict(i);
    attributes.push_back(own ? own : DictionaryAttr::get(function.getContext()));
    attributes.append(types.size() - 1, DictionaryAttr::get(function.getContext()));
  }
  function->setAttr(function.getArgAttrsAttrName(), ArrayAttr::get(function.getContext(), attributes));
}

/// Lower layouts of weights to reshapes and transposes, which bufferize.
static LogicalResult lowerPacks(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  SmallVector<linalg::PackOp> packs;
  module.walk([&](linalg::PackOp op) { packs.push_back(op); });
  for (linalg::PackOp op : packs) {
    rewriter.setInsertionPoint(op);
    if (failed(linalg::lowerPack(rewriter, op)))
      return failure();
  }
  return success();
}

/// Lower concatenations of tokens to insertions, which bufferize. Those of weights are lowered by tiles.
static LogicalResult lowerConcatenations(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  SmallVector<tensor::ConcatOp> concatenations;
  module.walk([&](tensor::ConcatOp op) { concatenations.push_back(op); });
  for (tensor::ConcatOp op : concatenations) {
    rewriter.setInsertionPoint(op);
    FailureOr<SmallVector<Value>> parts = op.decomposeOperation(rewriter);
    if (failed(parts))
      return failure();
    rewriter.replaceOp(op, *parts);
  }
  return success();
}

namespace {

struct MLAToLinalgPass : mla::impl::MLAToLinalgBase<MLAToLinalgPass> {
  using Base::Base;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    TypeConverter converter;
    converter.addConversion([](Type type) { return type; });
    converter.addConversion(convertCache);

    RewritePatternSet patterns(context);
    populateWeightPatterns(patterns, converter);
    populateProjectPatterns(patterns, converter, matrixTiles);
    populateNormAndPositionPatterns(patterns, converter);
    populateCachePatterns(patterns, converter);
    populateAttentionPatterns(patterns, converter, matrixTiles);
    populateLatentAttentionPatterns(patterns, converter);
    populateMergePatterns(patterns, converter);
    populateQuantizePatterns(patterns, converter);
    populateEmbedAndActivatePatterns(patterns, converter);
    populateRoutePatterns(patterns, converter);
    populateExpertsPatterns(patterns, converter);
    populateAdaptPatterns(patterns, converter);
    populateSortedChoicesPatterns(patterns, converter);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    populateCallOpTypeConversionPattern(patterns, converter);

    ConversionTarget target(*context);
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    target.addIllegalDialect<MLADialect>();
    target.addLegalOp<WeightOp>(); // bound, or lowered by the next stage
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType()) && converter.isLegal(&op.getBody());
    });
    target.addDynamicallyLegalOp<func::ReturnOp, func::CallOp>([&](Operation *op) { return converter.isLegal(op); });
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.getArgAttrsAttr())
        spreadArgumentAttributes(function, converter);
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))) ||
        failed(lowerPacks(getOperation())) || failed(lowerCollectives(getOperation())) ||
        failed(lowerConcatenations(getOperation())))
      signalPassFailure();
  }
};

} // namespace
