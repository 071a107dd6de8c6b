//===- DecoderConfig.cpp - A decoder layer in config.json -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/DecoderConfig.h"
#include "Families.h"
#include "Json.h"
#include "LanguageModel.h"
#include "Limits.h"

#include <cmath>

using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;

static constexpr int64_t maxGroups = 1 << 16;

/// Reject an MLP that is not down(silu(gate) · up) without biases.
static void checkMlp(FieldReader &reader) {
  StringRef activation = reader.string("hidden_act");
  if (!activation.empty() && activation != "silu")
    reader.refuse("hidden_act", activation + " is not supported; expected silu");
  if (reader.boolean("mlp_bias", false))
    reader.refuse("mlp_bias", "true, but MLPs with biases are not supported; use --scope=attention");
  if (reader.boolean("router_bias", false))
    reader.refuse("router_bias", "true, but routers with biases are not supported; use --scope=attention");
}

static int64_t required(FieldReader &reader, StringRef key, int64_t limit) {
  if (reader.find(key))
    return reader.count(key, limit);
  reader.refuse(key, "missing, but the config has experts; give it");
  return 1;
}

/// Read the groups of experts. DeepSeek-V2's greedy choice has none.
static void parseGroups(FieldReader &reader, const RouterFamily &family, const Experts &experts, Router &router) {
  StringRef method = reader.string("topk_method");
  bool isKnown = method.empty() || llvm::is_contained(family.methods, method);
  if (!isKnown)
    reader.refuse("topk_method", method + " is not known for this model; expected " + family.methods.front());
  router.best = family.best;
  if (method == "greedy" || (method.empty() && family.methods.front() == "greedy"))
    return;
  router.groups = required(reader, "n_group", maxGroups);
  router.keptGroups = required(reader, "topk_group", maxGroups);
  if (experts.routed % router.groups)
    reader.refuse("n_group", Twine(router.groups) + " does not divide the " + Twine(experts.routed) +
                                 " experts; correct the config");
  else if (router.keptGroups > router.groups)
    reader.refuse("topk_group",
                  Twine(router.keptGroups) + " is more than n_group, " + Twine(router.groups) + "; correct the config");
  else if (router.best > experts.routed / router.groups)
    reader.refuse("n_group", "makes groups of one expert, but groups are compared by their " + Twine(router.best) +
                                 " best; correct the config");
  else if (experts.perToken > router.keptGroups * (experts.routed / router.groups))
    reader.refuse("topk_group",
                  "leaves fewer experts than num_experts_per_tok, " + Twine(experts.perToken) + "; correct the config");
}

/// Reject additional choices that do something else than return their input.
static void checkZeroExperts(FieldReader &reader, const RouterFamily &family, const Experts &experts) {
  StringRef kind = reader.string("zero_expert_type");
  if (experts.zero && !family.hasZeroExperts)
    reader.refuse("zero_expert_num", "not supported for " + family.modelType + "; use --scope=attention");
  else if (experts.zero && !kind.empty() && kind != "identity")
    reader.refuse("zero_expert_type", kind + " is not supported; expected identity");
}

static Router parseRouter(FieldReader &reader, const RouterFamily &family, const Experts &experts) {
  Router router;
  checkZeroExperts(reader, family, experts);
  router.isSigmoid = family.isSigmoid;
  router.isCorrected = family.isCorrected;
  StringRef scoring = reader.string("scoring_func"), own = family.isSigmoid ? "sigmoid" : "softmax";
  if (!scoring.empty() && scoring != own)
    reader.refuse("scoring_func", scoring + ", but this model's router computes the " + own + "; correct the config");
  parseGroups(reader, family, experts, router);
  router.isNormalized = family.isNormalized && reader.boolean("norm_topk_prob", true);
  if (!reader.find("routed_scaling_factor"))
    reader.refuse("routed_scaling_factor", "missing, but the config has experts; give it");
  else
    router.factor = reader.number("routed_scaling_factor", -1e6, 1e6, std::nullopt);
  return router;
}

/// Read MiniCPM's scales of the residual stream, of the embedding and of logits.
static void parseScales(FieldReader &reader, const AttentionConfig &attention, DecoderConfig &config) {
  config.residualScale = reader.number("scale_depth", 1e-6, 1e6, std::nullopt) / std::sqrt(attention.numLayers);
  config.embeddingScale = reader.number("scale_emb", 1e-6, 1e6, std::nullopt);
  config.logitScale = reader.number("dim_model_base", 1, 1e9, std::nullopt) / static_cast<double>(attention.hiddenSize);
}

