//===- DropReturned.cpp - Drop results that are arguments -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Target/CPU/Passes.h"

namespace mla {
#define GEN_PASS_DEF_MLACPUDROPRETURNED
#include "mla/Target/CPU/Passes.h.inc"
} // namespace mla

using namespace mlir;

/// Return whether a value is an argument other than a weight: a @prepare function that returns a weight unchanged has
/// to copy it.
static bool isCallersBuffer(func::FuncOp function, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && isa<BaseMemRefType>(value.getType()) &&
         !function.getArgAttr(argument.getArgNumber(), mla::kWeightAttr);
}

namespace {

struct MLACPUDropReturnedPass : mla::impl::MLACPUDropReturnedBase<MLACPUDropReturnedPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !function.getBody().hasOneBlock())
      return;
    auto terminator = cast<func::ReturnOp>(function.front().getTerminator());
    llvm::BitVector dropped(terminator.getNumOperands());
    for (auto [i, value] : llvm::enumerate(terminator.getOperands()))
      dropped[i] = isCallersBuffer(function, value);
    terminator->eraseOperands(dropped);
    if (failed(function.eraseResults(dropped)))
      signalPassFailure();
  }
};

} // namespace
