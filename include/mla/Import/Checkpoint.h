//===- Checkpoint.h - Sources of weights ------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A checkpoint is a .safetensors file, a directory of such files with an index,
// or a generator of weights. Tensors are memory-mapped (or generated) on demand:
// compiling one layer of a large model reads only that layer.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_IMPORT_CHECKPOINT_H
#define MLA_IMPORT_CHECKPOINT_H

#include "mla/Import/Config.h"
#include "mla/safetensors.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <memory>

namespace mla::importer {

/// A tensor whose elements are in memory while this exists.
using TensorHandle = std::shared_ptr<const SafetensorsTensor>;

/// A checkpoint. Its tensors live as long as it does. Any number of threads may use one checkpoint.
class Checkpoint {
public:
  virtual ~Checkpoint();

  /// Return the prefix of errors about the checkpoint: its path.
  llvm::StringRef where() const { return path; }
  /// Return the text of the checkpoint's config, if any, and the prefix of errors about that text.
  const std::optional<std::string> &configJson() const { return config; }
  llvm::StringRef configWhere() const { return configPath; }
  /// Return the prefix that the file has instead of "model." before "layers.K.".
  llvm::StringRef prefixOfLayers() const { return prefix; }
  /// Return whether modules of layers have the names of the model's family in the file, and the usual ones here.
  bool hasOwnNames() const { return ownNames; }

  /// Return whether no other tensors can be found.
  virtual bool hasOnlyAttentions() const { return false; }
  /// Return whether a tensor of that name is listed.
  virtual bool contains(llvm::StringRef name) const = 0;
  /// Call `callback` with every listed name, in unspecified order.
  virtual void forEachName(llvm::function_ref<void(llvm::StringRef)> callback) const = 0;
  /// Return the tensor. If it is missing, the error lists similar tensors of the checkpoint. The elements of one that
  /// has no data must be read.
  virtual llvm::Expected<const SafetensorsTensor *> find(llvm::StringRef name) = 0;
  /// Return the tensor with its elements. Those stored in a packed form are computed, and freed with the last handle.
  virtual llvm::Expected<TensorHandle> read(llvm::StringRef name);
  /// Return the packed form in which the tensor is stored: "AWQ int4"; "" if it is stored as it is.
  virtual std::string formOf(llvm::StringRef name) { return ""; }

protected:
  explicit Checkpoint(std::string path) : path(std::move(path)) {}
  /// Return the error for a tensor that is not listed, with the names next to which it should be.
  llvm::Error missing(llvm::StringRef name) const;

  std::string path, configPath, prefix = "model.";
  std::optional<std::string> config;
  bool ownNames = false;
};

/// Open FILE.safetensors (whose metadata key `config` may hold the config), a GGUF file (whose metadata has the config)
/// or one of several, or a directory with config.json and either model.safetensors.index.json or one .safetensors file,
/// or those of Mistral's own format: params.json and consolidated.safetensors.index.json or consolidated.safetensors.
llvm::Expected<std::unique_ptr<Checkpoint>> openCheckpoint(llvm::StringRef path);

/// Return a view of a checkpoint that contains the language model, or only its decoder, in which "PREFIX" of layers of
/// latent attention "PREFIX.layers.K." is "model.", also of what else it names, and "lm_head." is beside. An error if
/// several prefixes have some. Return the checkpoint unchanged if none has, or if "model." is among them.
llvm::Expected<std::unique_ptr<Checkpoint>> nameLayersAsUsual(std::unique_ptr<Checkpoint> checkpoint);

/// The same for a checkpoint that belongs to a model whose layers are named `base` + "layers.K.". It may have none of
/// the projections specific to latent attention; then the names of its other tensors decide, if they belong to the
/// model or to a language model. Also an error if it has "layers.K." and "model.layers.K.".
llvm::Expected<std::unique_ptr<Checkpoint>> nameLayersAsUsual(std::unique_ptr<Checkpoint> checkpoint,
                                                              llvm::StringRef base);

/// Return a view of the checkpoint of a model with several attentions per layer as one with one attention per layer:
/// "model.layers.K.self_attn." names "model.layers.(K / N).self_attn.(K mod N).". Unchanged if N is 1.
std::unique_ptr<Checkpoint> numberAttentions(std::unique_ptr<Checkpoint> checkpoint, int64_t attentionsPerLayer);

/// Return a view of a checkpoint or an adapter of this family in which modules of layers have the usual names,
/// "self_attn.o_proj" for "attention.dense" of Ling. Unchanged if the family has the usual ones, or this checkpoint. An
/// error if some modules have the ones and some the others.
llvm::Expected<std::unique_ptr<Checkpoint>> nameModulesAsUsual(std::unique_ptr<Checkpoint> checkpoint,
                                                               llvm::StringRef modelType);

/// Return the name of an attention's tensor or module in the checkpoint of a model with this many attentions per
/// layer: "model.layers.1.self_attn.1.kv_b_proj" for "model.layers.3.self_attn.kv_b_proj", with two.
std::string nameInCheckpoint(llvm::StringRef name, int64_t attentionsPerLayer);

/// Return a view of a checkpoint in which the matrices of `config` that are stored in a packed form (AWQ, GPTQ,
/// compressed-tensors, NVFP4, MXFP4) are matrices in F32, and the tensors that they are computed from are hidden.
std::unique_ptr<Checkpoint> unpackWeights(std::unique_ptr<Checkpoint> checkpoint, const AttentionConfig &config);

/// Generate weights instead of reading them: normal with standard deviation 1/sqrt(columns), norms near 1, in e4m3
/// with scales if the config is quantized, else in bf16 or f32 as in the config. An element depends only on the seed,
/// the tensor's name and the element's index, and is the same on every machine.
std::unique_ptr<Checkpoint> makeSyntheticCheckpoint(const AttentionConfig &config, uint64_t seed = 0);

} // namespace mla::importer

#endif // MLA_IMPORT_CHECKPOINT_H
