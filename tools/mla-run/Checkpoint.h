//===- Checkpoint.h - A model's checkpoint ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_CHECKPOINT_H
#define MLA_RUN_CHECKPOINT_H

#include "Json.h"

#include "mla/safetensors.h"

namespace mla::run {

/// The files that hold a model's weights, and its config.
class Checkpoint {
public:
  /// `path` is a file, or a directory as Hugging Face has them: with an index, with model.safetensors, or with one
  /// file.
  static Result<Checkpoint> open(const std::string &path);

  const std::string &path() const { return where; }
  /// Null where none came with the weights; `configPath` says where it stands.
  const json::Value *config() const { return parsedConfig ? &*parsedConfig : nullptr; }
  const std::string &configPath() const { return configWhere; }
  const SafetensorsTensor *find(const std::string &name) const;
  /// What the names of a tensor begin with that ends in `suffix`, such as "layers.0.self_attn.o_proj.weight".
  std::optional<std::string> prefixOf(const std::string &suffix) const;

private:
  std::string where, configWhere;
  std::vector<SafetensorsFile> files;
  std::optional<json::Value> parsedConfig;

  Error openFile(const std::string &path);
  Error openDirectory();
  Error readConfig();
};

/// Parses the JSON of a file.
Result<json::Value> readJson(const std::string &path);

} // namespace mla::run

#endif // MLA_RUN_CHECKPOINT_H
