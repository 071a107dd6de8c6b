//===- Config.cpp - The attention in config.json --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/Config.h"
#include "Families.h"
#include "Json.h"
#include "LanguageModel.h"
#include "Limits.h"
#include "Quantization.h"
#include "RopeConfig.h"
#include "UnknownKeys.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Object;
using llvm::json::Value;

// Like those of Limits.h.
static constexpr int64_t maxHeadDim = 1 << 16;
static constexpr int64_t maxRank = 1 << 20;
/// Maximum number of elements of a weight: 64 GiB in float32.
static constexpr int64_t maxElements = int64_t(1) << 34;

static std::string supportedList() { return llvm::join(supportedModelTypes(), ", "); }

/// Return the family of model_type, or an error that lists what is missing.
static llvm::Expected<const Family *> parseFamily(const Object &root, StringRef where) {
  FieldReader reader(root, where);
  StringRef name = reader.string("model_type");
  if (llvm::Error error = reader.takeError())
    return error;
  if (const Family *family = findFamily(name))
    return family;
  StringRef needs = modelTypeNeeds(name);
  if (!needs.empty())
    return fail(where + ": model_type: " + name + " is not supported: it needs " + needs + "; expected one of " +
                supportedList());
  std::string model = name.empty() ? "the config" : ("model_type " + name).str();
  if (!root.get("kv_lora_rank"))
    return fail(where + ": " + model + " has no latent attention (no field kv_lora_rank); give the config of one of " +
                supportedList());
  if (name.empty())
    return fail(where + ": model_type: missing; expected one of " + supportedList());
  return fail(where + ": model_type: " + name +
              " is not supported: it needs a golden file that shows what it computes; expected one of " +
              supportedList());
}

/// Return the number of attentions, each of which is a layer of the compiler. In families with two attentions per
/// layer, num_hidden_layers counts the attentions in configs saved by transformers and the layers in released configs;
/// num_layers always counts the layers.
static int64_t parseLayers(FieldReader &reader, const Family &family) {
  StringRef attentions = "num_hidden_layers", layers = "num_layers";
  if (!family.has(TwoAttentions))
    return reader.count(attentions, maxLayers);
  int64_t count = reader.count(reader.find(layers) ? layers : attentions, maxLayers / 2);
  if (reader.find(layers) && reader.find(attentions)) {
    int64_t other = reader.count(attentions, maxLayers);
    if (other != count && other != 2 * count)
      reader.refuse(attentions, "expected num_layers, " + Twine(count) + ", or twice as many attentions, got " +
                                    Twine(other) + "; correct the config");
  }
  return 2 * count;
}

/// Reject plain attention of model classes that implement both kinds: use_mla is false or kv_lora_rank null.
static void checkIsLatent(FieldReader &reader) {
  StringRef plain = "the model has no latent attention; give the config of a model with latent attention";
  if (!reader.boolean("use_mla", true))
    reader.refuse("use_mla", "false: " + plain);
  if (const Value *rank = reader.find("kv_lora_rank", /*nullIsAbsent=*/false); rank && rank->kind() == Value::Null)
    reader.refuse("kv_lora_rank", "null: " + plain);
  if (!reader.boolean("qk_latent_layernorm", true)) // TransMLA
    reader.refuse("qk_latent_layernorm", "false: latents without norms are not supported; convert the model with "
                                         "norms, in the form of DeepSeek-V3");
}

static void parseSizes(FieldReader &reader, const Family &family, AttentionConfig &config) {
  config.hiddenSize = reader.count("hidden_size", maxHidden);
  config.numHeads = reader.count("num_attention_heads", maxHeads);
  config.numLayers = parseLayers(reader, family);
  config.kvLoraRank = reader.count("kv_lora_rank", maxRank);
  config.nopeDim = reader.count("qk_nope_head_dim", maxHeadDim);
  config.ropeDim = reader.count("qk_rope_head_dim", maxHeadDim, /*least=*/0);
  if (config.ropeDim % 2)
    reader.refuse("qk_rope_head_dim", Twine(config.ropeDim) + " is odd, but RoPE rotates pairs; give an even number");

  // Distinguish a missing q_lora_rank from null: transformers replaces a missing one by the default of the family's
  // config class, other engines by none.
  const Value *rank = reader.find("q_lora_rank", /*nullIsAbsent=*/false);
  if (!rank)
    reader.refuse("q_lora_rank", "missing; give the rank, or null if the query has no low-rank projection");
  else if (rank->kind() != Value::Null)
    config.qLoraRank = reader.count("q_lora_rank", *rank, maxRank);
  else if (family.has(AlwaysLowRankQuery))
    reader.refuse("q_lora_rank",
                  "null, but " + family.modelType + " always has the query's low-rank projection; give its rank");

  if (reader.find("v_head_dim") || !family.has(VDimFromHidden))
    config.vDim = reader.count("v_head_dim", maxHeadDim);
  else if (config.hiddenSize % config.numHeads == 0)
    config.vDim = config.hiddenSize / config.numHeads;
  else
    reader.refuse("v_head_dim", "missing, and hidden_size is not a multiple of num_attention_heads; give it");
}

