//===- Families.cpp - Differences between MLA models ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every row is taken from modeling_<family>.py and configuration_<family>.py of
// transformers 5.17 and confirmed by a golden file that it made
// (benchmarks/replay.py agrees within 1e-6; with another pairing, epsilon or
// softmax scale it does not), or, for families that it lacks, from the code that
// docs/families.md names, and confirmed by the replay in float64. Two are not
// confirmed where it matters: youtu's default of rope_theta, so that a config
// without it is rejected, and plm (github.com/huggingface/transformers, commit
// 03de87ef, in which its authors proposed it).
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "llvm/ADT/STLExtras.h"

#include <limits>

using namespace mla::importer;
using llvm::StringRef;

static constexpr double unknownTheta = std::numeric_limits<double>::quiet_NaN();

/// Ling's names of modules; that of the output projection is the more specific.
static constexpr ModuleName bailingNames[] = {{"self_attn.o_proj", "attention.dense"}, {"self_attn.", "attention."}};
static constexpr ModuleName hunyuanNames[] = {{"self_attn.g_proj", "self_attn.gate_proj"}};
static constexpr ModuleName mistralNames[] = {{"self_attn.q_a_proj", "attention.wq_a"},
                                              {"self_attn.q_a_layernorm", "attention.q_a_norm"},
                                              {"self_attn.q_b_proj", "attention.wq_b"},
                                              {"self_attn.q_proj", "attention.wq"},
                                              {"self_attn.kv_a_proj_with_mqa", "attention.wkv_a_with_mqa"},
                                              {"self_attn.kv_a_layernorm", "attention.kv_a_norm"},
                                              {"self_attn.kv_b_proj", "attention.wkv_b"},
                                              {"self_attn.o_proj", "attention.wo"},
                                              {"self_attn.", "attention."}};

static constexpr llvm::StringLiteral untilTopK = "dense: exact up to index_topk tokens";
static constexpr llvm::StringLiteral latentOnly = "layers of linear attention are refused by name";
static constexpr llvm::StringLiteral transformers = "transformers 5.17";

