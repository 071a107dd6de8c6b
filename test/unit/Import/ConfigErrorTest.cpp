//===- ConfigErrorTest.cpp - Configs that are refused ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

using namespace mla::importer;
using namespace mla::importer::test;
using llvm::StringRef;

static const char supported[] =
    "axk1, axk2, bailing_hybrid, deepseek_v2, deepseek_v3, deepseek_v32, dots3_note, dots3_note_text, glm4_moe_lite, "
    "glm5_next, glm5_next_text, glm_moe_dsa, hy_v4, kimi_k2, kimi_linear, longcat_flash, minicpm3, mistral4, "
    "mistral_large_3, pangu_ultra_moe, plm, sarvam_mla, youtu";

/// Returns the error of DeepSeek-V3's config with one key replaced; an empty value removes it.
static std::string errorWith(StringRef key, StringRef value) {
  llvm::json::Value config = llvm::cantFail(llvm::json::parse(readFile(modelPath("configs/deepseek-v3.json"))));
  llvm::json::Object &object = *config.getAsObject();
  object.erase(key);
  std::string text = llvm::formatv("{0}", config).str();
  if (!value.empty())
    text.insert(1, ("\"" + key + "\":" + value + ",").str());
  return messageOf(parseConfig(text, "c.json"));
}

/// Like the above, for a key of rope_scaling.
static std::string errorWithRope(StringRef key, StringRef value) {
  llvm::json::Object rope{{"type", "yarn"}, {"factor", 40}, {"original_max_position_embeddings", 4096}};
  rope.erase(key);
  std::string text = llvm::formatv("{0}", llvm::json::Value(std::move(rope))).str();
  if (!value.empty())
    text.insert(1, ("\"" + key + "\":" + value + ",").str());
  return errorWith("rope_scaling", text);
}

namespace {
struct Edit {
  const char *key, *value, *error;
};
} // namespace

TEST(ConfigErrorTest, TheBaseIsFine) {
  EXPECT_EQ(errorWith("unknown_key", "1"), "");
  EXPECT_EQ(errorWithRope("unknown_key", "1"), "");
}

TEST(ConfigErrorTest, Sizes) {
  const Edit edits[] = {
      {"hidden_size", "", "hidden_size: missing; the attention layer cannot be built without it"},
      {"hidden_size", "0", "hidden_size: expected an integer from 1 to 1048576, got 0; correct the config"},
      {"hidden_size", "null", "hidden_size: expected an integer from 1 to 1048576, got null; correct the config"},
      {"num_attention_heads", "-5",
       "num_attention_heads: expected an integer from 1 to 65536, got -5; correct the config"},
      {"num_attention_heads", "100000",
       "num_attention_heads: expected an integer from 1 to 65536, got 100000; correct the config"},
      {"num_attention_heads", "\"8\"",
       "num_attention_heads: expected an integer from 1 to 65536, got \"8\"; correct the config"},
      {"kv_lora_rank", "512.5", "kv_lora_rank: expected an integer from 1 to 1048576, got 512.5; correct the config"},
      {"kv_lora_rank", "2147483649",
       "kv_lora_rank: expected an integer from 1 to 1048576, got 2147483649; correct the config"},
      {"kv_lora_rank", "1e300",
       "kv_lora_rank: expected an integer from 1 to 1048576, got 1e+300; "
       "correct the config"},
      {"kv_lora_rank", "{\"a\":[\"a long, long, long, long, long value\"]}",
       "kv_lora_rank: expected an integer from 1 to 1048576, got {\"a\":[\"a long, long, long, long, long...; correct "
       "the "
       "config"},
      {"q_lora_rank", "", "q_lora_rank: missing; give the rank, or null if the query has no low-rank projection"},
      {"q_lora_rank", "0", "q_lora_rank: expected an integer from 1 to 1048576, got 0; correct the config"},
      {"qk_rope_head_dim", "63", "qk_rope_head_dim: 63 is odd, but RoPE rotates pairs; give an even number"},
      {"qk_rope_head_dim", "-2", "qk_rope_head_dim: expected an integer from 0 to 65536, got -2; correct the config"},
      {"qk_nope_head_dim", "-128",
       "qk_nope_head_dim: expected an integer from 1 to 65536, got -128; correct the config"},
      {"v_head_dim", "", "v_head_dim: missing; the attention layer cannot be built without it"},
      {"num_hidden_layers", "true",
       "num_hidden_layers: expected an integer from 1 to 65536, got true; correct the config"},
      {"num_key_value_heads", "8",
       "num_key_value_heads: 8 differs from num_attention_heads, 128, but every head has "
       "its own part of kv_b_proj; make them equal"},
      {"hidden_size", "1048576", ""},
      {"v_head_dim", "65536",
       "num_attention_heads: makes o_proj 7168 x 8388608, more than 17179869184 elements; "
       "correct the sizes"},
  };
  for (const Edit &edit : edits)
    EXPECT_EQ(errorWith(edit.key, edit.value), *edit.error ? std::string("c.json: ") + edit.error : "");
}

