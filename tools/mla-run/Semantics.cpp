//===- Semantics.cpp - What a config means -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Semantics.h"
#include "Golden.h"
#include "Text.h"
#include "UsualConfig.h"

#include <algorithm>
#include <cmath>
#include <string_view>

using namespace mla;
using namespace mla::run;
using json::Value;

namespace {
/// A model, as far as it differs: RoPE turns neighbours or halves, whatever the config says, or what it says; the norms
/// of latents have the config's epsilon; an indexer leaves keys out.
struct Model {
  const char *type;
  enum { Neighbours, Halves, Said } pairing = Said;
  bool hasOwnEpsilon = false, hasIndexer = false;
};
} // namespace

static constexpr Model knownModels[] = {{"axk1"},
                                        {"axk2", Model::Neighbours, false, true},
                                        {"bailing_hybrid", Model::Said, true},
                                        {"deepseek_v2", Model::Neighbours},
                                        {"deepseek_v3"},
                                        {"deepseek_v32", Model::Neighbours, false, true},
                                        {"dots3_note", Model::Neighbours, true, true},
                                        {"dots3_note_text", Model::Neighbours, true, true},
                                        {"glm4_moe_lite"},
                                        {"glm5_next", Model::Neighbours, true, true},
                                        {"glm5_next_text", Model::Neighbours, true, true},
                                        {"glm_moe_dsa", Model::Neighbours, false, true},
                                        {"hy_v4", Model::Halves, false, true},
                                        {"kimi_k2"},
                                        {"kimi_linear"},
                                        {"longcat_flash", Model::Neighbours},
                                        {"minicpm3", Model::Halves},
                                        {"mistral4"},
                                        {"mistral_large_3", Model::Neighbours, true},
                                        {"pangu_ultra_moe", Model::Neighbours},
                                        {"plm"},
                                        {"sarvam_mla", Model::Neighbours, true},
                                        {"youtu"}};

static const Model *findModel(const std::string &type) {
  const Model *found = std::find_if(std::begin(knownModels), std::end(knownModels),
                                    [&](const Model &model) { return type == model.type; });
  return found == std::end(knownModels) ? nullptr : found;
}

static bool isNumber(const Value *value) {
  return value && (value->is(Value::Kind::Integer) || value->is(Value::Kind::Number));
}

/// The first of the objects that has the number; null and zero are as good as none, as Python's `or` has it.
static double number(std::initializer_list<const Value *> objects, const char *key, double otherwise) {
  for (const Value *object : objects)
    if (const Value *value = object ? object->find(key) : nullptr; isNumber(value) && value->number != 0)
      return value->number;
  return otherwise;
}

static bool boolean(const Value &object, const char *key, bool otherwise) {
  const Value *value = object.find(key);
  return value && value->is(Value::Kind::Bool) ? value->boolean : otherwise;
}

/// rope_scaling wins where it holds something.
static const Value *ropeOf(const Value &config) {
  for (const char *key : {"rope_scaling", "rope_parameters"})
    if (const Value *rope = config.find(key); rope && rope->is(Value::Kind::Object) && !rope->items.empty())
      return rope;
  return nullptr;
}

static std::string kindOf(const Value *rope) {
  for (const char *key : {"rope_type", "type"})
    if (const Value *kind = rope ? rope->find(key) : nullptr; kind && kind->is(Value::Kind::String))
      return kind->text;
  return "default";
}

namespace {
/// Reads RoPE, and the scales that come with it.
class RopeReader {
public:
  RopeReader(const Value &config, const Value *rope, const mla_bundle_info &info, Semantics &semantics)
      : config(config), rope(rope), info(info), semantics(semantics) {}
  void plain(const char *key, double defaultTheta);
  void yarn();
  double originalLength() const;

private:
  const Value &config;
  const Value *rope;
  const mla_bundle_info &info;
  Semantics &semantics;
  double theta = 0;

  double of(const char *key, double otherwise) const { return number({rope}, key, otherwise); }
  double correction(double rotations) const;
  void scales(double factor);
};
} // namespace

void RopeReader::plain(const char *key, double defaultTheta) {
  theta = number({rope, &config}, key, defaultTheta);
  for (int64_t column = 0; column + 1 < info.qk_rope_head_dim; column += 2)
    semantics.frequencies.push_back(
        std::pow(theta, -static_cast<double>(column) / static_cast<double>(info.qk_rope_head_dim)));
}

double RopeReader::originalLength() const {
  const char *key = "original_max_position_embeddings";
  return number({&config, rope}, key, number({&config}, "max_position_embeddings", 1));
}

/// The column pair that turns so often over the original length.
double RopeReader::correction(double rotations) const {
  return static_cast<double>(info.qk_rope_head_dim) * std::log(originalLength() / (rotations * 6.283185307179586)) /
         (2 * std::log(theta));
}