// model_type, RoPE's pairing, epsilon of the latent norms, default rope_theta, traits; notes: models, what differs from
// DeepSeek-V3, limits, reference, golden files; keys, names of modules
static constexpr Family familyTable[] = {
    {"axk1", RopePairing::Configured, 1e-6, 1e4, NoTrait, {"A.X-K1", "", "", transformers, "axk1"}},
    {"axk2",
     RopePairing::Interleaved,
     1e-6,
     1e4,
     AlwaysLowRankQuery,
     {"A.X-K2", "query and gate per element are one projection of the query's latent, normed and not (q_gate_proj)",
      "dense: exact up to index_topk tokens", transformers, "axk2"},
     &axk2Keys},
    {"bailing_hybrid",
     RopePairing::Configured,
     epsOfConfig,
     1e4,
     PlainRope,
     {"Ling 2.5, 2.6, 3.0",
      "latent attention in the last layer of each layer_group_size; a gate per head or element "
      "(gated_attention_proj_granularity_type); modules attention, dense",
      latentOnly, "vLLM (bailing_moe_v3.py), float64", "bailing_hybrid, bailing_element"},
     &bailingKeys,
     bailingNames},
    {"deepseek_v2",
     RopePairing::Interleaved,
     1e-6,
     1e4,
     NoTrait,
     {"DeepSeek-V2, V2-Lite, DeepSeek-VL2", "", "", transformers, "v2_qlora, v2_yarn, v2lite_noqlora"}},
    {"deepseek_v3",
     RopePairing::Configured,
     1e-6,
     1e4,
     NoTrait,
     {"DeepSeek-V3, R1, Kimi K2, Kimi-VL, Moonlight, TransMLA and MHA2MLA (any ranks)", "", "", transformers,
      "v3_plain, v3_yarn, v3_fp8, v3_bf16_sharded, v3_ranks"}},
    {"deepseek_v32",
     RopePairing::Interleaved,
     1e-6,
     1e4,
     AlwaysLowRankQuery,
     {"DeepSeek-V3.2", "an indexer picks index_topk keys", untilTopK, transformers, "deepseek_v32"},
     &indexerKeys},
    {"dots3_note",
     RopePairing::Interleaved,
     epsOfConfig,
     unknownTheta,
     PlainRope | AlwaysLowRankQuery,
     {"dots3-note",
      "layers of a window have sizes of their own (layer_types, sliding_window_size, swa_*); a gate per head or "
      "element "
      "(attention_gate_type); latents times sqrt(hidden_size / rank) (apply_mla_qkv_lora_rescale); a norm of the key's "
      "rotary part (k_rope_only_layernorm)",
      "full layers dense: exact up to index_topk tokens; the two kinds of layers are compiled separately",
      "transformers after 5.17 (dots3_note), vLLM, float64", "dots3_full, dots3_window"},
     &dots3Keys},
    {"dots3_note_text",
     RopePairing::Interleaved,
     epsOfConfig,
     unknownTheta,
     PlainRope | AlwaysLowRankQuery,
     {"dots3-note, the part of a config", "as dots3_note", "as dots3_note", "as dots3_note",
      "dots3_full, dots3_window"},
     &dots3Keys},
    {"glm4_moe_lite",
     RopePairing::Configured,
     1e-6,
     1e4,
     NoTrait,
     {"GLM-4.7-Flash", "", "", transformers, "glm4_moe_lite"}},
    {"glm5_next",
     RopePairing::Interleaved,
     epsOfConfig,
     1e4,
     PlainRope | AlwaysLowRankQuery,
     {"GLM-5.3-Flash, a flat config", "as glm5_next_text", "as glm5_next_text", transformers, "glm5_next"},
     &glm5NextKeys},
    {"glm5_next_text",
     RopePairing::Interleaved,
     epsOfConfig,
     1e4,
     PlainRope | AlwaysLowRankQuery,
     {"GLM-5.3-Flash", "latent attention in some layers (layer_types), without rotary part; an indexer of pooled keys",
      "dense: exact up to index_topk tokens; layers of linear attention are refused by name", transformers,
      "glm5_next"},
     &glm5NextKeys},
    {"glm_moe_dsa",
     RopePairing::Interleaved,
     1e-6,
     1e4,
     AlwaysLowRankQuery,
     {"GLM-5, 5.1, 5.2", "an indexer picks index_topk keys; layers may share it", untilTopK, transformers,
      "glm_moe_dsa"},
     &indexerKeys},
    {"hy_v4",
     RopePairing::HalfSplit,
     1e-6,
     unknownTheta,
     AlwaysLowRankQuery | Sinks,
     {"Hunyuan 4", "a gate per element (gate_proj); a sink per head (sinks); an indexer picks index_topk keys",
      untilTopK, transformers, "hy_v4"},
     &hunyuanKeys,
     hunyuanNames},
    {"kimi_k2",
     RopePairing::Configured,
     1e-6,
     1e4,
     NoTrait,
     {"Kimi K2, K2.5, K2.6", "", "", "transformers 5.17, which maps it to deepseek_v3", "v3_yarn"}},
    {"kimi_linear",
     RopePairing::Configured,
     1e-6,
     1e4,
     PlainRope | Unrotated,
     {"Kimi Linear, Kimi K3",
      "latent attention in some layers (linear_attn_config, layer_types); no rotation (mla_use_nope); K3: a gate per "
      "element (mla_use_output_gate)",
      latentOnly,
      "transformers 5.17 and the models' own code (the latents' norms have epsilon 1e-6; vLLM takes "
      "rms_norm_eps); the gate: float64",
      "kimi_linear, kimi_k3"},
     &kimiLinearKeys},
    {"longcat_flash",
     RopePairing::Interleaved,
     1e-6,
     1e7,
     TwoAttentions | AlwaysLowRankQuery,
     {"LongCat-Flash",
      "two attentions in a layer; latents times sqrt(hidden_size / rank) (mla_scale_q_lora, "
      "mla_scale_kv_lora)",
      "", transformers, "longcat_flash"},
     &longcatKeys},
    {"minicpm3",
     RopePairing::HalfSplit,
     1e-6,
     1e4,
     VDimFromHidden | TiedEmbeddings | DepthScaledResiduals,
     {"MiniCPM3", "RoPE of halves; v_head_dim may be missing", "", transformers, "minicpm3"}},
    {"mistral4",
     RopePairing::Configured,
     1e-6,
     1e4,
     RotaryPartOfHead | PositionScaledQuery,
     {"Mistral Small 4", "a scale of the query per position (llama_4_scaling_beta)", "", transformers, "mistral4"},
     &mistral4Keys},
    {"mistral_large_3",
     RopePairing::Interleaved,
     epsOfConfig,
     1e4,
     NoTrait,
     {"Mistral Large 3 (params.json)",
      "a scale of the query per position (llama_4_scaling); YaRN without a scale; names of Mistral's own format", "",
      "vLLM (mistral_large_3.py, deepseek_v2.py), float64", "mistral_large_3"},
     &mistralLargeKeys,
     mistralNames},
    {"pangu_ultra_moe",
     RopePairing::Interleaved,
     1e-6,
     unknownTheta,
     PlainRope,
     {"openPangu-Ultra-MoE", "names of sizes (attention_kv_lora_dim and others)", "", "its own code, float64",
      "pangu_ultra_moe"},
     &panguKeys},
    {"plm",
     RopePairing::Configured,
     1e-6,
     1e5,
     Unconfirmed | PlainRope,
     {"PLM", "", "implementations differ in the pairs of RoPE: a warning says what is assumed",
      "its authors' code for transformers, float64", "plm"}},
    {"sarvam_mla",
     RopePairing::Interleaved,
     epsOfConfig,
     1e4,
     NoTrait,
     {"Sarvam-105B", "", "", "vLLM (sarvam.py), float64", "sarvam_mla"}},
    {"youtu", RopePairing::Configured, 1e-6, unknownTheta, NoTrait, {"Youtu-LLM", "", "", transformers, "youtu"}},
};

