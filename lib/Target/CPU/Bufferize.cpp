//===- Bufferize.cpp - Bufferization --------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Target/CPU/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"

namespace mla {
#define GEN_PASS_DEF_MLACPUBUFFERIZE
#include "mla/Target/CPU/Passes.h.inc"
} // namespace mla

using namespace mlir;

static bufferization::OneShotBufferizationOptions options() {
  bufferization::OneShotBufferizationOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.setFunctionBoundaryTypeConversion(bufferization::LayoutMapOption::IdentityLayoutMap);
  options.unknownTypeConverterFn = [](TensorType type, Attribute memorySpace,
                                      const bufferization::BufferizationOptions &) {
    return bufferization::getMemRefTypeWithStaticIdentityLayout(type, memorySpace);
  };
  options.memCpyFn = [](OpBuilder &builder, Location loc, Value from, Value to) {
    linalg::CopyOp::create(builder, loc, from, to);
    return success();
  };
  return options;
}

/// Mark weights as read-only: they are memory of a bundle or a mapped file of a checkpoint. Otherwise elementwise
/// operations would write their results to them.
static void protectWeights(ModuleOp module) {
  auto no = BoolAttr::get(module.getContext(), false);
  for (auto function : module.getOps<func::FuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (function.getArgAttr(i, mla::kWeightAttr))
        function.setArgAttr(i, bufferization::BufferizationDialect::kWritableAttrName, no);
}

namespace {

struct MLACPUBufferizePass : mla::impl::MLACPUBufferizeBase<MLACPUBufferizePass> {
  void runOnOperation() override {
    protectWeights(getOperation());
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotModuleBufferize(getOperation(), options(), state)))
      signalPassFailure();
  }
};

} // namespace