static void checkKeyValueHeads(FieldReader &reader, const AttentionConfig &config) {
  if (!reader.find("num_key_value_heads"))
    return;
  int64_t heads = reader.count("num_key_value_heads", maxHeads);
  if (heads != config.numHeads)
    reader.refuse("num_key_value_heads", Twine(heads) + " differs from num_attention_heads, " + Twine(config.numHeads) +
                                             ", but every head has its own part of kv_b_proj; make them equal");
}

static void checkWeightSizes(FieldReader &reader, const AttentionConfig &config) {
  int64_t heads = config.numHeads, hidden = config.hiddenSize;
  struct {
    StringRef field, weight;
    int64_t rows, columns;
  } weights[] = {
      {"q_lora_rank", "q_a_proj", config.qLoraRank, hidden},
      {"num_attention_heads", "the query's up-projection", heads * config.qkDim(),
       config.qLoraRank ? config.qLoraRank : hidden},
      {"kv_lora_rank", "kv_a_proj_with_mqa", config.kvLoraRank + config.ropeDim, hidden},
      {"num_attention_heads", "kv_b_proj", heads * (config.nopeDim + config.vDim), config.kvLoraRank},
      {"num_attention_heads", "o_proj", hidden, heads * config.vDim},
  };
  for (const auto &weight : weights)
    if (weight.rows * weight.columns > maxElements)
      reader.refuse(weight.field, "makes " + weight.weight + " " + Twine(weight.rows) + " x " + Twine(weight.columns) +
                                      ", more than " + Twine(maxElements) + " elements; correct the sizes");
}

/// Return whether the family defines a key of foreignKeys().
static bool defines(const Family &family, StringRef key) {
  return family.keys && llvm::is_contained(family.keys->names, key);
}

/// Return whether layer_types says that all layers are of full attention: of all keys, or with an indexer those that it
/// picks.
static bool areAllFull(const llvm::json::Array &types, const Family &family) {
  llvm::ArrayRef<StringRef> full = fullTypes;
  if (!defines(family, "index_topk"))
    full = full.take_front();
  return llvm::all_of(types,
                      [&](const Value &type) { return llvm::is_contained(full, type.getAsString().value_or("")); });
}

static bool isOn(const Value *value, const Family &family) {
  if (!value || value->kind() == Value::Null)
    return false;
  if (const llvm::json::Array *list = value->getAsArray())
    return !areAllFull(*list, family);
  return value->getAsBoolean() != false && value->getAsNumber() != 0.0;
}

/// Reject keys that change attention and have no meaning in this family. A window that use_sliding_window turns off is
/// none.
static void checkForeignKeys(FieldReader &reader, const Object &root, const Family &family) {
  bool hasNoWindow = root.getBoolean("use_sliding_window") == false;
  for (const Refusal &key : foreignKeys()) {
    if (defines(family, key.name) || (hasNoWindow && key.name.starts_with("sliding_window")))
      continue;
    bool on = isOn(root.get(key.name), family);
    for (StringRef scope : {"rope_scaling", "rope_parameters"})
      if (const Object *object = root.getObject(scope))
        on |= isOn(object->get(key.name), family);
    if (on)
      reader.refuse(key.name, "not supported for " + family.modelType + ": it requires " + key.needs +
                                  "; remove the key if the model does not use it");
  }
}

static CheckpointDType parseDType(FieldReader &reader) {
  StringRef name = reader.string(reader.find("dtype") ? "dtype" : "torch_dtype");
  name.consume_front("torch.");
  if (name == "float32")
    return CheckpointDType::F32;
  if (name == "float16")
    return CheckpointDType::F16;
  return name == "bfloat16" ? CheckpointDType::BF16 : CheckpointDType::Unknown;
}