static constexpr StringRef greedyOrGroups[] = {"greedy", "group_limited_greedy"}, corrected[] = {"noaux_tc"},
                           greedy[] = {"greedy"}, grouped[] = {"group_limited_greedy"};

// model_type, sigmoid, correction, best of a group, normalized, topk_method, zero experts, joined. A golden model
// confirms every row; kimi_k2 is deepseek_v3, as above. DeepSeek-V2's router ignores norm_topk_prob in transformers.
static constexpr RouterFamily routerTable[] = {
    {"deepseek_v2", false, false, 1, false, greedyOrGroups},
    {"deepseek_v3", true, true, 2, true, corrected},
    {"deepseek_v32", true, true, 2, true, corrected},
    {"glm4_moe_lite", true, true, 2, true, corrected},
    {"glm_moe_dsa", true, true, 2, true, corrected},
    {"kimi_k2", true, true, 2, true, corrected},
    {"longcat_flash", false, true, 1, false, greedy, /*hasZeroExperts=*/true},
    {"mistral4", false, false, 2, true, grouped, /*hasZeroExperts=*/false, /*isJoined=*/true},
};

// model_type, gated MLP, tied embeddings, RoPE; also from transformers 5.17
static constexpr HeadFamily headFamilyTable[] = {
    {"gpt2", false, true, false}, {"llama", true, false, true}, {"mistral", true, false, true},
    {"qwen2", true, false, true}, {"qwen3", true, false, true},
};

static constexpr Refusal refusedModels[] = {
    {"deepseek_v4",
     "another attention: keys and values are one shared vector, compressed over tokens, and its result is "
     "rotated back; it has no kv_b_proj and is not multi-head latent attention"},
    {"gemma2_mla", "what llama_mla needs, and a bound on the scores"},
    {"llama_mla",
     "latents without norms, and another scale of the scores (query_pre_attn_scalar): a conversion of TransMLA, "
     "which in the form of DeepSeek-V3 is deepseek_v3"},
    {"openpangu_v2",
     "a state per sequence beside the cache, for convolutions over tokens of both latents and of the result "
     "(use_mome), "
     "and learned latents in front of all tokens (param_sink_number); the attention of openPangu-Ultra-MoE, "
     "pangu_ultra_moe, has neither and is compiled"},
};

