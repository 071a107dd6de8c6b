//===- Bufferize.cpp - Bufferization --------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/Bindings.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"
#include "mla/Target/CPU/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Shard/IR/ShardOps.h"

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

/// Return whether a function may not write to an argument: to a weight, which is memory of a bundle or a mapped file of
/// a checkpoint, and to what the runtime's caller only gives to be read.
static bool isReadOnly(func::FuncOp function, unsigned argument) {
  if (function.getArgAttr(argument, mla::kWeightAttr) || function->hasAttr(mla::kEndAttr))
    return true;
  SmallVector<mla::schema::Binding> bindings = mla::bindingsOf(mla::schema::List::Entry);
  return mla::isEntry(function) && argument < bindings.size() && bindings[argument].access == mla::schema::Access::In;
}

/// Mark such arguments. Otherwise elementwise operations would write their results to them.
static void protectArguments(ModuleOp module) {
  auto no = BoolAttr::get(module.getContext(), false);
  for (auto function : module.getOps<func::FuncOp>())
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (isReadOnly(function, i))
        function.setArgAttr(i, bufferization::BufferizationDialect::kWritableAttrName, no);
}

namespace {

struct MLACPUBufferizePass : mla::impl::MLACPUBufferizeBase<MLACPUBufferizePass> {
  void runOnOperation() override {
    protectArguments(getOperation());
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotModuleBufferize(getOperation(), options(), state)))
      return signalPassFailure();
    for (auto grid : llvm::make_early_inc_range(getOperation().getOps<shard::GridOp>()))
      grid.erase();
  }
};

} // namespace