/// Parse what the attention has in this family.
static void parseAttention(FieldReader &reader, const Object &root, const Family &family, std::optional<int64_t> layer,
                           AttentionConfig &config) {
  checkIsLatent(reader);
  parseSizes(reader, family, config);
  checkKeyValueHeads(reader, config);
  checkWeightSizes(reader, config);
  checkForeignKeys(reader, root, family);
  config.configRmsNormEps = reader.number("rms_norm_eps", 1e-30, 1.0, 1e-6);
  if (family.latentNormEps == epsOfConfig && !reader.find("rms_norm_eps"))
    reader.refuse("rms_norm_eps", "missing, but " + family.modelType + " norms its latents with it; give it");
  config.rmsNormEps = family.latentNormEps == epsOfConfig ? config.configRmsNormEps : family.latentNormEps;
  config.attentionBias = reader.boolean("attention_bias", false);
  config.hasSinks = family.has(Sinks);
  config.isUnrotated = family.has(Unrotated);
  config.checkpointDType = parseDType(reader);
  if (reader.find("num_nextn_predict_layers"))
    config.furtherLayers = reader.count("num_nextn_predict_layers", maxLayers, /*least=*/0);
  if (family.keys && family.keys->parse && !reader.failed())
    family.keys->parse(reader, config, layer);
  if (!config.otherLayers.empty() && llvm::none_of(config.otherLayers, [](StringRef other) { return other.empty(); }))
    reader.refuse("num_hidden_layers",
                  "no layer has latent attention; give the config of a model with latent attention");
}

llvm::Expected<AttentionConfig> mla::importer::parseConfig(StringRef json, StringRef path,
                                                           std::optional<int64_t> layer) {
  llvm::Expected<LanguageModelConfig> parsed = parseLanguageModel(json, path);
  if (!parsed)
    return parsed.takeError();
  Object &root = parsed->root;
  StringRef where = parsed->where;
  llvm::Expected<const Family *> family = parseFamily(root, where);
  if (!family)
    return family.takeError();
  if ((*family)->keys && (*family)->keys->translate)
    (*family)->keys->translate(root, layer);

  AttentionConfig config;
  config.modelType = (*family)->modelType.str();
  config.wrappedIn = parsed->wrappedIn;
  config.attentionsPerLayer = (*family)->has(TwoAttentions) ? 2 : 1;
  FieldReader reader(root, where);
  parseAttention(reader, root, **family, layer, config);
  if (llvm::Error error = reader.takeError())
    return error;
  if (llvm::Error error = parseRope(root, where, **family, config))
    return error;
  if (llvm::Error error = parseQuantization(root, where, config))
    return error;
  config.unknownKeys = findUnknownKeys(root, **family);
  return config;
}

llvm::Error mla::importer::checkIsComputable(const AttentionConfig &config, StringRef where) {
  if (!std::isnan(config.rope.theta))
    return llvm::Error::success();
  return fail(where + ": rope_theta: null, but rotations require it; give the model's value");
}

/// Return a warning for models with an indexer: attention is dense only up to index_topk tokens, all of which the
/// indexer picks.
static std::string densityReservation(const AttentionConfig &config) {
  return config.modelType +
         ": compiled as dense attention, which it is up to index_topk = " + std::to_string(config.indexTopK) +
         " tokens; beyond, the model attends only to the tokens that its indexer picks";
}

static std::string conventionReservation(const AttentionConfig &config) {
  return config.modelType + ": not checked against a reference implementation; assuming " +
         (config.ropeInterleaved ? "interleaved" : "half-split") + " RoPE and 1e-6 as the epsilon of the latent's norm";
}

std::vector<std::string> mla::importer::reservations(const AttentionConfig &config) {
  std::vector<std::string> list;
  if (!config.wrappedIn.empty())
    list.push_back(config.wrappedIn + " is compiled, " + config.modelType + ", without the rest of the model");
  if (config.indexTopK)
    list.push_back(densityReservation(config));
  const Family *family = findFamily(config.modelType);
  if (family && family->has(Unconfirmed))
    list.push_back(conventionReservation(config));
  if (!config.unknownKeys.empty())
    list.push_back("not known here: " + llvm::join(config.unknownKeys, ", ") +
                   "; the compiled attention ignores them, and is another one if they change attention");
  return list;
}

std::vector<StringRef> mla::importer::supportedModelTypes() {
  std::vector<StringRef> names;
  for (const Family &family : families())
    names.push_back(family.modelType);
  return names;
}