/// Read the tokens that end a text: one number, several, or none.
static std::vector<int64_t> parseStopTokens(FieldReader &reader, int64_t vocabulary) {
  constexpr StringRef key = "eos_token_id";
  constexpr size_t most = 64;
  int64_t last = (vocabulary ? vocabulary : maxVocabulary) - 1;
  const llvm::json::Value *value = reader.find(key);
  if (!value)
    return {};
  const llvm::json::Array *list = value->getAsArray();
  if (!list)
    return {reader.count(key, *value, last, /*least=*/0)};
  if (list->size() > most)
    reader.refuse(key, "expected at most " + Twine(most) + " tokens, got " + Twine(list->size()));
  std::vector<int64_t> tokens;
  for (const llvm::json::Value &item : *list)
    tokens.push_back(reader.count(key, item, last, /*least=*/0));
  return tokens;
}

/// Return an error for a model whose layers are not compiled.
static llvm::Error checkIsSupported(const ModelConfig &model, const AttentionConfig &attention, StringRef where) {
  if (!model.hasMlp())
    return fail(where + ": intermediate_size: missing, but a layer has an MLP; give it, or use --scope=attention");
  if (model.experts && !findRouter(attention.modelType))
    return fail(where + ": model_type: the router of " + attention.modelType +
                " is not supported: it needs a golden model that shows what it computes; use --scope=attention");
  return llvm::Error::success();
}

llvm::Expected<DecoderConfig> mla::importer::parseDecoderConfig(StringRef json, StringRef path,
                                                                const AttentionConfig &attention) {
  llvm::Expected<ModelConfig> model = parseModelConfig(json, path);
  if (!model)
    return model.takeError();
  llvm::Expected<LanguageModelConfig> parsed = parseLanguageModel(json, path);
  if (!parsed)
    return parsed.takeError();
  if (llvm::Error error = checkIsSupported(*model, attention, parsed->where))
    return error;
  DecoderConfig config;
  config.normEps = attention.configRmsNormEps;
  config.denseWidth = model->denseWidth;
  config.experts = model->experts;
  config.sparse = model->sparse;
  config.hasShortcut = attention.attentionsPerLayer > 1;
  config.vocabSize = model->vocabSize;
  config.tiedEmbeddings = model->tiedEmbeddings;
  FieldReader reader(parsed->root, parsed->where);
  checkMlp(reader);
  config.stopTokens = parseStopTokens(reader, model->vocabSize);
  if (reader.find("max_position_embeddings"))
    config.maxPositions = reader.count("max_position_embeddings", maxLength);
  if (findFamily(attention.modelType)->has(DepthScaledResiduals))
    parseScales(reader, attention, config);
  if (model->experts) {
    config.router = parseRouter(reader, *findRouter(attention.modelType), *model->experts);
    config.joinsExperts = findRouter(attention.modelType)->isJoined;
  }
  if (llvm::Error error = reader.takeError())
    return error;
  return config;
}

StringRef mla::importer::firstDifference(const DecoderConfig &a, const DecoderConfig &b) {
  if (a.experts.has_value() != b.experts.has_value())
    return "n_routed_experts";
  Experts own = a.experts.value_or(Experts()), other = b.experts.value_or(Experts());
  const std::pair<bool, StringRef> fields[] = {
      {a.normEps == b.normEps, "rms_norm_eps"},
      {a.residualScale == b.residualScale, "scale_depth"},
      {a.denseWidth == b.denseWidth, "intermediate_size"},
      {own.width == other.width, "moe_intermediate_size"},
      {own.routed == other.routed, "n_routed_experts"},
      {own.perToken == other.perToken, "num_experts_per_tok"},
      {own.zero == other.zero, "zero_expert_num"},
      {own.sharedWidth == other.sharedWidth, "n_shared_experts"},
      {a.sparse == b.sparse, "the layers with experts"},
      {a.vocabSize == b.vocabSize, "vocab_size"},
      {a.stopTokens == b.stopTokens, "eos_token_id"},
      {a.maxPositions == b.maxPositions, "max_position_embeddings"},
      {a.tiedEmbeddings == b.tiedEmbeddings, "tie_word_embeddings"},
      {a.embeddingScale == b.embeddingScale, "scale_emb"},
      {a.logitScale == b.logitScale, "dim_model_base"},
      {a.router.groups == b.router.groups, "n_group"},
      {a.router.keptGroups == b.router.keptGroups, "topk_group"},
      {a.router.isNormalized == b.router.isNormalized, "norm_topk_prob"},
      {a.router.factor == b.router.factor, "routed_scaling_factor"},
  };
  for (auto [same, name] : fields)
    if (!same)
      return name;
  return {};
}
