//===- FindStage.cpp - Find the stage of a module -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Pipeline/FindStage.h"
#include "CollectDiagnostics.h"
#include "mla/Dialect/MLA/IR/Bindings.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mla;

namespace {
/// The first operation of each kind that distinguishes stages; null if there is none.
struct Marks {
  Operation *function = nullptr, *llvmFunction = nullptr; // of the module itself
  Operation *launches = nullptr;                          // or code for a GPU
  Operation *kernel = nullptr, *mla = nullptr, *panels = nullptr, *prepare = nullptr, *regime = nullptr;
  Operation *unplanned = nullptr; // a function of a phase without a regime
  bool hasPlan = false;

  explicit Marks(ModuleOp module);
  void add(Operation *op);
  void addFunction(func::FuncOp function);
};
} // namespace

static void note(Operation *&mark, Operation *op) { mark = mark ? mark : op; }

void Marks::addFunction(func::FuncOp op) {
  note(function, op);
  if (isPrepare(op))
    return note(prepare, op);
  if (op->hasAttr(kRegimeAttr))
    note(regime, op);
  else if (op->hasAttr(kPhaseAttr) && !isCore(op))
    note(unplanned, op);
}

void Marks::add(Operation *op) {
  if (auto functionOp = dyn_cast<func::FuncOp>(op))
    return addFunction(functionOp);
  if (isa<LLVM::LLVMFuncOp>(op))
    return note(llvmFunction, op);
  if (isa<LaunchesOp, mlir::gpu::GPUModuleOp>(op))
    return note(launches, op);
  if (isa<KernelOp>(op))
    note(kernel, op);
  if (auto project = dyn_cast<ProjectOp>(op); project && project.getPanels())
    note(panels, op);
  if (isa_and_present<MLADialect>(op->getDialect()))
    note(mla, op);
}

Marks::Marks(ModuleOp module) : hasPlan(module->hasAttr(kPlanAttr)) {
  module.walk<WalkOrder::PreOrder>([&](Operation *op) {
    add(op);
    // Nested operations belong to a later stage than the module.
    return isa<LaunchesOp, mlir::gpu::GPUModuleOp>(op) ? WalkResult::skip() : WalkResult::advance();
  });
}

static std::string nameOf(Operation *op) {
  auto symbol = op->getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
  return op->getName().getStringRef().str() + (symbol ? " @" + symbol.str() : "");
}

/// Return the error that `op` belongs to a different stage than `first`.
static llvm::Error mixed(Operation *op, Operation *first) {
  return makeError(describeLocation(op->getLoc()) + nameOf(op) + " is of another stage than " + nameOf(first) +
                   "; lower the whole module to one stage");
}

static llvm::Error checkNotMixed(const Marks &marks) {
  for (auto [one, other] : {std::pair(marks.launches, marks.function), std::pair(marks.launches, marks.llvmFunction),
                            std::pair(marks.llvmFunction, marks.function), std::pair(marks.kernel, marks.panels),
                            std::pair(marks.regime, marks.unplanned)})
    if (one && other)
      return mixed(other, one);
  return llvm::Error::success();
}

llvm::Expected<Stage> mla::findStage(ModuleOp module) {
  Marks marks(module);
  if (llvm::Error error = checkNotMixed(marks))
    return error;
  if (marks.launches)
    return Stage::NVVM;
  if (marks.llvmFunction)
    return Stage::LLVM;
  if (!marks.function)
    return makeError(describeLocation(module.getLoc()) + "the module contains no function; give the output of --emit");
  if (!marks.mla)
    return Stage::Linalg;
  if (marks.kernel)
    return Stage::Kernels;
  if (marks.panels)
    return Stage::Layout;
  if (marks.prepare)
    return Stage::Fold;
  if (marks.regime)
    return Stage::Absorb;
  return marks.hasPlan ? Stage::Plan : Stage::Import;
}

bool mla::mayGoOnFrom(Stage from, Stage found) {
  if (from == found)
    return true;
  // The layout stage does not change weights without panels.
  return found <= Stage::Fold && (from <= Stage::Fold || from == Stage::Layout);
}
