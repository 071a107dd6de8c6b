//===- AdapterConfig.h - adapter_config.json of PEFT ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_ADAPTERCONFIG_H
#define MLA_LIB_IMPORT_ADAPTERCONFIG_H

#include "ModulePattern.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace mla::importer {

/// target_modules or exclude_modules: a list of names or suffixes of names, or a pattern that matches whole names.
struct ModuleNames {
  std::vector<std::string> ends;
  std::optional<ModulePattern> pattern;
  bool isSaid = false; ///< False if the key is missing, `all-linear`, or an unsupported pattern.

  bool match(llvm::StringRef module) const;
};

/// The config of a LoRA adapter whose updates can all be merged. Modules have the model's names:
/// "model.layers.0.self_attn.q_b_proj".
struct AdapterConfig {
  int64_t rank = 0;
  double alpha = 0.0;
  bool dividesByRoot = false; ///< use_rslora
  /// rank_pattern and alpha_pattern: overrides for the modules that match.
  std::vector<std::pair<ModulePattern, double>> ranks, alphas;
  ModuleNames targets, excluded;
  std::vector<int64_t> layers; ///< layers_to_transform; empty: all
  std::vector<std::string> savedModules;
  bool trainsBiases = false;
  std::string where; ///< Prefix of errors about the config.

  /// Return whether the module has an update, or std::nullopt if the config does not determine it.
  std::optional<bool> hasUpdate(llvm::StringRef module) const;
  /// Return whether the module is saved whole, by itself or as part of another one.
  bool savesWhole(llvm::StringRef module) const;
  /// Return the rank of a module's update. Two patterns that give a module different ranks are an error, since JSON
  /// objects are unordered.
  llvm::Expected<int64_t> rankOf(llvm::StringRef module) const;
  /// Return lora_alpha / r, or lora_alpha / sqrt(r).
  llvm::Expected<double> scaleOf(llvm::StringRef module) const;
};

/// Parse adapter_config.json. `where` (its path) is the prefix of errors. Reject configs whose updates are not products
/// of two matrices, or that change the weights to which the updates are added.
llvm::Expected<AdapterConfig> parseAdapterConfig(llvm::StringRef json, llvm::StringRef where);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_ADAPTERCONFIG_H
