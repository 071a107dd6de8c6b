//===- FamilyKeys.cpp - Config keys of one family -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Taken from modeling_<family>.py and configuration_<family>.py of transformers
// 5.17, and for the families that it lacks from the sources that docs/families.md
// names.
//
//===----------------------------------------------------------------------===//

#include "FamilyKeys.h"
#include "Limits.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

static constexpr StringRef linear = "linear attention", layerTypes = "layer_types";

//===----------------------------------------------------------------------===//
// Layers of several kinds
//===----------------------------------------------------------------------===//

/// Return an entry of layer_types; "" if there is none.
static StringRef typeOf(const Value *types, int64_t layer) {
  const Array *list = types ? types->getAsArray() : nullptr;
  if (!list || layer < 0 || layer >= static_cast<int64_t>(list->size()))
    return "";
  return (*list)[layer].getAsString().value_or("");
}

/// Parse layer_types. Entries of `own` have latent attention; linear_attention has not.
static void parseLayerTypes(FieldReader &reader, AttentionConfig &config, llvm::ArrayRef<StringRef> own) {
  const Value *types = reader.find(layerTypes);
  const Array *list = types->getAsArray();
  if (!list || static_cast<int64_t>(list->size()) != config.numLayers)
    return reader.refuse(layerTypes, "expected a list of " + Twine(config.numLayers) + " layers; correct the config");
  for (const Value &entry : *list) {
    StringRef type = entry.getAsString().value_or("");
    if (llvm::is_contained(own, type))
      config.otherLayers.emplace_back();
    else if (type == "linear_attention")
      config.otherLayers.push_back(linear.str());
    else
      return reader.refuse(layerTypes,
                           shortText(entry) + " is not known here; expected linear_attention or " + own.front());
  }
}

/// Parse a list of layers with latent attention, counted from 1. The others have linear attention.
static void parseLatentLayers(FieldReader &reader, AttentionConfig &config, StringRef key, const Value *value) {
  const Array *list = value ? value->getAsArray() : nullptr;
  if (!list)
    return reader.refuse(key, "missing; give the layers that have latent attention, counted from 1");
  config.otherLayers.assign(config.numLayers, linear.str());
  for (const Value &number : *list)
    if (int64_t layer = reader.count(key, number, config.numLayers); !reader.failed())
      config.otherLayers[layer - 1].clear();
}

//===----------------------------------------------------------------------===//
// Parts of an attention
//===----------------------------------------------------------------------===//

static constexpr int64_t maxContext = int64_t(1) << 31;

/// The default is that of every family with an indexer.
static void parseIndexer(FieldReader &reader, AttentionConfig &config, std::optional<int64_t>) {
  config.indexTopK = reader.find("index_topk") ? reader.count("index_topk", maxContext) : 2048;
}

static void scaleLatents(AttentionConfig &config) {
  config.queryLatentScale =
      config.qLoraRank ? std::sqrt(static_cast<double>(config.hiddenSize) / config.qLoraRank) : 1.0;
  config.latentScale = std::sqrt(static_cast<double>(config.hiddenSize) / config.kvLoraRank);
}

/// Parse the kind of a gate, of the names of the two kinds. Null and "" are none.
static void parseGate(FieldReader &reader, AttentionConfig &config, StringRef key, StringRef perHead,
                      StringRef perElement) {
  StringRef kind = reader.string(key);
  if (kind == perHead)
    config.gate = OutputGate::PerHead;
  else if (kind == perElement)
    config.gate = OutputGate::PerElement;
  else if (!kind.empty())
    reader.refuse(key, kind + " is not known here; expected " + perHead + " or " + perElement);
}

/// Refuse a key that says something else than another key that means the same.
static void refuseOther(FieldReader &reader, StringRef key, StringRef same) {
  const Value *value = reader.find(key), *other = reader.find(same);
  if (value && other && *value != *other)
    reader.refuse(key, shortText(*value) + ", but " + same + ", which means the same, is " + shortText(*other) +
                           "; remove the wrong one");
}

static void refuseBias(FieldReader &reader, StringRef key) {
  if (reader.boolean(key, false))
    reader.refuse(key, "true, but what has a bias then is not known; give a model without");
}

