//===- RopeConfig.cpp - The RoPE parameters in config.json ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two styles are supported: rope_scaling beside rope_theta, and the single
// object rope_parameters of transformers 5. The precedence of keys is that of
// RotaryEmbeddingConfigMixin in modeling_rope_utils.py.
//
//===----------------------------------------------------------------------===//

#include "RopeConfig.h"
#include "Json.h"
#include "Limits.h"
#include "Rope.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Object;

static constexpr double maxTheta = 1e12;
static constexpr double maxScale = 1e6;

namespace {
/// Parses the object with the RoPE parameters, and the config around it.
class RopeParser {
public:
  RopeParser(const Object &root, StringRef where, const Family &family, AttentionConfig &config)
      : family(family), config(config), key(ropeKey(root)), rope(key.empty() ? none : *root.getObject(key)),
        outer(root, where), inner(rope, where, key.empty() ? key : key + ".") {}

  llvm::Error parse();

private:
  static std::string ropeKey(const Object &root);
  void checkKind(StringRef kind);
  double theta(bool mayBeUnknown);
  int64_t originalLength();
  void checkRotaryPart();
  void parseYarn();
  void parsePairing();
  void parseQueryScale();

  const Family &family;
  AttentionConfig &config;
  std::string key; ///< Empty if the config has no such object.
  const Object none;
  const Object &rope;
  FieldReader outer, inner;
};
} // namespace

/// Return the key of the RoPE parameters. rope_scaling takes precedence unless it is empty, as in
/// convert_rope_params_to_dict.
std::string RopeParser::ropeKey(const Object &root) {
  for (StringRef key : {"rope_scaling", "rope_parameters"})
    if (const Object *object = root.getObject(key); object && !object->empty())
      return key.str();
  return "";
}

void RopeParser::checkKind(StringRef kind) {
  if (kind == "default" || (kind == "yarn" && !family.has(PlainRope)))
    return;
  StringRef needs = ropeTypeNeeds(kind);
  inner.refuse("rope_type", kind + " is not supported" + (needs.empty() ? "" : ": it needs ") + needs +
                                (family.has(PlainRope) ? "; expected default" : "; expected default or yarn"));
}

/// Read rope_theta. Null does not mean the default: the value is unknown, and NaN makes every rotation NaN. Without
/// rotary part the value is not used.
double RopeParser::theta(bool mayBeUnknown) {
  FieldReader &reader = inner.find("rope_theta", /*nullIsAbsent=*/false) ? inner : outer;
  const llvm::json::Value *value = reader.find("rope_theta", /*nullIsAbsent=*/false);
  if (!value || value->kind() != llvm::json::Value::Null || !config.ropeDim)
    return reader.number("rope_theta", 2.0, maxTheta, family.defaultTheta);
  if (!mayBeUnknown)
    reader.refuse("rope_theta", "null; give the model's value");
  return std::numeric_limits<double>::quiet_NaN();
}

/// Return the context length of training before YaRN (in the order of standardize_rope_params).
int64_t RopeParser::originalLength() {
  StringRef key = "original_max_position_embeddings";
  if (outer.find(key))
    return outer.count(key, maxLength);
  if (inner.find(key))
    return inner.count(key, maxLength);
  if (outer.find("max_position_embeddings"))
    return outer.count("max_position_embeddings", maxLength);
  inner.refuse(key, "missing; give the length that the model was trained on");
  return 1;
}

/// Check that RoPE rotates all of qk_rope_head_dim: int(head_dim * partial_rotary_factor), as in
/// _compute_yarn_parameters.
void RopeParser::checkRotaryPart() {
  double head = family.has(RotaryPartOfHead) ? config.qkDim() : config.ropeDim;
  FieldReader &reader = inner.find("partial_rotary_factor") ? inner : outer;
  double part = reader.number("partial_rotary_factor", 0.0, 1.0, config.ropeDim ? config.ropeDim / head : 0.0);
  int64_t turned = static_cast<int64_t>(head * part);
  if (turned != config.ropeDim)
    reader.refuse("partial_rotary_factor", "rotates " + Twine(turned) + " columns, but qk_rope_head_dim is " +
                                               Twine(config.ropeDim) + "; give consistent values");
}

