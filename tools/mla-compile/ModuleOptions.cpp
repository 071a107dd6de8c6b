//===- ModuleOptions.cpp - Options with a .mlir ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "llvm/Support/CommandLine.h"

using namespace mla;
using llvm::StringRef;

static bool isGiven(StringRef option) {
  auto &options = llvm::cl::getRegisteredOptions();
  auto it = options.find(option);
  return it != options.end() && it->second->getNumOccurrences() > 0;
}

/// Reject a file that is not a module, most likely the weights or config.
static llvm::Error checkName(StringRef file) {
  if (file.ends_with(".safetensors") || file.ends_with(".json"))
    return usage(file + " is not a .mlir file; give it as " + (file.ends_with(".json") ? "--config" : "--weights"));
  return llvm::Error::success();
}

llvm::Error mla::checkModuleOptions(const CompileOptions &options) {
  if (llvm::Error error = checkName(options.module))
    return error;
  for (StringRef option : {"layers", "scope", "dtype", "page", "tp", "rank", "cache", "cache-dtype", "cache-scale"})
    if (isGiven(option))
      return usage("--" + option + " is determined by the module; leave it out, or import again with it");
  bool hasWeights = isGiven("weights") || isGiven("config");
  if (options.emit == Stage::Bundle)
    return hasWeights ? llvm::Error::success()
                      : usage("a bundle requires weights; give --weights, or --config for generated ones");
  for (StringRef option : {"weights", "config", "adapter", "unmerged"})
    if (isGiven(option))
      return usage("--" + option + " requires --emit=bundle; a module is printed without weights");
  return llvm::Error::success();
}
