//===- UsualConfig.cpp - Configs with usual keys --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "UsualConfig.h"

#include <algorithm>
#include <iterator>

using namespace mla;
using namespace mla::run;
using json::Value;

namespace {
struct Renaming {
  const char *own, *usual;
};
} // namespace

static constexpr Renaming ofMistral[] = {
    {"dim", "hidden_size"},       {"n_layers", "num_hidden_layers"}, {"n_heads", "num_attention_heads"},
    {"norm_eps", "rms_norm_eps"}, {"yarn", "rope_scaling"},          {"quantization", "quantization_config"}};
static constexpr Renaming ofYarn[] = {{"beta", "beta_fast"}, {"alpha", "beta_slow"}};
static constexpr Renaming ofPangu[] = {{"attention_kv_lora_dim", "kv_lora_rank"},
                                       {"attention_q_lora_dim", "q_lora_rank"},
                                       {"attention_qk_dim", "qk_nope_head_dim"},
                                       {"attention_qk_rope_dim", "qk_rope_head_dim"},
                                       {"attention_v_dim", "v_head_dim"}};

static const Value &languageModel(const Value &config) {
  if (!config.find("kv_lora_rank"))
    for (const char *key : {"text_config", "language_config", "llm_config"})
      if (const Value *inner = config.find(key); inner && inner->is(Value::Kind::Object))
        return *inner;
  return config;
}

/// Renames keys of an object, unless it has the usual one too.
template <size_t N> static void rename(Value &object, const Renaming (&renamings)[N]) {
  for (std::string &key : object.keys) {
    const Renaming *own =
        std::find_if(std::begin(renamings), std::end(renamings), [&](const Renaming &row) { return key == row.own; });
    if (own != std::end(renamings) && !object.find(own->usual))
      key = own->usual;
  }
}

static void add(Value &object, const char *key, Value value) {
  object.keys.emplace_back(key);
  object.items.push_back(std::move(value));
}

static Value textValue(const char *text) {
  Value value;
  value.kind = Value::Kind::String;
  value.text = text;
  return value;
}

/// The scaling of Mistral Large 3 is YaRN, of which nothing else is scaled.
static void usualYarn(Value &config) {
  for (size_t i = 0; i < config.keys.size(); ++i) {
    Value &yarn = config.items[i];
    if (config.keys[i] != "rope_scaling" || !yarn.is(Value::Kind::Object) || yarn.find("rope_type"))
      continue;
    rename(yarn, ofYarn);
    add(yarn, "rope_type", textValue("yarn"));
    Value one;
    one.kind = Value::Kind::Number;
    one.number = 1;
    add(yarn, "attention_factor", one);
  }
}

Value mla::run::usualConfig(const Value &whole) {
  Value config = languageModel(whole);
  const Value *type = config.find("model_type");
  if ((!type || type->text == "transformer") && config.find("n_layers") && config.find("kv_lora_rank")) {
    rename(config, ofMistral);
    usualYarn(config);
    for (size_t i = 0; i < config.keys.size(); ++i)
      if (config.keys[i] == "model_type")
        config.items[i] = textValue("mistral_large_3");
  } else if (type && type->text == "pangu_ultra_moe") {
    rename(config, ofPangu);
  }
  return config;
}