//===----------------------------------------------------------------------===//
// Families
//===----------------------------------------------------------------------===//

/// LongcatFlashMLA multiplies by both scales whatever the flags; engines that read the flags agree if they are true.
static void parseLongcat(FieldReader &reader, AttentionConfig &config, std::optional<int64_t>) {
  for (StringRef key : longcatKeys.names)
    if (!reader.boolean(key, true))
      reader.refuse(key, "false, which transformers ignores and other engines do not; remove the key if the "
                         "model has the scale");
  if (!reader.failed())
    scaleLatents(config);
}

/// Parse which layers have latent attention: layer_types, or a list, which agree if both are there.
static void parseKimiLayers(FieldReader &reader, AttentionConfig &config, const Value *layers) {
  constexpr StringRef latent = "linear_attn_config.full_attn_layers";
  if (!reader.find(layerTypes))
    return parseLatentLayers(reader, config, latent, layers);
  if (layers)
    parseLatentLayers(reader, config, latent, layers);
  std::vector<std::string> listed = std::move(config.otherLayers);
  config.otherLayers.clear();
  parseLayerTypes(reader, config, {"full_attention"});
  if (layers && listed != config.otherLayers)
    reader.refuse(latent, "has other layers than layer_types; correct the config");
}

/// Refuse layers of linear attention, counted from 1, that have latent attention.
static void checkLinearLayers(FieldReader &reader, const AttentionConfig &config, const Value *value) {
  constexpr StringRef key = "linear_attn_config.kda_layers";
  const Array *list = value ? value->getAsArray() : nullptr;
  if (list)
    for (const Value &number : *list)
      if (int64_t layer = reader.count(key, number, config.numLayers);
          !reader.failed() && config.otherLayers[layer - 1].empty())
        reader.refuse(key, "has layer " + Twine(layer) + ", which has latent attention; correct the config");
}

/// The gate of Kimi K3 is g_proj of its KimiMLAAttention.
static void parseKimiLinear(FieldReader &reader, AttentionConfig &config, std::optional<int64_t>) {
  if (!reader.boolean("mla_use_nope", true))
    reader.refuse("mla_use_nope", "false, but kimi_linear never rotates; correct the config");
  if (reader.boolean("mla_use_output_gate", false))
    config.gate = OutputGate::PerElement;
  const Value *kinds = reader.find("linear_attn_config");
  const Object *object = kinds ? kinds->getAsObject() : nullptr;
  parseKimiLayers(reader, config, object ? object->get("full_attn_layers") : nullptr);
  if (!reader.failed())
    checkLinearLayers(reader, config, object ? object->get("kda_layers") : nullptr);
}

static void parseGlm5Next(FieldReader &reader, AttentionConfig &config, std::optional<int64_t> layer) {
  parseIndexer(reader, config, layer);
  if (!reader.boolean("index_kpool_always_select_tail", true))
    reader.refuse("index_kpool_always_select_tail", "false, but then queries do not see all tokens of short contexts; "
                                                    "give a model that selects the tail");
  if (config.ropeDim)
    reader.refuse("qk_rope_head_dim", Twine(config.ropeDim) + ", but glm5_next has no rotary part; correct the config");
  if (reader.find(layerTypes))
    parseLayerTypes(reader, config, fullTypes);
  else
    for (int64_t i = 0; i < config.numLayers; ++i)
      config.otherLayers.push_back(i % 4 == 3 ? "" : linear.str());
}

/// Every group of layers ends with one of latent attention, and so do what remains of the last.
static void parseBailing(FieldReader &reader, AttentionConfig &config, std::optional<int64_t>) {
  parseGate(reader, config, "gated_attention_proj_granularity_type", "head_wise", "element_wise");
  refuseBias(reader, "use_bias");
  refuseBias(reader, "use_qkv_bias");
  if (reader.find(layerTypes))
    return parseLayerTypes(reader, config, {"full_attention"});
  int64_t size = reader.count("layer_group_size", maxLayers), whole = config.numLayers / size * size;
  for (int64_t i = 0; i < config.numLayers; ++i)
    config.otherLayers.push_back((i + 1) % size == 0 || i >= whole ? "" : linear.str());
}