/// Of cosines and sines by what mscale and mscale_all_dim are to each other, of scores by the latter alone.
void RopeReader::scales(double factor) {
  auto mscale = [&](double m) { return factor > 1 ? 0.1 * m * std::log(factor) + 1 : 1.0; };
  double m = of("mscale", 0), all = of("mscale_all_dim", 0);
  semantics.cosSinScale = of("attention_factor", m != 0 && all != 0 ? mscale(m) / mscale(all) : mscale(1));
  if (all != 0)
    semantics.softmaxScale *= mscale(all) * mscale(all);
}

void RopeReader::yarn() {
  double factor = of("factor", 1), low = correction(of("beta_fast", 32)), high = correction(of("beta_slow", 1));
  if (boolean(*rope, "truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(info.qk_rope_head_dim - 1));
  double width = high == low ? 0.001 : high - low;
  for (size_t pair = 0; pair < semantics.frequencies.size(); ++pair) {
    double ramp = std::clamp((static_cast<double>(pair) - low) / width, 0.0, 1.0);
    semantics.frequencies[pair] *= ramp / factor + 1 - ramp;
  }
  scales(factor);
}

/// What Mistral-4 fills in where a config is silent about RoPE.
static const Value &mistral4Rope() {
  static const Result<Value> rope =
      json::parse(R"({"rope_type": "yarn", "rope_theta": 10000.0, "factor": 128.0, "beta_fast": 32, "beta_slow": 1,
                      "original_max_position_embeddings": 8192, "mscale": 1.0, "mscale_all_dim": 1.0,
                      "llama_4_scaling_beta": 0.1})");
  return *rope;
}

/// The first pair of sizes of blocks: DeepSeek's, or that of a group of compressed-tensors.
static const Value *findBlock(const Value &quantization) {
  if (const Value *block = quantization.find("weight_block_size"))
    return block;
  if (const Value *groups = quantization.find("config_groups"))
    for (const Value &group : groups->items)
      if (const Value *weights = group.find("weights"))
        if (const Value *block = weights->find("block_structure"))
          return block;
  return nullptr;
}

static std::string textOf(const Value &object, const char *key) {
  const Value *value = object.find(key);
  return value ? value->text : "";
}

/// What GPTQ's zeros lack: 1 in the first format, nothing in the second.
static int64_t zeroOffset(const Value &quantization) {
  std::string method = textOf(quantization, "quant_method"), format = textOf(quantization, "checkpoint_format");
  if (method == "auto-round")
    return textOf(quantization, "packing_format") == "auto_round:auto_gptq" ? 1 : -1;
  if (method != "gptq")
    return -1;
  return format.empty() || format == "gptq" ? 1 : format == "gptq_v2" ? 0 : -1;
}

/// The first size of groups of integers; 0: not said.
static int64_t groupSize(const Value &quantization) {
  for (const char *key : {"group_size", "q_group_size"})
    if (const Value *size = quantization.find(key); size && size->integer > 0)
      return size->integer;
  if (const Value *groups = quantization.find("config_groups"))
    for (const Value &group : groups->items)
      if (const Value *weights = group.find("weights"))
        if (const Value *size = weights->find("group_size"); size && size->integer > 0)
          return size->integer;
  return 0;
}

static void readQuantization(const Value &config, Semantics &semantics) {
  const Value *quantization = config.find("quantization_config");
  if (quantization) {
    semantics.zeroOffset = zeroOffset(*quantization);
    semantics.groupSize = groupSize(*quantization);
  }
  const Value *block = quantization ? findBlock(*quantization) : nullptr;
  if (!block || block->items.size() != 2 || block->items[0].integer < 1 || block->items[1].integer < 1)
    return;
  semantics.blockRows = block->items[0].integer;
  semantics.blockColumns = block->items[1].integer;
}

static void readFamily(const Model &model, const Value &config, const mla_bundle_info &info, Semantics &semantics) {
  semantics.interleaved =
      model.pairing == Model::Said ? boolean(config, "rope_interleave", true) : model.pairing == Model::Neighbours;
  if (model.hasOwnEpsilon)
    semantics.normEpsilon = number({&config}, "rms_norm_eps", semantics.normEpsilon);
  if (model.hasIndexer)
    semantics.mostTokens = static_cast<int64_t>(number({&config}, "index_topk", 2048));
  if (std::string_view(model.type) == "longcat_flash") {
    auto hidden = static_cast<double>(info.hidden_size);
    semantics.twoAttentions = true;
    semantics.queryScale = std::sqrt(hidden / static_cast<double>(std::max<int64_t>(info.q_lora_rank, 1)));
    semantics.latentScale = std::sqrt(hidden / static_cast<double>(info.kv_lora_rank));
  }
}

static std::string textOf(const Value *value) {
  return value && value->is(Value::Kind::String) ? value->text : std::string();
}

/// A dots3 layer of a window has keys of its own, and no indexer; both kinds rescale their latents.
static void readDots3(const Value &config, const mla_bundle_info &info, Semantics &semantics) {
  const Value *types = config.find("layer_types");
  auto layer = static_cast<size_t>(info.layers[0]);
  bool isWindow = types && layer < types->items.size() && textOf(&types->items[layer]) == "sliding_attention";
  std::string gate = textOf(config.find(isWindow ? "swa_attention_gate_type" : "attention_gate_type"));
  semantics.gate = gate == "headwise"      ? Semantics::HeadGate
                   : gate == "elementwise" ? Semantics::ElementGate
                                           : Semantics::NoGate;
  semantics.normsKeyRope = boolean(config, "k_rope_only_layernorm", true);
  if (boolean(config, "apply_mla_qkv_lora_rescale", false)) {
    auto hidden = static_cast<double>(info.hidden_size);
    semantics.queryScale = std::sqrt(hidden / static_cast<double>(std::max<int64_t>(info.q_lora_rank, 1)));
    semantics.latentScale = std::sqrt(hidden / static_cast<double>(info.kv_lora_rank));
  }
  if (!isWindow)
    return;
  semantics.window = static_cast<int64_t>(number({&config}, "sliding_window_size", 1));
  semantics.mostTokens = INT64_MAX;
}

/// What only one family has.
static void readExtras(const std::string &model, const Value &config, const mla_bundle_info &info,
                       Semantics &semantics) {
  if (model == "kimi_linear" && boolean(config, "mla_use_output_gate", false))
    semantics.gate = Semantics::ElementGate;
  if (model == "hy_v4") {
    semantics.gate = Semantics::ElementGate;
    semantics.names = {{"g_proj", "gate_proj"}};
    semantics.hasSinks = true;
  }
  if (model == "bailing_hybrid") {
    std::string gate = textOf(config.find("gated_attention_proj_granularity_type"));
    semantics.gate = gate == "head_wise"      ? Semantics::HeadGate
                     : gate == "element_wise" ? Semantics::ElementGate
                                              : Semantics::NoGate;
    semantics.module = "attention.";
    semantics.names = {{"o_proj", "dense"}};
  }
  if (model == "axk2") {
    semantics.gate = Semantics::ElementGate;
    semantics.joinsGate = true;
  }
  if (model == "mistral_large_3") {
    semantics.module = "attention.";
    semantics.names = {{"q_a_proj", "wq_a"},
                       {"q_a_layernorm", "q_a_norm"},
                       {"q_b_proj", "wq_b"},
                       {"q_proj", "wq"},
                       {"kv_a_proj_with_mqa", "wkv_a_with_mqa"},
                       {"kv_a_layernorm", "kv_a_norm"},
                       {"kv_b_proj", "wkv_b"},
                       {"o_proj", "wo"}};
    if (const Value *scaling = config.find("llama_4_scaling")) {
      semantics.beta = number({scaling}, "beta", 0);
      semantics.originalLength = number({scaling}, "original_max_position_embeddings", 1);
    }
  }
  if (model.rfind("dots3_note", 0) == 0)
    readDots3(config, info, semantics);
}

std::string Semantics::ownName(const std::string &usual) const {
  size_t end = std::min(usual.find('.'), usual.size());
  for (const auto &[name, own] : names)
    if (usual.compare(0, end, name) == 0)
      return own + usual.substr(end);
  return usual;
}

static Error refused(const std::string &where, const std::string &what) {
  return Error(ErrorKind::Unsupported, where + ": " + what);
}

Result<Semantics> mla::run::readSemantics(const std::string &where, const Value &whole, const mla_bundle_info &info) {
  if (!whole.is(Value::Kind::Object))
    return Error(ErrorKind::InvalidFile, where + ": must be a JSON object, is " + json::kindName(whole.kind));
  Value config = usualConfig(whole);
  std::string model = info.model_type;
  const Model *known = findModel(model);
  if (!known)
    return refused(where, "model_type " + quoted(model) + " is not known to --self-check; use --check");
  // The reference has sizes and family of the bundle, and would be right about another model than the config's.
  if (Error error = checkModel(where, config, info))
    return error;
  const Value *rope = ropeOf(config);
  if (model == "mistral4" && !rope && !config.find("rope_theta"))
    rope = &mistral4Rope();
  std::string kind = kindOf(rope);
  if (kind == "deepseek_yarn") // vLLM's name
    kind = "yarn";
  if (kind != "default" && kind != "yarn")
    return refused(where, "rope type " + quoted(kind) + " is not known to --self-check; use --check");

  Semantics semantics;
  semantics.softmaxScale = 1 / std::sqrt(static_cast<double>(info.qk_nope_head_dim + info.qk_rope_head_dim));
  readFamily(*known, config, info, semantics);
  readExtras(model, config, info, semantics);
  RopeReader reader(config, rope, info, semantics);
  bool ofWindow = semantics.window != INT64_MAX;
  reader.plain(ofWindow ? "swa_rope_theta" : "rope_theta", model == "longcat_flash" ? 1e7 : model == "plm" ? 1e5 : 1e4);
  if (kind == "yarn")
    reader.yarn();
  if (model == "kimi_linear") // which has the columns and does not turn them
    std::fill(semantics.frequencies.begin(), semantics.frequencies.end(), 0.0);
  if (model == "mistral4") {
    semantics.beta = number({rope, &config}, "llama_4_scaling_beta", 0);
    semantics.originalLength = reader.originalLength();
  }
  readQuantization(whole.find("quantization_config") ? whole : config, semantics);
  return semantics;
}
