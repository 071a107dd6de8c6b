//===- Families.h - Differences between MLA models --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All model names of the compiler are here.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_FAMILIES_H
#define MLA_LIB_IMPORT_FAMILIES_H

#include "FamilyKeys.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace mla::importer {

/// How a family's RoPE pairs columns.
enum class RopePairing {
  Interleaved, ///< Always (2i, 2i+1).
  HalfSplit,   ///< Always (i, i + R/2).
  Configured,  ///< As rope_interleave says; interleaved if it is missing.
};

/// Properties that only some families have. A family has a set of them.
enum Trait : unsigned {
  NoTrait = 0,
  /// v_head_dim may be missing or null; it is then hidden_size / num_attention_heads.
  VDimFromHidden = 1 << 0,
  /// head_dim is the size of the whole query head, so that partial_rotary_factor is R / (P + R); elsewhere it is 1.
  RotaryPartOfHead = 1 << 1,
  /// The query has a scale per position, llama_4_scaling_beta, and YaRN if the config has no RoPE parameters.
  PositionScaledQuery = 1 << 2,
  /// RoPE is always the default: YaRN would need a reference that shows what it computes.
  PlainRope = 1 << 3,
  /// A layer has two attentions, self_attn.0 and self_attn.1; num_layers is the number of layers.
  TwoAttentions = 1 << 4,
  /// A learned logit per head, sinks, joins the denominator of the softmax.
  Sinks = 1 << 5,
  /// The low-rank projection of the query is required.
  AlwaysLowRankQuery = 1 << 6,
  /// Taken from the model's source, but not confirmed by a golden file.
  Unconfirmed = 1 << 7,
  /// The output projection uses the embedding's weight unless tie_word_embeddings is false.
  TiedEmbeddings = 1 << 8,
  /// What attention and MLP add to the residual stream is multiplied by scale_depth / sqrt(num_hidden_layers), embedded
  /// tokens by scale_emb, and the last normed state by dim_model_base / hidden_size.
  DepthScaledResiduals = 1 << 9,
  /// The columns of qk_rope_head_dim are not rotated: all frequencies are 0.
  Unrotated = 1 << 10,
};

/// The names of a module of a layer: here, and in the family's checkpoints.
struct ModuleName {
  llvm::StringLiteral usual, own;
};

/// What a reader has to know of a family: a row of `mla-compile --list-families`.
struct FamilyNotes {
  llvm::StringLiteral models = "";    ///< Published models.
  llvm::StringLiteral differs = "";   ///< From DeepSeek-V3, with the fields that say so.
  llvm::StringLiteral limits = "";    ///< Where the compiled attention is not the model's; empty: nowhere.
  llvm::StringLiteral reference = ""; ///< What the family's numbers are compared with.
  llvm::StringLiteral golden = "";    ///< Golden files.
};

struct Family {
  llvm::StringLiteral modelType;
  RopePairing pairing;
  /// Epsilon of the norms of the two latents: the default of the family's RMSNorm class, or epsOfConfig.
  double latentNormEps;
  /// rope_theta if it is missing.
  double defaultTheta;
  unsigned traits;
  FamilyNotes notes;
  const FamilyKeys *keys = nullptr; ///< Of attention, beside those of DeepSeek-V3.
  llvm::ArrayRef<ModuleName> names = {};

  bool has(Trait trait) const { return traits & trait; }
};

/// A latentNormEps: rms_norm_eps.
constexpr double epsOfConfig = 0;

/// Return the supported families.
llvm::ArrayRef<Family> families();

/// Return the family of a model_type, or null.
const Family *findFamily(llvm::StringRef modelType);

/// How a family's router chooses experts, as far as its code and not the config says it.
struct RouterFamily {
  llvm::StringLiteral modelType;
  bool isSigmoid;    ///< Scores are the sigmoid of logits, else their softmax.
  bool isCorrected;  ///< Choices add e_score_correction_bias.
  int64_t best;      ///< Groups are compared by the sum of so many of their largest scores.
  bool isNormalized; ///< If norm_topk_prob is true; else never.
  /// The values of topk_method, first that of a config without the key; greedy has no groups.
  llvm::ArrayRef<llvm::StringRef> methods;
  bool hasZeroExperts = false; ///< zero_expert_num choices return their input.
  bool isJoined = false;       ///< Checkpoints have the weights of all experts in one tensor.
};

/// Return the router of a model_type, or null.
const RouterFamily *findRouter(llvm::StringRef modelType);

/// Models whose heads cache keys and values. They are read for comparison and not compiled.
struct HeadFamily {
  llvm::StringLiteral modelType;
  bool gated;          ///< The MLP has a gate projection.
  bool tiedEmbeddings; ///< Like the trait TiedEmbeddings.
  bool rotated;        ///< Queries and keys have RoPE.
};

llvm::ArrayRef<HeadFamily> headFamilies();

/// A known but unsupported name (of a model_type, rope type or config key), and what support requires.
struct Refusal {
  llvm::StringLiteral name;
  llvm::StringLiteral needs;
};

/// Return what support for the model requires; empty for an unknown model_type.
llvm::StringRef modelTypeNeeds(llvm::StringRef modelType);

/// Return what support for the rope type requires; empty for an unknown one.
llvm::StringRef ropeTypeNeeds(llvm::StringRef ropeType);

/// Return the config keys that change what attention computes and that only families with the key in their row define.
/// Ignoring one would compile a different model.
llvm::ArrayRef<Refusal> foreignKeys();

/// Return the models that are refused by name, and what they need.
llvm::ArrayRef<Refusal> refusedFamilies();

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_FAMILIES_H
