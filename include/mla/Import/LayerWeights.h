//===- LayerWeights.h - The weights of one attention layer ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_IMPORT_LAYERWEIGHTS_H
#define MLA_IMPORT_LAYERWEIGHTS_H

#include "mla/Import/Checkpoint.h"
#include "mla/Import/Config.h"

#include "llvm/ADT/SmallVector.h"

#include <array>

namespace mla::importer {

/// The role of a weight in the layer. Matrices are stored [out, in]; heads are outermost in `out` of WUQ, WQ and WKVB
/// and in `in` of WO. A head's rows are: nope, rope (WUQ, WQ); k_nope, v (WKVB). WDKV's rows are: latent, rope.
enum class WeightRole {
  WDQ,     ///< q_a_proj             [I, D]
  QNorm,   ///< q_a_layernorm        [I]
  WUQ,     ///< q_b_proj             [H (P + R), I]
  WQ,      ///< q_proj               [H (P + R), D]   instead of the three above
  WDKV,    ///< kv_a_proj_with_mqa   [L + R, D]
  KVNorm,  ///< kv_a_layernorm       [L]
  WKVB,    ///< kv_b_proj            [H (P + V), L]
  WO,      ///< o_proj               [D, H V]
  WDQBias, ///< the biases, if attention_bias (q_proj and q_b_proj never have one)
  WDKVBias,
  WOBias,
  WKVBBias, ///< [H (P + V)], if the checkpoint also has it

  // Of some families' attentions.
  WQGate,    ///< q_gate_proj    [H (P + R + V), 2 I]   instead of q_b_proj; a head's rows are: nope, rope, gate
  WGate,     ///< g_proj         [H, D] or [H V, D]
  KRopeNorm, ///< k_rope_only_layernorm  [R]
  Sinks,     ///< sinks          [H]

  // Of a decoder layer around the attention; F is the width of the MLP.
  InputNorm,  ///< input_layernorm                 [D]
  PostNorm,   ///< post_attention_layernorm        [D]
  Gate,       ///< mlp.gate_proj                   [F, D]
  Up,         ///< mlp.up_proj                     [F, D]
  Down,       ///< mlp.down_proj                   [D, F]
  Router,     ///< mlp.gate                        [E, D]   instead of the three above, with those below
  Correction, ///< mlp.gate.e_score_correction_bias  [E]
  ExpertGate, ///< mlp.experts.0.gate_proj and so on, one of each per expert
  ExpertUp,
  ExpertDown,
  ExpertsGateUp, ///< mlp.experts.gate_up_proj     [E, 2 F, D]   all of them in one tensor
  ExpertsDown,   ///< mlp.experts.down_proj        [E, D, F]
  SharedGate,    ///< mlp.shared_experts.gate_proj and so on
  SharedUp,
  SharedDown,

  // Of the model's ends; V is the vocabulary. Their names do not depend on a layer.
  Embedding, ///< model.embed_tokens  [V, D]
  FinalNorm, ///< model.norm          [D]
  Head,      ///< lm_head             [V, D], unless the embedding is used
};

/// Return the part of the name after "model.layers.K.self_attn.", "q_a_proj.weight", or after "model.layers.K.",
/// "mlp.gate_proj.weight"; of an expert's weight after "model.layers.K.mlp.experts.N.".
llvm::StringRef checkpointSuffix(WeightRole role);

/// Return "model.layers.K.self_attn.".
std::string layerPrefix(int64_t layer);

/// Return "model.layers.K.".
std::string decoderPrefix(int64_t layer);

/// The scales of a matrix in e4m3: w[n, k] = element[n, k] * scale[n / block[0], k / block[1]].
struct WeightScale {
  std::string name;
  DType dtype = DType::F32;
  /// As stored; row-major, the elements are those of the grid of blocks.
  llvm::SmallVector<int64_t, 2> shape;
  std::array<int64_t, 2> block = {1, 1};
};

/// Return the number of blocks per dimension of a matrix.
llvm::SmallVector<int64_t, 2> blockGrid(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> block);

/// A required weight of a layer.
struct ExpectedWeight {
  WeightRole role;
  std::string name;
  llvm::SmallVector<int64_t, 2> shape;
  /// Of a weight in e4m3: as announced by the config, or as found in the checkpoint.
  std::optional<WeightScale> scale = std::nullopt;
};

/// Return the weights that every layer of the config has, for layer `layer`, in the order of WeightRole.
std::vector<ExpectedWeight> expectedWeights(const AttentionConfig &config, int64_t layer);

/// Return those around the attention, in the order of WeightRole, experts one after the other. Requires config.decoder.
std::vector<ExpectedWeight> decoderWeights(const AttentionConfig &config, int64_t layer);

/// Return the weights of the model's ends. Requires config.decoder.
std::vector<ExpectedWeight> endWeights(const AttentionConfig &config);

/// A weight found and checked. The tensors belong to the checkpoint.
struct LayerWeight {
  ExpectedWeight expected;
  const SafetensorsTensor *tensor = nullptr;
  const SafetensorsTensor *scale = nullptr; ///< Present if and only if the tensor is in e4m3.
};

/// Find a layer's weights, including a bias of kv_b_proj if there is one. Check that they exist, that their types and
/// shapes are the expected ones, and that the layer has no other tensors (a gate, a norm, a bias), which would mean
/// computation that the config does not mention. Does not read their data; see checkFinite.
llvm::Expected<std::vector<LayerWeight>> findLayerWeights(Checkpoint &checkpoint, const AttentionConfig &config,
                                                          int64_t layer);

/// Find the weights of the model's ends, and check their types and shapes. Check that the model has no other tensors,
/// except those of its layers and of layers that predict further tokens.
llvm::Expected<std::vector<LayerWeight>> findEndWeights(Checkpoint &checkpoint, const AttentionConfig &config);

/// Return a remark about the tensors of layers that predict further tokens, or "": the compiled model has none.
std::string furtherLayers(const Checkpoint &checkpoint, const AttentionConfig &config);

/// Return a remark about tensors of the compiled attentions or layers that are not used, or "": constant scales of
/// activations and of a quantized cache.
std::string unusedScales(const Checkpoint &checkpoint, const AttentionConfig &config, llvm::ArrayRef<int64_t> layers);

/// Reject a tensor of F32, F16, BF16 or F8_E4M3 that holds a NaN or an infinity, naming its index.
llvm::Error checkFinite(const SafetensorsTensor &tensor, llvm::StringRef where);

/// Call checkFinite for weights and scales. Scales must also be positive.
llvm::Error checkFinite(llvm::ArrayRef<LayerWeight> weights, llvm::StringRef where);

} // namespace mla::importer

#endif // MLA_IMPORT_LAYERWEIGHTS_H
