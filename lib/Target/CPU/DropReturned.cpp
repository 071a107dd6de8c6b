//===- DropReturned.cpp - Drop results that are arguments -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Transforms/Prepare.h"
#include "mla/Target/CPU/Passes.h"

#include "llvm/ADT/SmallPtrSet.h"

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

/// Return whether a result may be dropped. The first one of an entry is an array of the runtime's caller, to which an
/// argument is copied.
static bool isDroppable(func::FuncOp function, unsigned result, Value value) {
  return isCallersBuffer(function, value) && !(result == 0 && mla::isEntry(function));
}

/// The calls of a function, or nothing if it is referred to in another way.
static std::optional<SmallVector<func::CallOp>> callsOf(func::FuncOp function, ModuleOp module) {
  std::optional<SymbolTable::UseRange> uses = function.getSymbolUses(module);
  if (!uses)
    return std::nullopt;
  SmallVector<func::CallOp> calls;
  for (SymbolTable::SymbolUse use : *uses) {
    auto call = dyn_cast<func::CallOp>(use.getUser());
    if (!call)
      return std::nullopt;
    calls.push_back(call);
  }
  return calls;
}

/// Whether the results to be dropped come from these calls alone, each from the next. Only unreachable blocks and graph
/// regions have such values.
static bool dependsOnItself(func::CallOp call, const llvm::BitVector &dropped, ArrayRef<unsigned> arguments) {
  for (unsigned i : dropped.set_bits()) {
    llvm::SmallPtrSet<void *, 8> seen;
    Value value = call.getResult(i);
    while (auto result = dyn_cast<OpResult>(value)) {
      auto definition = dyn_cast<func::CallOp>(result.getOwner());
      if (!definition || definition.getCallee() != call.getCallee() || !dropped[result.getResultNumber()])
        break;
      if (!seen.insert(value.getAsOpaquePointer()).second)
        return true;
      value = definition.getOperand(arguments[result.getResultNumber()]);
    }
  }
  return false;
}

/// Replaces a call by one of a function without the dropped results, which are arguments of these numbers.
static void updateCall(func::CallOp call, const llvm::BitVector &dropped, ArrayRef<unsigned> arguments) {
  OpBuilder builder(call);
  SmallVector<Type> types;
  for (auto [i, type] : llvm::enumerate(call.getResultTypes()))
    if (!dropped[i])
      types.push_back(type);
  auto updated = func::CallOp::create(builder, call.getLoc(), call.getCallee(), types, call.getOperands());
  updated->setDiscardableAttrs(call->getDiscardableAttrDictionary());
  unsigned next = 0;
  for (auto [i, result] : llvm::enumerate(call.getResults()))
    result.replaceAllUsesWith(dropped[i] ? call.getOperand(arguments[i]) : updated.getResult(next++));
  call.erase();
}

/// Drops the results of one function; returns whether there were any.
static FailureOr<bool> dropResults(func::FuncOp function, ModuleOp module) {
  if (function.isExternal() || !function.getBody().hasOneBlock())
    return false;
  auto terminator = cast<func::ReturnOp>(function.front().getTerminator());
  llvm::BitVector dropped(terminator.getNumOperands());
  SmallVector<unsigned> arguments(terminator.getNumOperands());
  for (auto [i, value] : llvm::enumerate(terminator.getOperands()))
    if (isDroppable(function, i, value)) {
      dropped[i] = true;
      arguments[i] = cast<BlockArgument>(value).getArgNumber();
    }
  if (dropped.none())
    return false;
  std::optional<SmallVector<func::CallOp>> calls = callsOf(function, module);
  if (!calls || llvm::any_of(*calls, [&](func::CallOp call) { return dependsOnItself(call, dropped, arguments); }))
    return false;
  terminator->eraseOperands(dropped);
  if (failed(function.eraseResults(dropped)))
    return failure();
  for (func::CallOp call : *calls)
    updateCall(call, dropped, arguments);
  return true;
}

namespace {

struct MLACPUDropReturnedPass : mla::impl::MLACPUDropReturnedBase<MLACPUDropReturnedPass> {
  void runOnOperation() override {
    // A caller may then return its own argument.
    for (bool changed = true; changed;) {
      changed = false;
      for (auto function : getOperation().getOps<func::FuncOp>()) {
        FailureOr<bool> dropped = dropResults(function, getOperation());
        if (failed(dropped))
          return signalPassFailure();
        changed |= *dropped;
      }
    }
  }
};

} // namespace
