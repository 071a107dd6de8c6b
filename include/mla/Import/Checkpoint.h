//===- Checkpoint.h - Where weights come from -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A checkpoint is a .safetensors file, a directory of such files with an index,
// or a maker of weights where there is no file. Tensors are memory-mapped (or
// made) when they are asked for: compiling one layer of a large model reads that
// layer and nothing else.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_IMPORT_CHECKPOINT_H
#define MLA_IMPORT_CHECKPOINT_H

#include "mla/Import/Config.h"
#include "mla/safetensors.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <memory>

namespace mla::importer {

/// Its tensors are valid as long as it is. Any number of threads may use one checkpoint.
class Checkpoint {
public:
  virtual ~Checkpoint();

  /// What begins the errors about the checkpoint: its path.
  llvm::StringRef where() const { return path; }
  /// The text of the config that came with the checkpoint, if one did, and what begins the errors about that text.
  const std::optional<std::string> &configJson() const { return config; }
  llvm::StringRef configWhere() const { return configPath; }
  /// What its file has in place of "model." in front of "layers.K.".
  llvm::StringRef prefixOfLayers() const { return prefix; }

  /// Whether a tensor of that name is listed.
  virtual bool contains(llvm::StringRef name) const = 0;
  /// Calls back with every name listed, in no order.
  virtual void forEachName(llvm::function_ref<void(llvm::StringRef)> callback) const = 0;
  /// The tensor. That it is missing is an error, which tells what the checkpoint has instead.
  virtual llvm::Expected<const SafetensorsTensor *> find(llvm::StringRef name) = 0;

protected:
  explicit Checkpoint(std::string path) : path(std::move(path)) {}
  /// The error of a tensor that is not listed: the names beside which it should be.
  llvm::Error missing(llvm::StringRef name) const;

  std::string path, configPath, prefix = "model.";
  std::optional<std::string> config;
};

/// Opens FILE.safetensors (whose metadata key `config` may hold the config), or a directory with config.json and either
/// model.safetensors.index.json or one .safetensors file.
llvm::Expected<std::unique_ptr<Checkpoint>> openCheckpoint(llvm::StringRef path);

/// The checkpoint of a model that holds the language model, or is its decoder alone: layers of latent attention that
/// are called "PREFIX.layers.K." there are "model.layers.K.". An error where several prefixes have some; as it is where
/// none has, or "model." is among them.
llvm::Expected<std::unique_ptr<Checkpoint>> nameLayersAsUsual(std::unique_ptr<Checkpoint> checkpoint);

/// The same of what belongs to a model whose layers are called `base` + "layers.K.". It may have nothing of the
/// projections that only latent attention has; then names of its others count that are of the model, or of a language
/// model.
llvm::Expected<std::unique_ptr<Checkpoint>> nameLayersAsUsual(std::unique_ptr<Checkpoint> checkpoint,
                                                              llvm::StringRef base);

/// The checkpoint of a model with several attentions per layer as one with an attention a layer:
/// "model.layers.K.self_attn." is what is called "model.layers.(K / N).self_attn.(K mod N)." there. As it is, where N
/// is 1.
std::unique_ptr<Checkpoint> numberAttentions(std::unique_ptr<Checkpoint> checkpoint, int64_t attentionsPerLayer);

/// What the checkpoint of a model with so many attentions per layer calls a tensor or a module of an attention:
/// "model.layers.3.self_attn.kv_b_proj" as "model.layers.1.self_attn.1.kv_b_proj", for two.
std::string nameInCheckpoint(llvm::StringRef name, int64_t attentionsPerLayer);

/// Makes weights instead of reading them: normal with standard deviation 1/sqrt(columns), norms near 1, in e4m3 with
/// scales where the config is quantised, else in bf16 or f32 as the config says. An element depends on the seed, the
/// tensor's name and the element's index alone, and is the same on every machine.
std::unique_ptr<Checkpoint> makeSyntheticCheckpoint(const AttentionConfig &config, uint64_t seed = 0);

} // namespace mla::importer

#endif // MLA_IMPORT_CHECKPOINT_H