TEST(ConfigErrorTest, OtherFields) {
  const Edit edits[] = {
      {"rms_norm_eps", "-1e-6", "rms_norm_eps: expected a number from 1e-30 to 1, got -1e-06; correct the config"},
      {"rms_norm_eps", "0", "rms_norm_eps: expected a number from 1e-30 to 1, got 0; correct the config"},
      {"rms_norm_eps", "1e999", "rms_norm_eps: expected a number from 1e-30 to 1, got inf; correct the config"},
      {"rms_norm_eps", "\"small\"",
       "rms_norm_eps: expected a number from 1e-30 to 1, got \"small\"; correct the config"},
      {"attention_bias", "1", "attention_bias: expected true or false, got 1; correct the config"},
      {"attention_bias", "null", "attention_bias: expected true or false, got null; correct the config"},
      {"torch_dtype", "16", "torch_dtype: expected a string, got 16; correct the config"},
      {"mla_scale_q_lora", "true",
       "mla_scale_q_lora: not supported for deepseek_v3: it requires a constant scale on the query; remove the key if "
       "the model does not use it"},
      {"mla_scale_q_lora", "false", ""},
      {"mla_use_nope", "true",
       "mla_use_nope: not supported for deepseek_v3: it requires latent attention without RoPE; remove the key if the "
       "model does not use it"},
      {"mla_use_nope", "false", ""},
      {"mla_use_output_gate", "true",
       "mla_use_output_gate: not supported for deepseek_v3: it requires a gate between the attention and its output "
       "projection; remove the key if the model does not use it"},
      {"param_sink_number", "128",
       "param_sink_number: not supported for deepseek_v3: it requires learned keys and values in front of all tokens; "
       "remove the key if the model does not use it"},
      {"param_sink_number", "0", ""},
      {"attn_logit_softcapping", "30.0",
       "attn_logit_softcapping: not supported for deepseek_v3: it requires a bound on the scores; remove the key if "
       "the "
       "model does not use it"},
      {"attn_logit_softcapping", "null", ""},
      {"use_sliding_window", "true",
       "use_sliding_window: not supported for deepseek_v3: it requires attention to a window of the last tokens; "
       "remove "
       "the key if the model does not use it"},
      {"use_sliding_window", "false", ""},
      {"sliding_window", "513",
       "sliding_window: not supported for deepseek_v3: it requires attention to a window of the last tokens; remove "
       "the "
       "key if the model does not use it"},
      {"sliding_window", "null", ""},
      {"sliding_window", "513, \"use_sliding_window\": false", ""},
      {"layer_types", "[\"full_attention\", \"linear_attention\"]",
       "layer_types: not supported for deepseek_v3: it requires layers of other attentions beside those of full "
       "attention; remove the key if the model does not use it"},
      {"layer_types", "[\"full_attention\"]", ""},
      {"layer_types", "[\"full_attention\", \"indexed_attention\"]",
       "layer_types: not supported for deepseek_v3: it requires layers of other attentions beside those of full "
       "attention; remove the key if the model does not use it"},
      {"attention_gate_type", "\"headwise\"",
       "attention_gate_type: not supported for deepseek_v3: it requires a gate between the attention and its output "
       "projection; remove the key if the model does not use it"},
      {"use_mla", "true", ""},
      {"qk_latent_layernorm", "true", ""},
      {"qk_latent_layernorm", "false",
       "qk_latent_layernorm: false: latents without norms are not supported; convert the model with norms, in the form "
       "of DeepSeek-V3"},
      {"use_mla", "false",
       "use_mla: false: the model has no latent attention; "
       "give the config of a model with latent attention"},
      {"kv_lora_rank", "null",
       "kv_lora_rank: null: the model has no latent attention; give the config of a model with latent attention"},
      {"llama_4_scaling_beta", "0.1",
       "llama_4_scaling_beta: not supported for deepseek_v3: it requires a scale of the query by position, which only "
       "mistral4 has; remove the key if the model does not use it"},
      {"rope_parameters", "{\"llama_4_scaling_beta\": 0.1}",
       "llama_4_scaling_beta: not supported for deepseek_v3: it requires a scale of the query by position, which only "
       "mistral4 has; remove the key if the model does not use it"},
      {"quantization_config", "7", "quantization_config: expected an object, got 7; correct the config"},
      {"quantization_config", "null", ""},
      {"quantization_config", "{\"quant_method\": 8}",
       "quantization_config.quant_method: expected a string, got 8; correct the config"},
      {"quantization_config", "{\"quant_method\": \"fp8\", \"fmt\": \"e5m2\", \"weight_block_size\": [128, 128]}",
       "quantization_config.fmt: e5m2 is not supported, only e4m3 is; convert the checkpoint to bfloat16"},
      {"quantization_config", "{\"quant_method\": \"fp8\", \"weight_block_size\": [128]}",
       "quantization_config.weight_block_size: [128] is not a pair of sizes; correct the config"},
      {"quantization_config", "{\"quant_method\": \"fp8\", \"weight_block_size\": [128, 0]}",
       "quantization_config.weight_block_size: expected an integer from 1 to 65536, got 0; correct the config"},
      {"quantization_config",
       "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": {\"weights\": {\"type\": \"float\", "
       "\"num_bits\": 8, \"strategy\": \"block\"}}}}",
       "quantization_config.config_groups.g.weights.block_structure: missing; correct the config"},
      {"quantization_config",
       "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": {\"weights\": {\"type\": 8}}}}",
       "quantization_config.config_groups.g.weights.type: expected a string, got 8; correct the config"},
      {"quantization_config", "{\"quant_method\": \"modelopt\", \"quant_algo\": 8}",
       "quantization_config.quant_algo: expected a string, got 8; correct the config"},
  };
  for (const Edit &edit : edits)
    EXPECT_EQ(errorWith(edit.key, edit.value), *edit.error ? std::string("c.json: ") + edit.error : "");
}

TEST(ConfigErrorTest, Rope) {
  const Edit edits[] = {
      {"rope_scaling", "\"yarn\"", "rope_scaling: expected an object, got \"yarn\"; correct the config"},
      {"rope_theta", "null", "rope_theta: null; give the model's value"},
      {"rope_theta", "0", "rope_theta: expected a number from 2 to 1e+12, got 0; correct the config"},
      {"partial_rotary_factor", "0.5",
       "partial_rotary_factor: rotates 32 columns, but qk_rope_head_dim is 64; give "
       "consistent values"},
      {"rope_interleave", "null", "rope_interleave: expected true or false, got null; correct the config"},
  };
  for (const Edit &edit : edits)
    EXPECT_EQ(errorWith(edit.key, edit.value), std::string("c.json: ") + edit.error);
}

TEST(ConfigErrorTest, RopeScaling) {
  const Edit edits[] = {
      {"type", "\"longrope\"",
       "rope_type: longrope is not supported: it needs two tables of factors, chosen by the "
       "length of the sequence; expected default or yarn"},
      {"type", "\"dynamic\"",
       "rope_type: dynamic is not supported: it needs frequencies that change with the length "
       "of the sequence; expected default or yarn"},
      {"rope_type", "\"llama3\"",
       "rope_type: llama3 is not supported: it needs frequencies smoothed between two "
       "wavelengths; expected default or yarn"},
      {"type", "\"new\"", "rope_type: new is not supported; expected default or yarn"},
      {"type", "[]", "type: expected a string, got []; correct the config"},
      {"factor", "", "factor: missing; give a number"},
      {"factor", "0.5", "factor: expected a number from 1 to 1e+06, got 0.5; correct the config"},
      {"factor", "-40", "factor: expected a number from 1 to 1e+06, got -40; correct the config"},
      {"original_max_position_embeddings", "0",
       "original_max_position_embeddings: expected an integer from 1 to 2147483648, got 0; correct the config"},
      {"beta_fast", "0.5", "beta_fast: is below beta_slow; exchange them"},
      {"attention_factor", "0", "attention_factor: expected a number from 1e-06 to 1e+06, got 0; correct the config"},
      {"mscale", "-1", "mscale: expected a number from 0 to 1e+06, got -1; correct the config"},
      {"truncate", "0", "truncate: expected true or false, got 0; correct the config"},
      {"rope_theta", "null", "rope_theta: null; give the model's value"},
      {"full_attention", "{}",
       "full_attention: an object: RoPE that differs between layers is not supported; give one "
       "set of parameters"},
  };
  for (const Edit &edit : edits)
    EXPECT_EQ(errorWithRope(edit.key, edit.value), std::string("c.json: rope_scaling.") + edit.error);
}

TEST(ConfigErrorTest, ModelTypes) {
  const Edit edits[] = {
      {"model_type", "\"deepseek_v4\"",
       "model_type: deepseek_v4 is not supported: it needs another attention: keys and values are one shared vector, "
       "compressed over tokens, and its result is rotated back; it has no kv_b_proj and is not multi-head latent "
       "attention; expected one of "},
      {"model_type", "\"openpangu_v2\"",
       "model_type: openpangu_v2 is not supported: it needs a state per sequence beside the cache, for "
       "convolutions over tokens of both latents and of the result (use_mome), and learned latents in front of all "
       "tokens (param_sink_number); the attention of openPangu-Ultra-MoE, pangu_ultra_moe, has neither and is "
       "compiled; "
       "expected one of "},
      {"model_type", "\"new_model\"",
       "model_type: new_model is not supported: it needs a golden file that shows what "
       "it computes; expected one of "},
      {"model_type", "", "model_type: missing; expected one of "},
  };
  for (const Edit &edit : edits)
    EXPECT_EQ(errorWith(edit.key, edit.value), std::string("c.json: ") + edit.error + supported);
  EXPECT_EQ(errorWith("model_type", "5"), "c.json: model_type: expected a string, got 5; correct the config");
}

/// Returns the error of a small config of a family with further keys.
static std::string errorOf(StringRef modelType, StringRef keys, std::optional<int64_t> layer = std::nullopt) {
  std::string text = llvm::formatv(R"({"model_type": "{0}", "hidden_size": 64, "num_attention_heads": 4,
      "num_hidden_layers": 4, "q_lora_rank": 32, "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16,
      "v_head_dim": 32, "rope_theta": 1e4, "rms_norm_eps": 1e-6{1}{2}})",
                                   modelType, keys.empty() ? "" : ", ", keys)
                         .str();
  return messageOf(parseConfig(text, "c.json", layer));
}

