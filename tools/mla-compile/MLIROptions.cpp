//===- MLIROptions.cpp - MLIR's own options -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MLIROptions.h"
#include "mla/InitAll.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/CommandLine.h"

using namespace mla;

void mla::registerMLIROptions() {
  // --mlir-print-ir-after= accepts the names of registered passes.
  registerAllPasses();
  mlir::registerTransformsPasses();
  mlir::registerPassManagerCLOptions();
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
}

/// Return whether an option whose name starts with `prefix` is given.
static bool isGiven(llvm::StringRef prefix) {
  for (auto &[name, option] : llvm::cl::getRegisteredOptions())
    if (name.starts_with(prefix) && option->getNumOccurrences() > 0)
      return true;
  return false;
}

namespace {
/// One tree of times for all pass managers.
struct Timing {
  mlir::DefaultTimingManager manager;
  mlir::TimingScope root;

  Timing() {
    mlir::applyDefaultTimingManagerCLOptions(manager);
    root = manager.getRootScope();
  }
};
} // namespace

static llvm::LogicalResult run(mlir::PassManager &pm, mlir::ModuleOp module, llvm::StringRef what) {
  static Timing timing;
  // Disable multithreading: function passes would interleave their output, and print modules while they change.
  if (isGiven("mlir-print-ir") || isGiven("mlir-pass-pipeline-"))
    pm.getContext()->disableMultithreading();
  // Number the pass managers: timers are keyed by the addresses of passes, which another pass manager may reuse.
  static int number = 0;
  mlir::TimingScope scope = timing.root.nest((llvm::Twine(++number) + ". " + what).str());
  pm.enableTiming(scope);
  if (mlir::failed(mlir::applyPassManagerCLOptions(pm)))
    return llvm::failure();
  return pm.run(module);
}

void mla::applyMLIROptions(CompileOptions &options) {
  if (isGiven("mlir-"))
    options.run = run;
}
