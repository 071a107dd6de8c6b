//===- Math.cpp - Exponentials as polynomials -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/CPU/Passes.h"

#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mla {
#define GEN_PASS_DEF_MLACPUMATH
#include "mla/Target/CPU/Passes.h.inc"
} // namespace mla

using namespace mlir;

namespace {

struct MLACPUMathPass : mla::impl::MLACPUMathBase<MLACPUMathPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    auto isExp = [](StringRef name) { return name == math::ExpOp::getOperationName(); };
    populateMathPolynomialApproximationPatterns(patterns, isExp);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