TEST(ConfigErrorTest, KeysOfFamilies) {
  struct {
    const char *family, *keys, *error;
  } cases[] = {
      {"kimi_linear", R"("linear_attn_config": {"full_attn_layers": [4]})", ""},
      {"kimi_linear",
       R"("layer_types": ["linear_attention", "linear_attention", "linear_attention", "full_attention"])", ""},
      {"kimi_linear", "",
       "linear_attn_config.full_attn_layers: missing; give the layers that have latent attention, counted from 1"},
      {"kimi_linear", R"("linear_attn_config": {"full_attn_layers": []})",
       "num_hidden_layers: no layer has latent attention; give the config of a model with latent attention"},
      {"bailing_hybrid",
       R"("layer_types": ["linear_attention", "linear_attention", "linear_attention", "linear_attention"])",
       "num_hidden_layers: no layer has latent attention; give the config of a model with latent attention"},
      {"bailing_hybrid", R"("layer_group_size": 0)",
       "layer_group_size: expected an integer from 1 to 65536, got 0; correct the config"},
      {"kimi_linear", R"("linear_attn_config": {"full_attn_layers": [5]})",
       "linear_attn_config.full_attn_layers: expected an integer from 1 to 4, got 5; correct the config"},
      {"kimi_linear", R"("layer_types": ["full_attention"])",
       "layer_types: expected a list of 4 layers; correct the config"},
      {"kimi_linear", R"("layer_types": ["mamba", "mamba", "mamba", "full_attention"])",
       "layer_types: \"mamba\" is not known here; expected linear_attention or full_attention"},
      {"kimi_linear", R"("mla_use_nope": false, "linear_attn_config": {"full_attn_layers": [4]})",
       "mla_use_nope: false, but kimi_linear never rotates; correct the config"},
      {"kimi_linear",
       R"("rope_scaling": {"type": "yarn", "factor": 4}, "linear_attn_config": {"full_attn_layers": [4]})",
       "rope_scaling.rope_type: yarn is not supported; expected default"},
      {"bailing_hybrid", R"("layer_group_size": 2)", ""},
      {"bailing_hybrid",
       R"("layer_types": ["linear_attention", "full_attention", "linear_attention", "full_attention"])", ""},
      {"bailing_hybrid", "", "layer_group_size: missing; the attention layer cannot be built without it"},
      {"bailing_hybrid", R"("layer_group_size": 2, "use_qkv_bias": true)",
       "use_qkv_bias: true, but what has a bias then is not known; give a model without"},
      {"bailing_hybrid", R"("layer_group_size": 2, "gated_attention_proj_granularity_type": "half")",
       "gated_attention_proj_granularity_type: half is not known here; expected head_wise or element_wise"},
      {"glm5_next_text", "", "qk_rope_head_dim: 16, but glm5_next has no rotary part; correct the config"},
      {"glm5_next_text", R"("index_kpool_always_select_tail": false)",
       "index_kpool_always_select_tail: false, but then queries do not see all tokens of short contexts; give a model "
       "that selects the tail"},
      {"dots3_note", "", "layer_types: missing, or replaced by per_layer_config; give the released config"},
      {"dots3_note", R"("layer_types": ["full_attention", "full_attention", "full_attention", "full_attention"])",
       "attention_gate_type: missing; give it"},
      {"dots3_note", R"("attention_gate_type": null, "apply_mla_qkv_lora_rescale": false, "layer_types":
         ["full_attention", "full_attention", "full_attention", "mamba"])",
       "layer_types: has no known entry for layer 3; correct the config"},
      {"dots3_note", R"("layer_types": ["sliding_attention"])",
       "num_attention_heads: missing; the attention layer cannot be built without it"},
      {"kimi_linear",
       R"("layer_types": ["linear_attention", "linear_attention", "linear_attention", "full_attention"],
         "linear_attn_config": {"full_attn_layers": [3]})",
       "linear_attn_config.full_attn_layers: has other layers than layer_types; correct the config"},
      {"kimi_linear", R"("linear_attn_config": {"full_attn_layers": [2], "kda_layers": [1, 2]})",
       "linear_attn_config.kda_layers: has layer 2, which has latent attention; correct the config"},
      {"dots3_note", R"("sliding_window": 7, "sliding_window_size": 64, "layer_types": ["full_attention"])",
       "sliding_window: 7, but sliding_window_size, which means the same, is 64; remove the wrong one"},
      {"pangu_ultra_moe", R"("attention_kv_lora_dim": 128)",
       "attention_kv_lora_dim: 128, but kv_lora_rank, which means the same, is 64; remove the wrong one"},
      {"mistral_large_3", R"("llama_4_scaling": [1, 8])",
       "llama_4_scaling: expected beta and original_max_position_embeddings, got [1,8]; correct the config"},
      {"mistral_large_3", R"("llama_4_scaling": {"beta": 0.5})",
       "llama_4_scaling: expected beta and original_max_position_embeddings, got {\"beta\":0.5}; correct the config"},
  };
  for (const auto &test : cases)
    EXPECT_EQ(errorOf(test.family, test.keys), *test.error ? std::string("c.json: ") + test.error : "");
}

