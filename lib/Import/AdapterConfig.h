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

/// target_modules or exclude_modules: a list of names and their ends, or a pattern of whole names.
struct ModuleNames {
  std::vector<std::string> ends;
  std::optional<ModulePattern> pattern;
  bool isSaid = false; ///< Else nothing is known: the key is missing, `all-linear`, or a pattern that is not read.

  bool match(llvm::StringRef module) const;
};

/// A LoRA whose every update can be merged. Modules have the model's names: "model.layers.0.self_attn.q_b_proj".
struct AdapterConfig {
  int64_t rank = 0;
  double alpha = 0.0;
  bool dividesByRoot = false; ///< use_rslora
  /// rank_pattern and alpha_pattern: what modules that match have instead.
  std::vector<std::pair<ModulePattern, double>> ranks, alphas;
  ModuleNames targets, excluded;
  std::vector<int64_t> layers; ///< layers_to_transform; empty: all
  std::vector<std::string> savedModules;
  bool trainsBiases = false;
  std::string where; ///< What begins errors about it.

  /// Whether it says that the module has an update; nothing where it says neither.
  std::optional<bool> hasUpdate(llvm::StringRef module) const;
  /// Whether the module is saved whole, alone or in another one.
  bool savesWhole(llvm::StringRef module) const;
  /// Two patterns that say different numbers of a module are an error: JSON has no order to say which is first.
  llvm::Expected<int64_t> rankOf(llvm::StringRef module) const;
  /// lora_alpha / r, or lora_alpha / sqrt(r).
  llvm::Expected<double> scaleOf(llvm::StringRef module) const;
};

/// Parses adapter_config.json. `where` (its path) begins every error. What makes an update something else than a
/// product of two matrices, or changes the weights to which it is added, is refused.
llvm::Expected<AdapterConfig> parseAdapterConfig(llvm::StringRef json, llvm::StringRef where);

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_ADAPTERCONFIG_H
