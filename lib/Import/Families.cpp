//===- Families.cpp - Differences between MLA models ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every row is taken from modeling_<family>.py and configuration_<family>.py of
// transformers 5.17 and confirmed by a golden file (benchmarks/replay.py agrees
// within 1e-6; with another pairing, epsilon or softmax scale it does not).
// youtu is confirmed by a golden model, whose config gives rope_theta: the
// default is not, so that a config without it is rejected where it matters.
// There are two exceptions. transformers itself maps kimi_k2 to deepseek_v3
// (configuration_kimi_k25.py). plm is not part of transformers: its row is
// taken from modeling_plm.py and configuration_plm.py of the change in which
// its authors proposed it (github.com/huggingface/transformers, commit
// 03de87ef), and no golden file confirms it.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "llvm/ADT/STLExtras.h"

#include <limits>

using namespace mla::importer;
using llvm::StringRef;

// model_type, RoPE's pairing, epsilon of the latent norms, default rope_theta, traits
static constexpr Family familyTable[] = {
    {"deepseek_v2", RopePairing::Interleaved, 1e-6, 1e4, NoTrait},
    {"deepseek_v3", RopePairing::Configured, 1e-6, 1e4, NoTrait},
    {"kimi_k2", RopePairing::Configured, 1e-6, 1e4, NoTrait},
    {"glm4_moe_lite", RopePairing::Configured, 1e-6, 1e4, NoTrait},
    {"glm_moe_dsa", RopePairing::Interleaved, 1e-6, 1e4, IndexedKeys | AlwaysLowRankQuery},
    {"longcat_flash", RopePairing::Interleaved, 1e-6, 1e7, ScaledLatents | TwoAttentions | AlwaysLowRankQuery},
    {"minicpm3", RopePairing::HalfSplit, 1e-6, 1e4, VDimFromHidden | TiedEmbeddings | DepthScaledResiduals},
    {"mistral4", RopePairing::Configured, 1e-6, 1e4, RotaryPartOfHead | PositionScaledQuery},
    {"plm", RopePairing::Configured, 1e-6, 1e5, Unconfirmed},
    {"youtu", RopePairing::Configured, 1e-6, std::numeric_limits<double>::quiet_NaN(), NoTrait},
};

static constexpr StringRef greedyOrGroups[] = {"greedy", "group_limited_greedy"}, corrected[] = {"noaux_tc"},
                           greedy[] = {"greedy"}, grouped[] = {"group_limited_greedy"};

// model_type, sigmoid, correction, best of a group, normalized, topk_method, zero experts, joined. A golden model
// confirms every row; kimi_k2 is deepseek_v3, as above. DeepSeek-V2's router ignores norm_topk_prob in transformers.
static constexpr RouterFamily routerTable[] = {
    {"deepseek_v2", false, false, 1, false, greedyOrGroups},
    {"deepseek_v3", true, true, 2, true, corrected},
    {"glm4_moe_lite", true, true, 2, true, corrected},
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
    {"deepseek_v32", "sparse attention: an indexer that picks the keys of every query"},
    {"kimi_linear", "linear attention layers, and latent attention without RoPE"},
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
    {"index_topk", "sparse attention: an indexer that picks the keys of every query", IndexedKeys},
    {"attn_logit_softcapping", "a bound on the scores"},
    {"linear_attn_config", "layers of linear attention beside those of latent attention"},
    {"llama_4_scaling", "a scale of the query by position whose form is unknown for this model"},
    {"llama_4_scaling_beta", "a scale of the query by position, which only mistral4 has", PositionScaledQuery},
    {"mla_scale_kv_lora", "a constant scale on the latent", ScaledLatents},
    {"mla_scale_q_lora", "a constant scale on the query", ScaledLatents},
    {"mla_use_nope", "latent attention without RoPE"},
    {"mla_use_output_gate", "a gate between the attention and its output projection"},
    {"param_sink_number", "learned keys and values in front of all tokens"},
    {"use_qk_norm", "norms of queries and keys"},
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