TEST(ConfigErrorTest, ParamsOfMistral) {
  const std::string sizes = R"({"dim": 64, "n_layers": 1, "n_heads": 4, "norm_eps": 1e-6, "q_lora_rank": 32,
      "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32)";
  EXPECT_EQ(messageOf(parseConfig(sizes + "}", "params.json")), "");
  EXPECT_EQ(messageOf(parseConfig(sizes + R"(, "yarn": {"factor": 36, "apply_scale": true}})", "params.json")),
            "params.json: yarn.apply_scale: expected false, as in Mistral Large 3; give a config.json of this model");
  EXPECT_EQ(messageOf(parseConfig(sizes + R"(, "yarn": [1]})", "params.json")),
            "params.json: yarn: expected an object, got [1]; correct the config");
  EXPECT_EQ(messageOf(parseConfig(sizes + R"(, "yarn": {"apply_scale": false, "mscale": 3}})", "params.json")),
            "params.json: yarn.mscale: is not known here; give a config.json of this model");
  EXPECT_EQ(messageOf(parseConfig(sizes + R"(, "hidden_size": 96})", "params.json")),
            "params.json: dim: 64, but hidden_size, which means the same, is 96; remove the wrong one");
}

TEST(ConfigErrorTest, TranslatedKeysDoNotDependOnOthers) {
  // A table of keys that grows while a value is copied into it, for some number of keys.
  std::string others;
  for (int i = 0; i < 80; ++i) {
    AttentionConfig config = llvm::cantFail(parseConfig(
        R"({"model_type": "dots3_note", "num_hidden_layers": 1, "layer_types": ["sliding_attention"],
          "hidden_size": 64, "sliding_window_size": 7, "apply_mla_qkv_lora_rescale": false, "rms_norm_eps": 1e-6,
          "swa_num_attention_heads": 4, "swa_q_lora_rank": 32, "swa_kv_lora_rank": 64, "swa_qk_nope_head_dim": 32,
          "swa_qk_rope_head_dim": 16, "swa_v_head_dim": 32, "swa_rope_theta": 1e4,
          "swa_attention_gate_type": "headwise")" +
            others + "}",
        "c.json"));
    EXPECT_EQ(config.gate, OutputGate::PerHead) << i;
    EXPECT_EQ(config.kvLoraRank, 64) << i;
    others += ", \"other_" + std::to_string(i) + "\": 1";
  }
}

