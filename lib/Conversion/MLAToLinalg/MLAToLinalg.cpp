//===- MLAToLinalg.cpp - The pass: cache types and all patterns -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "Patterns.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"

namespace mla {
#define GEN_PASS_DEF_MLATOLINALG
#include "mla/Conversion/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// A cache is its pages, block table and lengths.
static LogicalResult convertCache(CacheType type, SmallVectorImpl<Type> &types) {
  types.append({type.getPagesType(), type.getBlockTableType(), type.getLengthsType()});
  return success();
}

namespace {

struct MLAToLinalgPass : mla::impl::MLAToLinalgBase<MLAToLinalgPass> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    TypeConverter converter;
    converter.addConversion([](Type type) { return type; });
    converter.addConversion(convertCache);

    RewritePatternSet patterns(context);
    populateWeightPatterns(patterns, converter);
    populateProjectPatterns(patterns, converter);
    populateNormAndPositionPatterns(patterns, converter);
    populateCachePatterns(patterns, converter);
    populateAttentionPatterns(patterns, converter);
    populateLatentAttentionPatterns(patterns, converter);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    populateCallOpTypeConversionPattern(patterns, converter);

    ConversionTarget target(*context);
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    target.addIllegalDialect<MLADialect>();
    target.addLegalOp<WeightOp>(); // bound or left to the next stage
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType()) && converter.isLegal(&op.getBody());
    });
    target.addDynamicallyLegalOp<func::ReturnOp, func::CallOp>([&](Operation *op) { return converter.isLegal(op); });
    if (failed(applyPartialConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
