//===- ModuleOptions.cpp - Options beside a .mlir -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "mla/Pipeline/Stages.h"

#include "llvm/Support/CommandLine.h"

using namespace mla;
using llvm::StringRef;

static bool isGiven(StringRef option) {
  auto &options = llvm::cl::getRegisteredOptions();
  auto it = options.find(option);
  return it != options.end() && it->second->getNumOccurrences() > 0;
}

/// What is no module, most likely the weights or config.
static llvm::Error checkName(StringRef file) {
  if (file.ends_with(".safetensors") || file.ends_with(".json"))
    return usage(file + " is no .mlir; give it as " + (file.ends_with(".json") ? "--config" : "--weights"));
  return llvm::Error::success();
}

llvm::Error mla::checkModuleOptions(const CompileOptions &options) {
  if (llvm::Error error = checkName(options.module))
    return error;
  for (StringRef option : {"layers", "dtype", "page", "tp", "rank", "cache", "cache-dtype"})
    if (isGiven(option))
      return usage("--" + option + " is decided by the module; leave it out, or import again with it");
  bool hasWeights = isGiven("weights") || isGiven("config");
  if (options.emit == Emit::Bundle)
    return hasWeights ? llvm::Error::success()
                      : usage("a bundle needs weights beside the module; give --weights, or --config for made ones");
  for (StringRef option : {"weights", "config", "adapter"})
    if (isGiven(option))
      return usage("--" + option + " belongs to a bundle; a module is printed without weights");
  return llvm::Error::success();
}

llvm::Error mla::chooseFrom(StringRef name, CompileOptions &options) {
  options.from = findStageNamed(name);
  return options.from ? llvm::Error::success()
                      : usage("--from must be import, plan, absorb, fold, layout, linalg, llvm, kernels or nvvm, is '" +
                              name + "'");
}
