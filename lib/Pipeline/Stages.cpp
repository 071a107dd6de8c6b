//===- Stages.cpp - Stages of the compiler --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Pipeline/Stages.h"
#include "CollectDiagnostics.h"
#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"
#include "mla/Target/CPU/Passes.h"
#include "mla/Target/PTX.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mla;
using llvm::Twine;

LogicalResult mla::runPasses(PassManager &pm, ModuleOp module, llvm::StringRef) { return pm.run(module); }

std::string mla::planDevice(const CompileOptions &options) {
  return options.device.empty() ? options.target : options.device;
}

static constexpr std::pair<llvm::StringRef, Stage> stageNames[] = {
    {"import", Stage::Import}, {"plan", Stage::Plan},     {"absorb", Stage::Absorb}, {"fold", Stage::Fold},
    {"layout", Stage::Layout}, {"linalg", Stage::Linalg}, {"llvm", Stage::LLVM},     {"kernels", Stage::Kernels},
    {"nvvm", Stage::NVVM},     {"ptx", Stage::PTX},       {"bundle", Stage::Bundle},
};

llvm::ArrayRef<std::pair<llvm::StringRef, Stage>> mla::stagesByName() { return stageNames; }

llvm::StringRef mla::nameOf(Stage stage) { return stageNames[static_cast<unsigned>(stage)].first; }

Stage mla::lastStage(const CompileOptions &options) {
  if (options.emit == Stage::Bundle)
    return options.isForGPU() ? Stage::Kernels : Stage::Layout;
  return std::min(options.emit, Stage::NVVM);
}

static bool belongsTo(Stage stage, const CompileOptions &options) {
  if (stage <= Stage::Fold)
    return true;
  return (stage >= Stage::Kernels) == options.isForGPU();
}

static MLAPlanOptions planOptions(const CompileOptions &options) {
  MLAPlanOptions plan;
  plan.plan = options.plan;
  plan.device = planDevice(options);
  plan.explain = options.verbose;
  if (!options.isForGPU())
    plan.target = "cpu";
  return plan;
}

/// Return the element type of prepared weights. The CPU has no products of e4m3: in f32, scaled weights are exact.
static std::string storageOf(const CompileOptions &options) {
  bool isExact = options.tokenTerms && !options.isForGPU();
  return options.dtype == DType::BF16 && !isExact ? "bf16" : "f32";
}

/// Add the passes that decide on products in e4m3 and make them.
static void addProducts(OpPassManager &pm, const CompileOptions &options) {
  if (!options.tokenTerms)
    return;
  pm.addPass(createMLAChooseProducts({options.isForGPU(), options.tokenTerms, options.verbose}));
  pm.addPass(createMLAQuantize({options.isForGPU()}));
}

static void addPasses(OpPassManager &pm, Stage stage, const CompileOptions &options) {
  switch (stage) {
  case Stage::Import:
    return;
  case Stage::Plan:
    return pm.addPass(createMLAPlan(planOptions(options)));
  case Stage::Absorb:
    if (options.isForGPU())
      pm.addPass(createMLAShareExperts());
    pm.addPass(createMLAAbsorb());
    return pm.addPass(createMLADivideTokens());
  case Stage::Fold:
    return pm.addPass(createMLAFold({storageOf(options)}));
  case Stage::Layout:
    addProducts(pm, options);
    return pm.addPass(createMLALayout());
  case Stage::Linalg:
    pm.addPass(createMLABindWeights());
    return buildLinalgPipeline(pm, levelOf(options));
  case Stage::LLVM:
    return buildCPUPipeline(pm, levelOf(options));
  case Stage::Kernels:
    pm.addPass(createMLAAttachTarget({options.target}));
    pm.addPass(createMLAAttentionCores({options.coreMask, options.coreSinks}));
    addProducts(pm, options);
    pm.addPass(createMLAHoistPositionScales());
    pm.addPass(createMLAJoinProjections());
    pm.addPass(createMLASortChoices());
    pm.addPass(createMLAGroupKernels());
    return pm.addPass(createMLAScheduleKernels({options.batchInvariant, options.schedules}));
  case Stage::NVVM:
    pm.addPass(createConvertMLAToGPU());
    return mla::gpu::buildNVVMPipeline(pm);
  case Stage::PTX:
  case Stage::Bundle:
    llvm_unreachable("expected a stage of a module");
  }
}

/// Remove the `@prepare` functions: they run at compile time and are not part of the layer's code.
static void dropPrepares(ModuleOp module) {
  for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (isPrepare(function))
      function.erase();
}

static llvm::Error runStage(ModuleOp module, Stage stage, const CompileOptions &options) {
  if (stage == Stage::Linalg || stage == Stage::NVVM)
    dropPrepares(module);
  CollectDiagnostics diagnostics(module.getContext());
  PassManager pm(module.getContext());
  addPasses(pm, stage, options);
  LogicalResult result = options.run(pm, module, nameOf(stage));
  if (!diagnostics.getRemarks().empty())
    options.progress("");
  for (const std::string &remark : diagnostics.getRemarks())
    llvm::errs() << remark;
  if (succeeded(result))
    return llvm::Error::success();
  std::string what = ("stage " + nameOf(stage) + ": " + diagnostics.takeErrors()).str();
  // Report what the GPU target does not support, with a workaround.
  if (stage >= Stage::Kernels)
    return makeError(what);
  if (!options.module.empty())
    return makeError(what + "; check " + options.module + ", or continue from the output of an earlier --emit");
  return makeError(what + "; this is a bug in mla-compile: please report it with the output of --emit=import");
}

llvm::Error mla::runStages(ModuleOp module, Stage from, Stage upTo, const CompileOptions &options) {
  for (int stage = static_cast<int>(from) + 1; stage <= static_cast<int>(upTo); ++stage) {
    if (!belongsTo(static_cast<Stage>(stage), options))
      continue;
    options.progress(nameOf(static_cast<Stage>(stage)));
    if (llvm::Error error = runStage(module, static_cast<Stage>(stage), options))
      return error;
  }
  return llvm::Error::success();
}