TEST(ConfigErrorTest, UnknownKeysAreNamed) {
  auto namesOf = [](StringRef keys) {
    std::string text = (R"({"model_type": "deepseek_v3", "hidden_size": 64, "num_attention_heads": 4,
      "num_hidden_layers": 1, "q_lora_rank": 32, "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16,
      "v_head_dim": 32, )" +
                        keys + "}")
                           .str();
    return llvm::cantFail(parseConfig(text, "c.json")).unknownKeys;
  };
  EXPECT_EQ(namesOf(R"("attention_temperature": 2.0, "new_sinks": [1], "hidden_dropout": 0.5)"),
            (std::vector<std::string>{"attention_temperature", "new_sinks"}));
  EXPECT_TRUE(namesOf(R"("attention_temperature": null, "use_new_gate": false, "attention_dropout": 0.1,
      "kda_safe_gate": true, "hc_sinkhorn_iters": 20)")
                  .empty());
}

TEST(ConfigErrorTest, RefusedFiles) {
  struct {
    const char *file, *part;
  } cases[] = {
      {"configs/baseline/deepseek-67b.json", "model_type llama has no latent attention (no field kv_lora_rank); give"},
      {"configs/baseline/gpt3-175b.json", "model_type gpt2 has no latent attention (no field kv_lora_rank); give"},
  };
  for (const auto &test : cases) {
    std::string error = messageOf(parseConfig(readFile(modelPath(test.file)), test.file));
    EXPECT_EQ(error.substr(0, error.find(test.part)), std::string(test.file) + ": ") << error;
  }
}

