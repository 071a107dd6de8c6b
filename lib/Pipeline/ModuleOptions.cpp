//===- ModuleOptions.cpp - Options determined by a module -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModuleOptions.h"
#include "mla/Dialect/MLA/Analysis/ScaledWeight.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mla;
using llvm::StringRef;
using llvm::Twine;

/// Return the target that a module was compiled for; empty: none yet.
static std::string decidedTarget(ModuleOp module, Stage stage) {
  if (stage >= Stage::Layout && stage <= Stage::LLVM)
    return "cpu";
  TargetInfo stated;
  stated.update(module);
  if (!stated.name.empty() || stage < Stage::Kernels)
    return stated.name;
  const KernelTarget *first = KernelTarget::findFor(module);
  return first ? first->getInfo().name : "";
}

static llvm::Error settleTarget(ModuleOp module, Stage stage, CompileOptions &options) {
  std::string decided = decidedTarget(module, stage);
  if (options.target.empty())
    options.target = decided.empty() ? "cpu" : decided;
  if (decided.empty() || options.target == decided)
    return llvm::Error::success();
  return makeError("--target: " + options.module + " is at stage " + nameOf(stage) + " for " + decided +
                   "; leave --target out, or continue from an earlier stage");
}

/// Return the element type of the hidden states of a module that was not imported.
static DType elementsOf(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    for (Type type : function.getArgumentTypes())
      if (isa<TensorType>(type) && isa<FloatType>(getElementTypeOrSelf(type)))
        return getElementTypeOrSelf(type).isBF16() ? DType::BF16 : DType::F32;
  return DType::F32;
}

static void settleModel(ModuleOp module, CompileOptions &options) {
  auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
  if (!model) {
    options.dtype = elementsOf(module);
    return;
  }
  auto dtype = model.getAs<StringAttr>("dtype");
  options.dtype = dtype ? dtype.getValue() == "bf16" ? DType::BF16 : DType::F32 : elementsOf(module);
  auto cache = model.getAs<DictionaryAttr>("cache");
  if (auto format = cache ? cache.getAs<StringAttr>("format") : StringAttr())
    if (std::optional<CacheFormat> known = symbolizeCacheFormat(format))
      options.cacheFormat = static_cast<schema::CacheFormat>(*known);
  if (auto scale = cache ? cache.getAs<FloatAttr>("scale") : FloatAttr())
    options.cacheScale = scale.getValueAsDouble();
  options.tokenTerms = findTokenTerms(module);
  if (auto scope = model.getAs<StringAttr>("scope"))
    options.scope = scope.getValue() == "model" ? Scope::Model : Scope::Layer;
  for (auto [key, option, least] :
       {std::tuple("page", &options.page, 1), std::tuple("tensor_parallel", &options.tensorParallel, 1),
        std::tuple("rank", &options.rank, 0)})
    if (auto value = model.getAs<IntegerAttr>(key);
        value && value.getType().isSignlessInteger(64) && value.getInt() >= least)
      *option = value.getInt();
}

/// Reject options of stages that the module has passed, since they would be ignored.
static llvm::Error checkStillToDo(Stage stage, const CompileOptions &options) {
  for (auto [asked, option, needs, what] :
       {std::tuple(options.plan != "auto", "--plan", Stage::Plan, "has its plan"),
        std::tuple(!options.device.empty(), "--device", Stage::Plan, "has its plan"),
        std::tuple(!options.coreMask.empty(), "--core-mask", Stage::Kernels, "has its cores"),
        std::tuple(options.coreSinks, "--core-sinks", Stage::Kernels, "has its cores"),
        std::tuple(options.batchInvariant, "--batch-invariant", Stage::Kernels, "has its schedules"),
        std::tuple(!options.schedules.empty(), "--schedule", Stage::Kernels, "has its schedules")})
    if (asked && stage >= needs)
      return makeError(Twine(option) + ": " + options.module + " is at stage " + nameOf(stage) + " and " + what +
                       "; edit it there, or continue from an earlier stage");
  return llvm::Error::success();
}

llvm::Error mla::settleOptions(ModuleOp module, Stage stage, CompileOptions &options) {
  if (llvm::Error error = settleTarget(module, stage, options))
    return error;
  settleModel(module, options);
  return checkStillToDo(stage, options);
}