/// Its factor is about the heads of linear attention; RoPE rotates all of qk_rope_head_dim.
static void translateBailing(Object &root, std::optional<int64_t>) {
  root.erase("partial_rotary_factor");
  for (StringRef scope : {"rope_scaling", "rope_parameters"})
    if (Object *object = root.getObject(scope))
      object->erase("partial_rotary_factor");
}

/// Layers of a window have sizes of their own, "swa_" and the usual key.
static constexpr StringRef windowType = "sliding_attention", windowPrefix = "swa_";
static constexpr StringRef windowKeys[] = {"num_attention_heads", "num_key_value_heads", "q_lora_rank",
                                           "kv_lora_rank",        "qk_nope_head_dim",    "qk_rope_head_dim",
                                           "v_head_dim",          "rope_theta",          "attention_gate_type"};

/// Return whether a layer, or the first if the model has no such layer, is one of a window.
static bool hasWindow(const Value *types, std::optional<int64_t> layer) {
  StringRef type = typeOf(types, layer.value_or(0));
  return (type.empty() ? typeOf(types, 0) : type) == windowType;
}

static void translateDots3(Object &root, std::optional<int64_t> layer) {
  if (!hasWindow(root.get(layerTypes), layer))
    return;
  root.erase("rope_scaling");
  root.erase("rope_parameters");
  for (StringRef key : windowKeys) {
    root.erase(key);
    if (const Value *value = root.get((windowPrefix + key).str()))
      root[key] = Value(*value); // a copy: the object may grow
  }
}

static void parseDots3(FieldReader &reader, AttentionConfig &config, std::optional<int64_t> layer) {
  const Value *types = reader.find(layerTypes);
  if (reader.find("per_layer_config") || !types)
    return reader.refuse(layerTypes, "missing, or replaced by per_layer_config; give the released config");
  bool isWindow = hasWindow(types, layer);
  refuseOther(reader, "sliding_window", "sliding_window_size");
  if (isWindow && !reader.boolean("use_sliding_window", true))
    reader.refuse("use_sliding_window", "false, but layer_types has layers of a window; correct the config");
  if (isWindow)
    config.window = reader.count("sliding_window_size", maxContext);
  else if (!reader.find("use_dsa") || reader.boolean("use_dsa", true))
    parseIndexer(reader, config, layer);
  config.normsKeyRope = !reader.find("k_rope_only_layernorm") || reader.boolean("k_rope_only_layernorm", true);
  refuseBias(reader, "attention_bias");
  for (StringRef key : {"attention_gate_type", "apply_mla_qkv_lora_rescale"})
    if (!reader.find(key, /*nullIsAbsent=*/false))
      reader.refuse(key, "missing; give it");
  parseGate(reader, config, "attention_gate_type", "headwise", "elementwise");
  if (reader.boolean("apply_mla_qkv_lora_rescale", false))
    scaleLatents(config);
  for (int64_t i = 0; i < config.numLayers; ++i) {
    StringRef type = typeOf(types, i);
    if (type != windowType && !llvm::is_contained(fullTypes, type))
      return reader.refuse(layerTypes, "has no known entry for layer " + Twine(i) + "; correct the config");
    bool same = (type == windowType) == isWindow;
    config.otherLayers.push_back(same ? "" : (type + ", latent attention of other sizes").str());
  }
}

static void parseHunyuan(FieldReader &reader, AttentionConfig &config, std::optional<int64_t> layer) {
  parseIndexer(reader, config, layer);
  config.gate = OutputGate::PerElement;
}

static void parseAxk2(FieldReader &reader, AttentionConfig &config, std::optional<int64_t> layer) {
  parseIndexer(reader, config, layer);
  config.gate = OutputGate::PerElement;
  config.joinsGateAndQuery = true;
}