TEST(ConfigErrorTest, FamiliesDiffer) {
  for (const std::string key : {"text_config", "language_config", "llm_config"})
    EXPECT_EQ(
        messageOf(parseConfig(R"({"model_type": "mistral3", ")" + key + R"(": {"model_type": "mistral4"}})", "c.json")),
        "c.json: " + key + ": hidden_size: missing; the attention layer cannot be built without it");
  const std::string sizes = R"("hidden_size": 161, "num_attention_heads": 4, "num_hidden_layers": 1, "q_lora_rank": 48,
      "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16)";
  EXPECT_EQ(messageOf(parseConfig(R"({"model_type": "minicpm3", )" + sizes + "}", "c.json")),
            "c.json: v_head_dim: missing, and hidden_size is not a multiple of num_attention_heads; give it");
  EXPECT_EQ(messageOf(parseConfig(
                R"({"model_type": "minicpm3", "v_head_dim": 8, "rope_interleave": true, )" + sizes + "}", "c.json")),
            "c.json: rope_interleave: true, but minicpm3 always pairs halves; remove the key");
  EXPECT_EQ(
      messageOf(parseConfig(
          R"({"model_type": "deepseek_v2", "v_head_dim": 8, "rope_interleave": false, )" + sizes + "}", "c.json")),
      "c.json: rope_interleave: false, but deepseek_v2 always pairs neighbors; remove the key");
  EXPECT_EQ(messageOf(parseConfig(R"({"model_type": "mistral4", "v_head_dim": 8, "rope_theta": 1e4, )" + sizes + "}",
                                  "c.json")),
            "c.json: llama_4_scaling_beta: missing; give a number");
  EXPECT_EQ(messageOf(parseConfig(
                R"({"model_type": "mistral4", "v_head_dim": 8, "rope_theta": 1e4, "llama_4_scaling_beta": 0.1, )" +
                    sizes + "}",
                "c.json")),
            "c.json: original_max_position_embeddings: missing; give the length that the model was trained on");
}