void RopeParser::parseYarn() {
  Yarn yarn;
  yarn.factor = inner.number("factor", 1.0, maxScale, std::nullopt);
  yarn.originalLength = originalLength();
  // Like Python's `or`: zero means the default.
  if (double fast = inner.number("beta_fast", 0.0, maxScale, 0.0))
    yarn.betaFast = fast;
  if (double slow = inner.number("beta_slow", 0.0, maxScale, 0.0))
    yarn.betaSlow = slow;
  if (yarn.betaFast < yarn.betaSlow)
    inner.refuse("beta_fast", "is below beta_slow; exchange them");
  yarn.truncate = inner.boolean("truncate", true);

  // There are two separate scales. The scale of cos and sin depends on which of the two mscales exist
  // (_compute_yarn_parameters).
  double mscale = inner.number("mscale", 0.0, maxScale, 0.0);
  double allDim = inner.number("mscale_all_dim", 0.0, maxScale, 0.0);
  double inferred = mscale && allDim ? yarnMscale(yarn.factor, mscale) / yarnMscale(yarn.factor, allDim)
                                     : yarnMscale(yarn.factor, 1.0);
  config.rope.cosSinScale = static_cast<float>(inner.number("attention_factor", 1e-6, maxScale, inferred));
  // The scale of the scores depends only on mscale_all_dim (yarn_apply_mscale; the same in every family, including V2).
  if (allDim)
    config.softmaxScale *= yarnMscale(yarn.factor, allDim) * yarnMscale(yarn.factor, allDim);
  if (config.ropeDim && !inner.failed() && !outer.failed())
    config.rope.inverseFrequencies = yarnFrequencies(config.rope.theta, config.ropeDim, yarn);
}

void RopeParser::parsePairing() {
  bool asked = outer.boolean("rope_interleave", family.pairing != RopePairing::HalfSplit);
  config.ropeInterleaved = family.pairing == RopePairing::Configured ? asked : family.pairing != RopePairing::HalfSplit;
  if (asked != config.ropeInterleaved)
    outer.refuse("rope_interleave", Twine(asked ? "true" : "false") + ", but " + config.modelType + " always pairs " +
                                        (asked ? "halves" : "neighbors") + "; remove the key");
}

/// Parse Mistral-4's query scale (get_llama_4_attn_scale). The reference stores beta with the RoPE parameters, older
/// configs beside them.
void RopeParser::parseQueryScale() {
  FieldReader &reader = inner.find("llama_4_scaling_beta") ? inner : outer;
  config.queryScaleBeta = reader.number("llama_4_scaling_beta", 0.0, maxScale, std::nullopt);
  if (config.queryScaleBeta)
    config.queryScaleOriginalLength = originalLength();
}

llvm::Error RopeParser::parse() {
  for (const auto &[name, value] : rope)
    if (value.kind() == llvm::json::Value::Object)
      inner.refuse(StringRef(name), "an object: RoPE that differs between layers is not supported; give one set of "
                                    "parameters");
  StringRef kind = inner.string("rope_type");
  if (kind.empty())
    kind = inner.string("type");
  if (kind.empty())
    kind = "default";
  if (kind == "deepseek_yarn") // vLLM's name
    kind = "yarn";
  checkKind(kind);
  config.rope.theta = theta(/*mayBeUnknown=*/kind == "default");
  config.softmaxScale = 1.0 / std::sqrt(static_cast<double>(config.qkDim()));
  checkRotaryPart();
  parsePairing();
  if (kind == "yarn")
    parseYarn();
  else if (config.isUnrotated)
    config.rope.inverseFrequencies.assign(config.ropeDim / 2, 0.0f);
  else
    config.rope.inverseFrequencies = plainFrequencies(config.rope.theta, config.ropeDim);
  if (family.has(PositionScaledQuery))
    parseQueryScale();
  if (llvm::Error error = inner.takeError())
    return error;
  return outer.takeError();
}

/// Return the defaults of Mistral4Config for configs without RoPE parameters.
static Object mistral4Defaults() {
  return Object{{"rope_type", "yarn"},
                {"rope_theta", 10000.0},
                {"factor", 128.0},
                {"original_max_position_embeddings", 8192},
                {"beta_fast", 32.0},
                {"beta_slow", 1.0},
                {"mscale", 1.0},
                {"mscale_all_dim", 1.0},
                {"llama_4_scaling_beta", 0.1}};
}

llvm::Error mla::importer::parseRope(const Object &root, StringRef where, const Family &family,
                                     AttentionConfig &config) {
  for (StringRef key : {"rope_scaling", "rope_parameters"})
    if (llvm::Expected<const Object *> object = findObject(root, key, where); !object)
      return object.takeError();
  bool silent = llvm::all_of(llvm::ArrayRef<StringRef>{"rope_scaling", "rope_parameters", "rope_theta"},
                             [&](StringRef key) { return !root.get(key); });
  if (!family.has(PositionScaledQuery) || !silent)
    return RopeParser(root, where, family, config).parse();
  Object filled = root;
  filled["rope_parameters"] = mistral4Defaults();
  return RopeParser(filled, where, family, config).parse();
}
