//===- ModelConfig.cpp - The whole model in config.json -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/ModelConfig.h"
#include "Families.h"
#include "Json.h"
#include "LanguageModel.h"
#include "Limits.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mla::importer;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Object;
using llvm::json::Value;

// Like those of Limits.h.
static constexpr int64_t maxExperts = 1 << 16;

int64_t ModelConfig::numLayers() const {
  int64_t sum = 0;
  for (const LayerKind &kind : layers)
    sum += kind.layers;
  return sum;
}

int64_t ModelConfig::numAttentions() const {
  int64_t sum = 0;
  for (const LayerKind &kind : layers)
    sum += kind.layers * kind.attentions;
  return sum;
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

/// Return the first of several names of a field that the config has; the first of all if it has none.
static StringRef nameIn(const FieldReader &reader, ArrayRef<StringRef> names) {
  const StringRef *found = llvm::find_if(names, [&](StringRef name) { return reader.find(name); });
  return found == names.end() ? names.front() : *found;
}

/// Read a size that is required because the config has `because`.
static int64_t needed(FieldReader &reader, ArrayRef<StringRef> names, int64_t limit, StringRef because,
                      int64_t least = 1) {
  StringRef name = nameIn(reader, names);
  if (reader.find(name))
    return reader.count(name, limit, least);
  reader.refuse(name, "missing, but the config has " + because + "; give it, or leave out all fields of the MLP");
  return least;
}

static int64_t optional(FieldReader &reader, ArrayRef<StringRef> names, int64_t limit, int64_t least, int64_t absent) {
  StringRef name = nameIn(reader, names);
  return reader.find(name) ? reader.count(name, limit, least) : absent;
}

//===----------------------------------------------------------------------===//
// MLPs
//===----------------------------------------------------------------------===//

// transformers defines these names as aliases of LongCat-Flash's fields.
static constexpr StringRef denseWidths[] = {"intermediate_size", "ffn_hidden_size"};
static constexpr StringRef expertWidths[] = {"moe_intermediate_size", "expert_ffn_hidden_size"};
static constexpr StringRef expertCounts[] = {"n_routed_experts", "num_local_experts", "num_experts"};
static constexpr StringRef choices[] = {"num_experts_per_tok", "moe_topk"};

static void parseExperts(FieldReader &reader, ModelConfig &model) {
  StringRef because = nameIn(reader, expertCounts);
  Experts experts;
  experts.routed = reader.count(because, maxExperts);
  experts.width = needed(reader, expertWidths, maxHidden, because);
  experts.perToken = needed(reader, choices, maxExperts, because);
  experts.zero = optional(reader, {"zero_expert_num"}, maxExperts, 0, 0);
  experts.sharedWidth = experts.width * optional(reader, {"n_shared_experts"}, maxExperts, 0, 0);
  if (experts.perToken > experts.routed + experts.zero)
    reader.refuse(nameIn(reader, choices), Twine(experts.perToken) + " of " + Twine(experts.routed + experts.zero) +
                                               " experts cannot be selected; correct the config");
  model.experts = experts;
}

/// Find the layers of `layers` with experts according to mlp_layer_types.
static std::vector<bool> findSparse(FieldReader &reader, const Value &list, int64_t layers) {
  const llvm::json::Array *types = list.getAsArray();
  std::vector<bool> sparse;
  if (!types || int64_t(types->size()) != layers) {
    reader.refuse("mlp_layer_types", "expected a list of " + Twine(layers) + " layers; correct the config");
    return std::vector<bool>(layers);
  }
  for (const Value &type : *types) {
    std::optional<StringRef> text = type.getAsString();
    if (!text || (*text != "dense" && *text != "sparse"))
      reader.refuse("mlp_layer_types", "expected dense or sparse, got " + shortText(type) + "; correct the config");
    sparse.push_back(text == StringRef("sparse"));
  }
  return sparse;
}

/// Find the layers with experts according to DeepSeek's keys: layers from first_k_dense_replace on whose index is a
/// multiple of moe_layer_freq. A config with reduced layers may have none.
static std::vector<bool> findSparse(FieldReader &reader, int64_t layers) {
  if (const Value *list = reader.find("mlp_layer_types"))
    return findSparse(reader, *list, layers);
  int64_t first = needed(reader, {"first_k_dense_replace"}, maxLayers, "n_routed_experts", /*least=*/0);
  int64_t every = optional(reader, {"moe_layer_freq"}, maxLayers, 1, 1);
  std::vector<bool> sparse;
  for (int64_t layer = 0; layer < layers; ++layer)
    sparse.push_back(layer >= first && layer % every == 0);
  return sparse;
}

/// Add the layers of LongCat-Flash: each has two attentions with a dense MLP after each, and one parallel mixture.
static void addLayersOfTwoAttentions(FieldReader &reader, int64_t layers, ModelConfig &model) {
  if (model.experts)
    model.denseWidth = needed(reader, denseWidths, maxHidden, nameIn(reader, expertCounts));
  model.layers = {{layers, 2, model.denseWidth ? 2 : 0, model.experts ? 1 : 0}};
  for (int64_t attention = 0; attention < 2 * layers; ++attention)
    model.sparse.push_back(model.experts && attention % 2 == 0);
}

static void addLayers(FieldReader &reader, int64_t layers, ModelConfig &model) {
  model.sparse = model.experts ? findSparse(reader, layers) : std::vector<bool>(layers);
  int64_t sparse = llvm::count(model.sparse, true);
  if (model.experts && sparse < layers)
    model.denseWidth = needed(reader, denseWidths, maxHidden, nameIn(reader, expertCounts));
  if (sparse < layers)
    model.layers.push_back({layers - sparse, 1, model.denseWidth ? 1 : 0, 0});
  if (sparse)
    model.layers.push_back({sparse, 1, 0, 1});
}

/// Parse the fields common to all models. `layers` is the number of decoder layers.
static void parseDecoder(FieldReader &reader, int64_t layers, bool twoAttentions, ModelConfig &model) {
  model.vocabSize = optional(reader, {"vocab_size"}, maxVocabulary, 1, 0);
  model.denseWidth = optional(reader, denseWidths, maxHidden, 1, 0);
  if (reader.find(nameIn(reader, expertCounts)))
    parseExperts(reader, model);
  if (twoAttentions)
    addLayersOfTwoAttentions(reader, layers, model);
  else
    addLayers(reader, layers, model);
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

static llvm::Expected<ModelConfig> parseLatent(StringRef json, StringRef path, const LanguageModelConfig &parsed) {
  const Object &root = parsed.root;
  StringRef where = parsed.where;
  llvm::Expected<AttentionConfig> attention = parseConfig(json, path);
  if (!attention)
    return attention.takeError();
  if (!attention->otherLayers.empty())
    return fail(where + ": model_type: layers of " + attention->modelType +
                " have different attentions, and only those of latent attention are known, without their costs beside "
                "the others and without what is around them; use --scope=attention without --report");
  const Family *family = findFamily(attention->modelType);
  ModelConfig model;
  model.modelType = attention->modelType;
  model.hiddenSize = attention->hiddenSize;
  FieldReader reader(root, where);
  model.tiedEmbeddings = reader.boolean("tie_word_embeddings", family->has(TiedEmbeddings));
  parseDecoder(reader, attention->numLayers / attention->attentionsPerLayer, attention->attentionsPerLayer > 1, model);
  model.latent = std::move(*attention);
  if (llvm::Error error = reader.takeError())
    return error;
  return model;
}

/// Parse the heads of a model without latent attention. GPT-2 uses n_embd and related names; transformers' common names
/// are accepted too.
static void parseHeads(FieldReader &reader, ModelConfig &model) {
  model.hiddenSize = reader.count(nameIn(reader, {"hidden_size", "n_embd"}), maxHidden);
  HeadAttention &heads = model.heads;
  heads.heads = reader.count(nameIn(reader, {"num_attention_heads", "n_head"}), maxHeads);
  heads.keyValueHeads = optional(reader, {"num_key_value_heads"}, maxHeads, 1, heads.heads);
  if (heads.heads % heads.keyValueHeads)
    reader.refuse("num_key_value_heads", Twine(heads.keyValueHeads) + " does not divide num_attention_heads, " +
                                             Twine(heads.heads) + "; correct the config");
  bool derived = !reader.find("head_dim");
  heads.headDim = derived ? model.hiddenSize / heads.heads : reader.count("head_dim", maxHeads);
  if (derived && model.hiddenSize % heads.heads)
    reader.refuse("head_dim", "missing, and hidden_size is not a multiple of num_attention_heads; give it");
}

static llvm::Expected<ModelConfig> parseHeadModel(const Object &root, StringRef where, const HeadFamily &family) {
  ModelConfig model;
  model.modelType = family.modelType.str();
  model.gatedMlp = family.gated;
  model.heads.rotated = family.rotated;
  FieldReader reader(root, where);
  model.tiedEmbeddings = reader.boolean("tie_word_embeddings", family.tiedEmbeddings);
  parseHeads(reader, model);
  parseDecoder(reader, reader.count(nameIn(reader, {"num_hidden_layers", "n_layer"}), maxLayers),
               /*twoAttentions=*/false, model);
  if (!model.hasMlp() && reader.find("n_embd")) // GPT-2: n_inner is null for the default
    model.layers.front().denseMlps = 1,
    model.denseWidth = optional(reader, {"n_inner"}, maxHidden, 1, 4 * model.hiddenSize);
  if (llvm::Error error = reader.takeError())
    return error;
  return model;
}

llvm::Expected<ModelConfig> mla::importer::parseModelConfig(StringRef json, StringRef path) {
  llvm::Expected<LanguageModelConfig> parsed = parseLanguageModel(json, path);
  if (!parsed)
    return parsed.takeError();
  const Object &root = parsed->root;
  StringRef where = parsed->where;
  FieldReader reader(root, where);
  StringRef name = reader.string("model_type");
  if (llvm::Error error = reader.takeError())
    return error;
  for (const HeadFamily &family : headFamilies())
    if (name == family.modelType)
      return parseHeadModel(root, where, family);
  if (root.get("kv_lora_rank") || findFamily(name))
    return parseLatent(json, path, *parsed);
  auto names = llvm::map_range(headFamilies(), [](const HeadFamily &family) { return StringRef(family.modelType); });
  std::string what = name.empty() ? "missing" : (name + " is not known here").str();
  return fail(where + ": model_type: " + what + "; give a config of " + llvm::join(supportedModelTypes(), ", ") + ", " +
              llvm::join(names, ", "));
}