TEST(ConfigErrorTest, NewFamilies) {
  auto errorOf = [](const std::string &keys) {
    return messageOf(parseConfig(R"({"hidden_size": 160, "num_attention_heads": 4, "num_hidden_layers": 2,
        "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32, )" +
                                     keys + "}",
                                 "c.json"));
  };
  const std::string longcat = R"("model_type": "longcat_flash", "q_lora_rank": 48)";
  EXPECT_EQ(errorOf(longcat), "");
  EXPECT_EQ(errorOf(longcat + R"(, "num_layers": 3)"),
            "c.json: num_hidden_layers: expected num_layers, 3, or twice as many attentions, got 2; correct the "
            "config");
  EXPECT_EQ(errorOf(longcat + R"(, "mla_scale_kv_lora": false)"),
            "c.json: mla_scale_kv_lora: false, which transformers ignores and other engines do not; "
            "remove the key if the model has the scale");
  EXPECT_EQ(errorOf(longcat + R"(, "mla_scale_q_lora": 1)"),
            "c.json: mla_scale_q_lora: expected true or false, got 1; correct the config");
  EXPECT_EQ(errorOf(longcat + R"(, "index_topk": 7)").find("c.json: index_topk: not supported for longcat_flash"), 0u);
  EXPECT_EQ(errorOf(longcat + R"(, "rope_interleave": false)"),
            "c.json: rope_interleave: false, but longcat_flash always pairs neighbors; remove the key");
  for (std::string model : {"longcat_flash", "glm_moe_dsa"})
    EXPECT_EQ(errorOf("\"model_type\": \"" + model + "\", \"q_lora_rank\": null"),
              "c.json: q_lora_rank: null, but " + model + " always has the query's low-rank projection; give its rank");
  const std::string glm = R"("model_type": "glm_moe_dsa", "q_lora_rank": 48)";
  EXPECT_EQ(errorOf(glm + R"(, "index_topk": 0)"),
            "c.json: index_topk: expected an integer from 1 to 2147483648, got 0; correct the config");
  EXPECT_EQ(errorOf(glm + R"(, "mla_scale_q_lora": true)").find("c.json: mla_scale_q_lora: not supported for glm"), 0u);
  EXPECT_EQ(errorOf(R"("model_type": "plm", "q_lora_rank": null, "rope_scaling": {"type": "yarn", "factor": 4})"),
            "c.json: rope_scaling.rope_type: yarn is not supported; expected default");
}

