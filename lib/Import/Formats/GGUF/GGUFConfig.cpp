//===- GGUFConfig.cpp - The attention's config in a GGUF file -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// llama.cpp converts DeepSeek V2 and V3, Kimi K2, Moonlight and GLM-4.7-Flash to
// the architecture deepseek2. Of the attention, it keeps one of YaRN's two
// mscales, as a tenth of mscale_all_dim; released models have both alike. The
// epsilon of the latent norms is not that of the file, as in config.json.
//
//===----------------------------------------------------------------------===//

#include "GGUFConfig.h"
#include "../../Json.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mla::importer;
using llvm::StringLiteral;
using llvm::StringRef;
using llvm::Twine;

static constexpr StringLiteral architecture = "deepseek2", scopes[] = {"attention.", "rope."};

/// Keys of these scopes that are read, or that change nothing.
static constexpr StringLiteral known[] = {
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.key_length_mla",
    "attention.value_length_mla",
    "attention.q_lora_rank",
    "attention.kv_lora_rank",
    "attention.layer_norm_rms_epsilon",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.original_context_length",
    "rope.scaling.yarn_log_multiplier",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.scaling.finetuned",
};

/// Keys that change nothing if they are 1 or true.
static constexpr StringLiteral ones[] = {
    "attention.causal",
    "rope.scale_linear",
    "rope.scaling.attn_factor",
    "rope.scaling.yarn_attn_factor",
    "rope.scaling.yarn_ext_factor",
};

namespace {
/// Reads keys and keeps the first error.
class ConfigReader {
public:
  explicit ConfigReader(const GGUFFile &file) : file(file) {}

  const llvm::json::Value *find(StringRef key) const { return file.find((architecture + "." + key).str()); }
  int64_t count(StringRef key, int64_t least = 1);
  double number(StringRef key);
  void refuse(const Twine &key, const Twine &what) {
    if (message.empty())
      message = (file.path() + ": " + key + ": " + what).str();
  }
  llvm::json::Value ropeScaling();
  void checkNothingElse();
  llvm::Expected<llvm::json::Object> read();

private:
  const GGUFFile &file;
  std::string message;
};
} // namespace

int64_t ConfigReader::count(StringRef key, int64_t least) {
  const llvm::json::Value *value = find(key);
  std::optional<int64_t> number = file.size((architecture + "." + key).str());
  if (!number || *number < least)
    refuse(architecture + "." + key, (value ? shortText(*value) + " is no size" : "missing") +
                                         Twine("; convert the model again, or give its config.json with --config"));
  return number.value_or(least);
}

double ConfigReader::number(StringRef key) {
  const llvm::json::Value *value = find(key);
  std::optional<double> number = value ? value->getAsNumber() : std::nullopt;
  if (!number || !(*number >= 0 && *number <= 1e9))
    refuse(architecture + "." + key, (value ? "is no number of such a value" : "missing") +
                                         Twine("; convert the model again, or give its config.json with --config"));
  return number.value_or(0);
}

/// Return the parameters of YaRN, or null.
llvm::json::Value ConfigReader::ropeScaling() {
  const llvm::json::Value *type = find("rope.scaling.type");
  std::optional<StringRef> name = type ? type->getAsString() : StringRef("none");
  if (name == "none")
    return nullptr;
  if (name != "yarn")
    refuse(architecture + ".rope.scaling.type",
           (name ? *name : shortText(*type)) + Twine(" is not supported, only yarn and none are"));
  double allDim = std::round(10 * number("rope.scaling.yarn_log_multiplier") * 1e6) / 1e6;
  llvm::json::Object yarn{{"type", "yarn"},
                          {"factor", number("rope.scaling.factor")},
                          {"original_max_position_embeddings", count("rope.scaling.original_context_length")},
                          {"mscale", allDim},
                          {"mscale_all_dim", allDim}};
  for (StringRef key : {"beta_fast", "beta_slow"})
    if (std::string own = ("rope.scaling.yarn_" + key).str(); find(own))
      yarn[key] = number(own);
  return yarn;
}

/// Reject keys about attention and RoPE that mean something else.
void ConfigReader::checkNothingElse() {
  for (const auto &[key, value] : file.values()) {
    StringRef rest = StringRef(key);
    if (!rest.consume_front(architecture) || !rest.consume_front("."))
      continue;
    bool isOne = value.getAsNumber() == 1.0 || value.getAsBoolean() == true;
    bool isOff = value.getAsNumber() == 0.0 || value.getAsBoolean() == false;
    if (llvm::any_of(scopes, [&](StringRef scope) { return rest.starts_with(scope); }) &&
        !llvm::is_contained(known, rest) && (llvm::is_contained(ones, rest) ? !isOne : !isOff))
      refuse(StringRef(key), shortText(value) + " is not supported; give the original checkpoint");
  }
}

llvm::Expected<llvm::json::Object> ConfigReader::read() {
  bool isSplit = find("attention.key_length_mla"); // else the lengths are those of heads
  int64_t rope = count("rope.dimension_count", /*least=*/0), layers = count("block_count");
  int64_t key = count(isSplit ? "attention.key_length_mla" : "attention.key_length");
  if (find("nextn_predict_layers"))
    layers -= count("nextn_predict_layers", /*least=*/0);
  // Routers with a sigmoid are those of DeepSeek-V3; files without the key are older. The attentions are alike.
  bool isV3 = file.size((architecture + ".expert_gating_func").str()) == 2;
  llvm::json::Object config{{"model_type", isV3 ? "deepseek_v3" : "deepseek_v2"},
                            {"hidden_size", count("embedding_length")},
                            {"num_hidden_layers", layers},
                            {"num_attention_heads", count("attention.head_count")},
                            {"kv_lora_rank", count("attention.kv_lora_rank")},
                            {"qk_nope_head_dim", key - rope},
                            {"qk_rope_head_dim", rope},
                            {"v_head_dim", count(isSplit ? "attention.value_length_mla" : "attention.value_length")},
                            {"rms_norm_eps", number("attention.layer_norm_rms_epsilon")},
                            {"rope_theta", number("rope.freq_base")},
                            {"rope_scaling", ropeScaling()}};
  config["q_lora_rank"] = find("attention.q_lora_rank") ? llvm::json::Value(count("attention.q_lora_rank")) : nullptr;
  if (find("context_length"))
    config["max_position_embeddings"] = count("context_length");
  checkNothingElse();
  if (!message.empty())
    return fail(message);
  return config;
}

llvm::Expected<std::string> mla::importer::configOfGGUF(const GGUFFile &file) {
  const llvm::json::Value *name = file.find("general.architecture");
  if (!name || name->getAsString() != StringRef(architecture))
    return fail(file.path() + ": general.architecture: " + (name ? shortText(*name) : "missing") +
                ", but only deepseek2 is read from GGUF; give the original checkpoint, in safetensors");
  llvm::Expected<llvm::json::Object> config = ConfigReader(file).read();
  if (!config)
    return config.takeError();
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(*config));
  return text;
}
