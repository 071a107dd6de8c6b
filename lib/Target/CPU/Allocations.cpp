//===- Allocations.cpp - Memory from the runtime --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/CPU/Passes.h"

#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "llvm/ADT/SetVector.h"

namespace mla {
#define GEN_PASS_DEF_MLACPUALLOCATIONS
#include "mla/Target/CPU/Passes.h.inc"
} // namespace mla

using namespace mlir;

using Functions = llvm::SetVector<LLVM::LLVMFuncOp>;

static SmallVector<LLVM::CallOp> callsOf(Operation *op, StringRef callee) {
  SmallVector<LLVM::CallOp> calls;
  op->walk([&](LLVM::CallOp call) {
    if (call.getCallee() == callee)
      calls.push_back(call);
  });
  return calls;
}

/// Functions that call `malloc`, and who calls them.
static Functions findAllocating(ModuleOp module) {
  Functions found;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    if (!callsOf(function, "malloc").empty())
      found.insert(function);
  for (size_t i = 0; i < found.size(); ++i) {
    LLVM::LLVMFuncOp function = found[i];
    for (LLVM::CallOp call : callsOf(module, function.getName()))
      found.insert(call->getParentOfType<LLVM::LLVMFuncOp>());
  }
  return found;
}

/// The runtime has the address of what runs in parallel.
static LogicalResult checkParallel(ModuleOp module, const Functions &allocating) {
  WalkResult result = module.walk([&](LLVM::AddressOfOp address) {
    auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(address.getGlobalName());
    if (!function || !allocating.contains(function))
      return WalkResult::advance();
    function.emitOpError("runs in parallel and allocates memory");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// Ends the function behind `op` where `condition` holds; its results are zeros.
static void returnIf(RewriterBase &rewriter, Value condition) {
  Operation *op = condition.getDefiningOp();
  Location loc = op->getLoc();
  auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
  Block *block = op->getBlock();
  Block *rest = rewriter.splitBlock(block, std::next(op->getIterator()));
  Block *end = rewriter.createBlock(&function.getBody(), function.getBody().end());
  SmallVector<Value> results;
  for (Type type : function.getResultTypes())
    if (!isa<LLVM::LLVMVoidType>(type))
      results.push_back(LLVM::ZeroOp::create(rewriter, loc, type));
  LLVM::ReturnOp::create(rewriter, loc, results);
  rewriter.setInsertionPointToEnd(block);
  LLVM::CondBrOp::create(rewriter, loc, condition, end, ValueRange(), rest, ValueRange(),
                         std::pair<uint32_t, uint32_t>(1, 1 << 20));
}

static void checkAllocation(RewriterBase &rewriter, LLVM::CallOp call) {
  call.setCallee("mla_allocate");
  rewriter.setInsertionPointAfter(call);
  Value null = LLVM::ZeroOp::create(rewriter, call.getLoc(), call.getResult().getType());
  returnIf(rewriter, LLVM::ICmpOp::create(rewriter, call.getLoc(), LLVM::ICmpPredicate::eq, call.getResult(), null));
}

static void checkCall(RewriterBase &rewriter, LLVM::CallOp call, LLVM::LLVMFuncOp isOut) {
  rewriter.setInsertionPointAfter(call);
  Value status = LLVM::CallOp::create(rewriter, call.getLoc(), isOut, ValueRange()).getResult();
  Value zero = LLVM::ConstantOp::create(rewriter, call.getLoc(), status.getType(), 0);
  returnIf(rewriter, LLVM::ICmpOp::create(rewriter, call.getLoc(), LLVM::ICmpPredicate::ne, status, zero));
}

namespace {

struct MLACPUAllocationsPass : mla::impl::MLACPUAllocationsBase<MLACPUAllocationsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    Functions allocating = findAllocating(module);
    if (failed(checkParallel(module, allocating)))
      return signalPassFailure();
    if (allocating.empty())
      return;
    IRRewriter rewriter(&getContext());
    Type pointer = LLVM::LLVMPointerType::get(&getContext()), none = LLVM::LLVMVoidType::get(&getContext());
    auto declare = [&](StringRef name, ArrayRef<Type> arguments, Type result) {
      return *LLVM::lookupOrCreateFn(rewriter, module, name, arguments, result);
    };
    LLVM::LLVMFuncOp isOut = declare("mla_out_of_memory", {}, rewriter.getI32Type());
    declare("mla_allocate", rewriter.getI64Type(), pointer);
    declare("mla_release", pointer, none);
    for (LLVM::LLVMFuncOp function : allocating)
      for (LLVM::CallOp call : callsOf(module, function.getName()))
        checkCall(rewriter, call, isOut);
    for (LLVM::CallOp call : callsOf(module, "malloc"))
      checkAllocation(rewriter, call);
    for (LLVM::CallOp call : callsOf(module, "free"))
      call.setCallee("mla_release");
    for (StringRef name : {"malloc", "free"})
      if (auto unused = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
        unused.erase();
  }
};

} // namespace