TEST(ConfigErrorTest, NotJson) {
  EXPECT_EQ(messageOf(parseConfig("", "c.json")),
            "c.json: not valid JSON: [1:0, byte=0]: Unexpected EOF; correct the file");
  EXPECT_EQ(messageOf(parseConfig("{\"a\": NaN}", "c.json")),
            "c.json: not valid JSON: [1:7, byte=7]: Invalid JSON value; correct the file");
  EXPECT_EQ(messageOf(parseConfig("[1, 2]", "c.json")), "c.json: expected a JSON object, got [1,2]; correct the file");
  EXPECT_EQ(messageOf(parseConfig(std::string(1 << 20, '['), "c.json")),
            "c.json: JSON nested deeper than 64 levels; give a plain config");
  EXPECT_EQ(
      messageOf(parseConfig("{}", "c.json")),
      std::string("c.json: the config has no latent attention (no field kv_lora_rank); give the config of one of ") +
          supported);
}

// Every prefix of a config, and every config with one byte changed, is parsed or rejected.
static void damage(const std::string &file) {
  SCOPED_TRACE(file);
  std::string text = StringRef(readFile(modelPath(file))).trim().str();
  for (size_t size = 0; size < text.size(); ++size)
    EXPECT_NE(messageOf(parseConfig(StringRef(text).take_front(size), "c.json")), "") << size;
  for (size_t i = 0; i < text.size(); ++i)
    for (char c : {'\0', '"', '-', '9', '}', '\\', '\xFF'}) {
      std::string damaged = text;
      damaged[i] = c;
      std::string error = messageOf(parseConfig(damaged, "c.json"));
      EXPECT_TRUE(error.empty() || StringRef(error).starts_with("c.json: ")) << error;
    }
}

TEST(ConfigErrorTest, DamagedTextNeverCrashes) {
  for (const char *file : {"mistral-small-4", "2026/kimi-k3", "2026/dots3-note", "2026/ling-3.0-tiny",
                           "2026/mistral-large-3", "2026/glm-5.3-flash"})
    damage(std::string("configs/") + file + ".json");
}
