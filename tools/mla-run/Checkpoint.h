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

/// The files of a model's weights, and its config.
class Checkpoint {
public:
  /// Open a file, or a directory in the layout of Hugging Face or of Mistral's own format: with an index, with
  /// model.safetensors or consolidated.safetensors, or with one file.
  static Result<Checkpoint> open(const std::string &path);

  const std::string &path() const { return where; }
  /// Return the config that came with the weights, or null; `configPath` is its path.
  const json::Value *config() const { return parsedConfig ? &*parsedConfig : nullptr; }
  const std::string &configPath() const { return configWhere; }
  /// Return the path of a file that the index names and that is not there, or "".
  const std::string &absentFile() const { return absent; }
  const SafetensorsTensor *find(const std::string &name) const;
  /// Return the prefix of the tensor whose name ends with `suffix`, such as "layers.0.self_attn.o_proj.weight".
  std::optional<std::string> prefixOf(const std::string &suffix) const;

private:
  std::string where, configWhere, absent;
  std::vector<SafetensorsFile> files;
  std::optional<json::Value> parsedConfig;

  Error openFile(const std::string &path);
  Error openDirectory();
  Error readConfig();
};

/// Return whether the file begins like a GGUF file, or the directory has only such weights. They are not read.
bool isGGUF(const std::string &path);

/// Parse the JSON of a file.
Result<json::Value> readJson(const std::string &path);

} // namespace mla::run

#endif // MLA_RUN_CHECKPOINT_H