static constexpr Refusal refusedRopes[] = {
    {"dynamic", "frequencies that change with the length of the sequence"},
    {"linear", "frequencies divided by a factor"},
    {"llama3", "frequencies smoothed between two wavelengths"},
    {"longrope", "two tables of factors, chosen by the length of the sequence"},
    {"mrope", "positions of several dimensions"},
    {"proportional", "frequencies for a part of the head"},
};

static constexpr Refusal foreignKeyTable[] = {
    {"index_topk", "sparse attention: an indexer that picks the keys of every query"},
    {"apply_mla_qkv_lora_rescale", "a constant scale on the latents"},
    {"attention_chunk_size", "attention within chunks of tokens"},
    {"attention_gate_type", "a gate between the attention and its output projection"},
    {"attention_multiplier", "another scale of the scores"},
    {"attention_sink_size", "keys that are always seen"},
    {"attn_logit_softcapping", "a bound on the scores"},
    {"attn_logits_soft_cap", "a bound on the scores"},
    {"compress_ratios", "keys compressed over tokens"},
    {"gated_attention_proj_granularity_type", "a gate between the attention and its output projection"},
    {"k_rope_only_layernorm", "a norm of the key's rotary part"},
    {"layer_types", "layers of other attentions beside those of full attention"},
    {"learnable_sink_init", "a learned logit per head in the softmax"},
    {"linear_attn_config", "layers of linear attention beside those of latent attention"},
    {"llama_4_scaling", "a scale of the query by position, whose form is only known of mistral_large_3"},
    {"llama_4_scaling_beta", "a scale of the query by position, which only mistral4 has"},
    {"mla_scale_kv_lora", "a constant scale on the latent"},
    {"mla_scale_q_lora", "a constant scale on the query"},
    {"mla_use_nope", "latent attention without RoPE"},
    {"mla_use_output_gate", "a gate between the attention and its output projection"},
    {"param_sink_number", "learned keys and values in front of all tokens"},
    {"per_layer_config", "attentions of different sizes"},
    {"query_pre_attn_scalar", "another scale of the scores"},
    {"sliding_window", "attention to a window of the last tokens"},
    {"sliding_window_list", "attention to a window of the last tokens"},
    {"sliding_window_size", "attention to a window of the last tokens"},
    {"swa_layers", "attention to a window of the last tokens"},
    {"use_attention_gate", "a gate between the attention and its output projection"},
    {"use_mome", "convolutions of latents over tokens"},
    {"use_output_gate", "a gate between the attention and its output projection"},
    {"use_qk_norm", "norms of queries and keys"},
    {"use_sinks", "a learned logit per head in the softmax"},
    {"use_sliding_window", "attention to a window of the last tokens"},
};

static StringRef needsOf(llvm::ArrayRef<Refusal> table, StringRef name) {
  const Refusal *row = llvm::find_if(table, [&](const Refusal &refusal) { return refusal.name == name; });
  return row == table.end() ? StringRef() : StringRef(row->needs);
}

llvm::ArrayRef<Family> mla::importer::families() { return familyTable; }

const Family *mla::importer::findFamily(StringRef modelType) {
  const Family *row = llvm::find_if(familyTable, [&](const Family &family) { return family.modelType == modelType; });
  return row == std::end(familyTable) ? nullptr : row;
}

const RouterFamily *mla::importer::findRouter(StringRef modelType) {
  const RouterFamily *row =
      llvm::find_if(routerTable, [&](const RouterFamily &family) { return family.modelType == modelType; });
  return row == std::end(routerTable) ? nullptr : row;
}

llvm::ArrayRef<HeadFamily> mla::importer::headFamilies() { return headFamilyTable; }

StringRef mla::importer::modelTypeNeeds(StringRef modelType) { return needsOf(refusedModels, modelType); }

StringRef mla::importer::ropeTypeNeeds(StringRef ropeType) { return needsOf(refusedRopes, ropeType); }

llvm::ArrayRef<Refusal> mla::importer::foreignKeys() { return foreignKeyTable; }

llvm::ArrayRef<Refusal> mla::importer::refusedFamilies() { return refusedModels; }
