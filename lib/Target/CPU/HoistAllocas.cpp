//===- HoistAllocas.cpp - Allocate the stack once per call ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/CPU/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mla {
#define GEN_PASS_DEF_MLACPUHOISTALLOCAS
#include "mla/Target/CPU/Passes.h.inc"
} // namespace mla

using namespace mlir;

/// Move an allocation of a constant size to the entry block.
static void hoist(LLVM::AllocaOp alloca, Block &entry) {
  auto size = alloca.getArraySize().getDefiningOp<LLVM::ConstantOp>();
  if (!size || alloca->getBlock() == &entry)
    return;
  OpBuilder builder = OpBuilder::atBlockBegin(&entry);
  Operation *own = builder.clone(*size);
  alloca->moveAfter(own);
  alloca.getArraySizeMutable().assign(own->getResult(0));
}

namespace {
struct MLACPUHoistAllocas : mla::impl::MLACPUHoistAllocasBase<MLACPUHoistAllocas> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      SmallVector<LLVM::AllocaOp> allocas;
      function.walk([&](LLVM::AllocaOp alloca) { allocas.push_back(alloca); });
      for (LLVM::AllocaOp alloca : allocas)
        hoist(alloca, function.front());
    }
  }
};
} // namespace
