//===- Adapter.h - A LoRA adapter of the weights ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An adapter as PEFT saves it: a directory with adapter_config.json and
// adapter_model.safetensors. For a module it holds two tensors,
//
//     base_model.model.MODULE.lora_A.weight  [r, in]
//     base_model.model.MODULE.lora_B.weight  [out, r]
//
// and the module's weight W [out, in] becomes W + c B A, where c is
// lora_alpha / r (Hu et al., arXiv:2106.09685, section 4.1), or with use_rslora
// lora_alpha / sqrt(r) (Kalajdzievski, arXiv:2312.03732).
//
//===----------------------------------------------------------------------===//

#ifndef MLA_IMPORT_ADAPTER_H
#define MLA_IMPORT_ADAPTER_H

#include "mla/Import/WeightSpec.h"

#include "llvm/ADT/StringSet.h"

namespace mla::importer {

struct AdapterConfig;

/// An adapter of a model's attentions. Any number of threads may use it.
class Adapter {
public:
  /// Open a directory. Reject by name an adapter of another kind or with more than products of two matrices (DoRA,
  /// trained biases). `prefix` is that of the checkpoint's layers. Modules have the family's own names (Ling's
  /// attention.dense, Mistral's attention.wq_a) or the usual ones, in the tensors and in the config alike; reject an
  /// adapter with some of both.
  static llvm::Expected<Adapter> open(llvm::StringRef directory, const AttentionConfig &config,
                                      llvm::StringRef prefix = "model.");
  Adapter(Adapter &&);
  ~Adapter();

  /// Set the updates of `weights`, those of the first of `layers`. The layers share their code, so that their updates
  /// must have the same ranks, scales and element types. Reject an update with a missing half, a value that is not
  /// finite or a shape that does not match rank and weight, other tensors of these attentions, and an
  /// adapter without updates for them.
  llvm::Error apply(llvm::ArrayRef<int64_t> layers, std::vector<WeightSpec> &weights) const;

  /// Return the updates of a layer's weights, in the order of `expectedWeights`. Reject what `apply` rejects.
  llvm::Expected<std::vector<std::optional<WeightUpdate>>> findUpdates(int64_t layer) const;
  /// Find a tensor of an update.
  llvm::Expected<const SafetensorsTensor *> findTensor(llvm::StringRef name) const { return tensors->find(name); }
  /// Return the error for an adapter that updates no layer of a compilation, of which `layer` is the first.
  llvm::Error makeUnused(int64_t layer) const;

  /// Describe the updates: "DIR: merged into q_b_proj, o_proj (rank 8, scale 2, F32); 36 other tensors are left out".
  std::string summary(llvm::ArrayRef<int64_t> layers, llvm::ArrayRef<WeightSpec> weights) const;

  /// Return the checkpoint with the adapter's tensors added, under the names of updates.
  static std::unique_ptr<Checkpoint> addTo(std::unique_ptr<Checkpoint> checkpoint, Adapter adapter);

private:
  Adapter(llvm::StringRef directory, AttentionConfig attention, AdapterConfig config,
          std::unique_ptr<Checkpoint> tensors);
  std::string nameInAdapter(llvm::StringRef name) const;
  llvm::Error checkAnnounced(llvm::StringRef module, bool hasTensors) const;
  llvm::Expected<std::optional<WeightUpdate>> findUpdate(const ExpectedWeight &weight) const;
  llvm::Error checkNothingElse(int64_t layer, const llvm::StringSet<> &known) const;

  std::string directory;
  AttentionConfig attention;
  std::unique_ptr<AdapterConfig> config;
  std::unique_ptr<Checkpoint> tensors; ///< Named as the checkpoint's: "model.layers.0.self_attn.….lora_A.weight".
};

/// Return a checkpoint with the tensors of another one, which stand in front of its own.
std::unique_ptr<Checkpoint> addTensors(std::unique_ptr<Checkpoint> checkpoint, std::unique_ptr<Checkpoint> added);

} // namespace mla::importer

#endif // MLA_IMPORT_ADAPTER_H
