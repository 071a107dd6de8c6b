//===- Allocations.cpp - Allocate memory from the runtime -----------------===//
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

/// Check that a caller can return early: it must be a function of the module, and the call must not be in a region.
static LogicalResult checkCaller(ModuleOp module, LLVM::CallOp call) {
  auto caller = dyn_cast<LLVM::LLVMFuncOp>(call->getParentOp());
  if (caller && caller->getParentOp() == module)
    return success();
  return call.emitOpError("allocates memory, but is not directly in a function of the module");
}

static LogicalResult checkAllocation(LLVM::CallOp call) {
  if (call.getArgOperands().size() == 1 && call.getArgOperands()[0].getType().isInteger(64) &&
      call.getNumResults() == 1 && isa<LLVM::LLVMPointerType>(call.getResult().getType()))
    return success();
  return call.emitOpError("expected malloc to take an i64 and return a pointer");
}

/// Find the functions that call `malloc`, and their callers.
static FailureOr<Functions> findAllocating(ModuleOp module) {
  Functions found;
  auto addCaller = [&](LLVM::CallOp call) {
    if (failed(checkCaller(module, call)))
      return failure();
    found.insert(cast<LLVM::LLVMFuncOp>(call->getParentOp()));
    return success();
  };
  for (LLVM::CallOp call : callsOf(module, "malloc"))
    if (failed(checkAllocation(call)) || failed(addCaller(call)))
      return failure();
  for (size_t i = 0; i < found.size(); ++i)
    for (LLVM::CallOp call : callsOf(module, LLVM::LLVMFuncOp(found[i]).getName()))
      if (failed(addCaller(call)))
        return failure();
  return found;
}

/// Check that bodies of parallel loops do not allocate: the runtime calls them.
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

/// Return zeros from the function after `op` if `condition` holds.
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

static void replaceAllocation(RewriterBase &rewriter, LLVM::CallOp call) {
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
    FailureOr<Functions> allocating = findAllocating(module);
    if (failed(allocating) || failed(checkParallel(module, *allocating)))
      return signalPassFailure();
    if (allocating->empty())
      return;
    IRRewriter rewriter(&getContext());
    Type pointer = LLVM::LLVMPointerType::get(&getContext()), none = LLVM::LLVMVoidType::get(&getContext());
    auto declare = [&](StringRef name, ArrayRef<Type> arguments, Type result) {
      return LLVM::lookupOrCreateFn(rewriter, module, name, arguments, result);
    };
    FailureOr<LLVM::LLVMFuncOp> isOut = declare("mla_out_of_memory", {}, rewriter.getI32Type());
    if (failed(isOut) || failed(declare("mla_allocate", rewriter.getI64Type(), pointer)) ||
        failed(declare("mla_release", pointer, none)))
      return signalPassFailure();
    for (LLVM::LLVMFuncOp function : *allocating)
      for (LLVM::CallOp call : callsOf(module, function.getName()))
        checkCall(rewriter, call, *isOut);
    for (LLVM::CallOp call : callsOf(module, "malloc"))
      replaceAllocation(rewriter, call);
    for (LLVM::CallOp call : callsOf(module, "free"))
      call.setCallee("mla_release");
    for (StringRef name : {"malloc", "free"})
      if (auto unused = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
        if (SymbolTable::symbolKnownUseEmpty(unused, module))
          unused.erase();
  }
};

} // namespace