/// The form is that of Mistral 4: _get_llama_4_scaling of vLLM's deepseek_v2.py.
static void parseMistralLarge(FieldReader &reader, AttentionConfig &config, std::optional<int64_t>) {
  const Value *value = reader.find("llama_4_scaling");
  if (!value)
    return;
  const Object none, *scaling = value->getAsObject();
  FieldReader inner(scaling ? *scaling : none, "", "");
  config.queryScaleBeta = inner.number("beta", 0.0, 1e6, std::nullopt);
  config.queryScaleOriginalLength = inner.count("original_max_position_embeddings", maxLength);
  if (inner.failed())
    reader.refuse("llama_4_scaling", "expected beta and original_max_position_embeddings, got " + shortText(*value) +
                                         "; correct the config");
}

/// The usual names, and those of openPangu's own code.
static constexpr std::pair<StringRef, StringRef> panguNames[] = {{"kv_lora_rank", "attention_kv_lora_dim"},
                                                                 {"q_lora_rank", "attention_q_lora_dim"},
                                                                 {"qk_nope_head_dim", "attention_qk_dim"},
                                                                 {"qk_rope_head_dim", "attention_qk_rope_dim"},
                                                                 {"v_head_dim", "attention_v_dim"}};

static void translatePangu(Object &root, std::optional<int64_t>) {
  for (auto [usual, own] : panguNames)
    if (const Value *value = root.get(own); value && !root.get(usual))
      root[usual] = Value(*value); // a copy: the object may grow
}

static void parsePangu(FieldReader &reader, AttentionConfig &, std::optional<int64_t>) {
  for (auto [usual, own] : panguNames)
    refuseOther(reader, own, usual);
}

static constexpr StringRef ofAxk2[] = {"index_topk", "gated_norm_rank"};
static constexpr StringRef ofBailing[] = {"gated_attention_proj_granularity_type", "layer_group_size", "layer_types",
                                          "use_qk_norm"};
static constexpr StringRef ofDots3[] = {
    "index_topk", "layer_types", "sliding_window_size", "attention_gate_type", "use_sliding_window",
    "apply_mla_qkv_lora_rescale", "per_layer_config", "k_rope_only_layernorm", "sliding_window",
    // of layers of a window: windowKeys
    "swa_num_attention_heads", "swa_num_key_value_heads", "swa_q_lora_rank", "swa_kv_lora_rank", "swa_qk_nope_head_dim",
    "swa_qk_rope_head_dim", "swa_v_head_dim", "swa_rope_theta", "swa_attention_gate_type"};
static constexpr StringRef ofGlm5Next[] = {"index_topk", "layer_types", "linear_attn_config"};
static constexpr StringRef ofHunyuan[] = {"index_topk", "learnable_sink_init"};
static constexpr StringRef ofIndexers[] = {"index_topk"};
static constexpr StringRef ofKimiLinear[] = {"mla_use_nope", "mla_use_output_gate", "linear_attn_config",
                                             "layer_types"};
static constexpr StringRef ofLongcat[] = {"mla_scale_q_lora", "mla_scale_kv_lora"};
static constexpr StringRef ofMistral4[] = {"llama_4_scaling_beta"};
static constexpr StringRef ofMistralLarge[] = {"llama_4_scaling"};

namespace mla::importer {
constexpr FamilyKeys axk2Keys = {ofAxk2, parseAxk2};
constexpr FamilyKeys bailingKeys = {ofBailing, parseBailing, translateBailing};
constexpr FamilyKeys dots3Keys = {ofDots3, parseDots3, translateDots3};
constexpr FamilyKeys glm5NextKeys = {ofGlm5Next, parseGlm5Next};
constexpr FamilyKeys hunyuanKeys = {ofHunyuan, parseHunyuan};
constexpr FamilyKeys indexerKeys = {ofIndexers, parseIndexer};
constexpr FamilyKeys kimiLinearKeys = {ofKimiLinear, parseKimiLinear};
constexpr FamilyKeys longcatKeys = {ofLongcat, parseLongcat};
constexpr FamilyKeys mistral4Keys = {ofMistral4};
constexpr FamilyKeys mistralLargeKeys = {ofMistralLarge, parseMistralLarge};
constexpr FamilyKeys panguKeys = {{}, parsePangu, translatePangu};
} // namespace mla::importer
