//===- Families.h - What differs between MLA models -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one place that knows models by name.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_IMPORT_FAMILIES_H
#define MLA_LIB_IMPORT_FAMILIES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace mla::importer {

/// How a family's RoPE pairs columns.
enum class RopePairing {
  Interleaved, ///< Always (2i, 2i+1).
  HalfSplit,   ///< Always (i, i + R/2).
  Configured,  ///< rope_interleave says it; interleaved without the key.
};

/// What only some families have. A family has a set of them.
enum Trait : unsigned {
  NoTrait = 0,
  /// v_head_dim may be missing or null and is then hidden_size / num_attention_heads.
  VDimFromHidden = 1 << 0,
  /// The config's head_dim is the whole query head, so partial_rotary_factor is R / (P + R); elsewhere it is 1.
  RotaryPartOfHead = 1 << 1,
  /// The query has a scale a position, llama_4_scaling_beta, and YaRN where the config says nothing of RoPE.
  PositionScaledQuery = 1 << 2,
  /// Behind their norms the latents are multiplied by sqrt(hidden_size / rank), mla_scale_q_lora and mla_scale_kv_lora.
  ScaledLatents = 1 << 3,
  /// A layer has two attentions, self_attn.0 and self_attn.1; num_layers says how many layers there are.
  TwoAttentions = 1 << 4,
  /// An indexer picks index_topk keys for every query.
  IndexedKeys = 1 << 5,
  /// The query's low-rank projection cannot be missing.
  AlwaysLowRankQuery = 1 << 6,
  /// What the family computes was read, but no golden file confirms it.
  Unconfirmed = 1 << 7,
  /// The embedding is the output's weight, too, unless tie_word_embeddings says otherwise.
  TiedEmbeddings = 1 << 8,
};

struct Family {
  llvm::StringLiteral modelType;
  RopePairing pairing;
  /// Epsilon of the norms of the two latents: the default of the family's RMSNorm class, whatever rms_norm_eps says.
  double latentNormEps;
  /// rope_theta where the config does not say it.
  double defaultTheta;
  unsigned traits;

  bool has(Trait trait) const { return traits & trait; }
};

/// The supported families.
llvm::ArrayRef<Family> families();

/// The family of a model_type, or null.
const Family *findFamily(llvm::StringRef modelType);

/// Models whose heads cache keys and values: for comparison, nothing is compiled of them.
struct HeadFamily {
  llvm::StringLiteral modelType;
  bool gated;          ///< The MLP has a gate beside its first matrix.
  bool tiedEmbeddings; ///< As the trait.
  bool rotated;        ///< Queries and keys have RoPE.
};

llvm::ArrayRef<HeadFamily> headFamilies();

/// A name (of a model_type, rope type or config key) that is known but not supported, and what support would take.
struct Refusal {
  llvm::StringLiteral name;
  llvm::StringLiteral needs;
  unsigned meantBy = NoTrait; ///< Families with this trait give the key a meaning.
};

/// What supporting the model would take; empty for a model_type never heard of.
llvm::StringRef modelTypeNeeds(llvm::StringRef modelType);

/// What supporting the rope type would take; empty for one never heard of.
llvm::StringRef ropeTypeNeeds(llvm::StringRef ropeType);

/// Config keys that change what attention computes, for which other families have no meaning than those with the
/// row's trait. Ignoring one would compile another model than the one given.
llvm::ArrayRef<Refusal> foreignKeys();

} // namespace mla::importer

#endif // MLA_LIB_IMPORT_FAMILIES_H
