//===- UnknownKeys.cpp - Config keys that nobody reads --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Configs have many keys that no attention depends on: of training, of MLPs, of
// generation. A key that sounds like attention and is not in this list may change
// what is computed, and deserves a word.
//
//===----------------------------------------------------------------------===//

#include "UnknownKeys.h"

#include "llvm/ADT/STLExtras.h"

using namespace mla::importer;
using llvm::StringRef;
using llvm::json::Object;
using llvm::json::Value;

/// Parts of keys that sound like attention.
static constexpr StringRef sounds[] = {"attention", "attn",    "mla_",     "rope",          "rotary", "sink",
                                       "window",    "softcap", "soft_cap", "gate",          "_nope",  "lora",
                                       "qk_",       "_head",   "nope_",    "position_embed"};

/// Keys that are read, for the attention or for the layer, and keys that change no numbers of an attention: those of
/// training, of kernels, of an indexer, of MLPs, of linear attention beside it.
static constexpr StringRef known[] = {
    "_attn_implementation",
    "activation_gate",
    "attention_bias",
    "attention_dropout",
    "attention_kv_lora_dim",
    "attention_method",
    "attention_probs_dropout_prob",
    "attention_q_lora_dim",
    "attention_qk_dim",
    "attention_qk_rope_dim",
    "attention_v_dim",
    "attn_implementation",
    "attn_res_block_size", // of residuals
    "decoder_start_token_id",
    "full_attention_type",
    "head_dim",
    "kv_lora_rank",
    "max_position_embeddings",
    "max_window_layers",
    "mlp_gate",
    "norm_head",
    "num_attention_heads",
    "num_key_value_heads",
    "num_lm_heads",
    "original_max_position_embeddings",
    "output_attentions",
    "output_gate_init",
    "output_router_logits",
    "partial_rotary_factor",
    "position_embedding_type",
    "prune_heads",
    "pruned_heads",
    "q_lora_rank",
    "qk_head_dim",
    "qk_latent_layernorm",
    "qk_nope_head_dim",
    "qk_rope_head_dim",
    "rope_interleave",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "rotary_dim",
    "rotary_type",
    "swa_head_dim",
    "add_cross_attention",
    "cross_attention_hidden_size",
    "tie_lm_head",
    "v_head_dim",
};

/// First parts of such keys: of MLPs and their routers, indexers, linear attention, residuals and other parts of a
/// model.
static constexpr StringRef knownStarts[] = {"hc_",  "index_",  "indexer_", "kda_",    "linear_", "moe_",
                                            "mtp_", "no_kda_", "router_",  "vision_", "audio_",  "vit_"};

static bool isSet(const Value &value) {
  if (const llvm::json::Array *list = value.getAsArray())
    return !list->empty();
  if (const Object *object = value.getAsObject())
    return !object->empty();
  return value.kind() != Value::Null && value.getAsBoolean() != false && value.getAsNumber() != 0.0 &&
         value.getAsString() != StringRef("");
}

static bool soundsLikeAttention(StringRef key) {
  return llvm::any_of(sounds, [&](StringRef sound) { return key.contains(sound); });
}

std::vector<std::string> mla::importer::findUnknownKeys(const Object &root, const Family &family) {
  std::vector<std::string> keys;
  for (const auto &[name, value] : root) {
    StringRef key = name;
    bool isRead = llvm::is_contained(known, key) || (family.keys && llvm::is_contained(family.keys->names, key)) ||
                  llvm::any_of(foreignKeys(), [&](const Refusal &refusal) { return refusal.name == key; });
    bool isOfOthers = llvm::any_of(knownStarts, [&](StringRef start) { return key.starts_with(start); });
    if (!isRead && !isOfOthers && soundsLikeAttention(key) && isSet(value))
      keys.push_back(key.str());
  }
  llvm::sort(keys);
  return keys;
}
