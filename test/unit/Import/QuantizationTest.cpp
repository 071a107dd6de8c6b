//===- QuantizationTest.cpp - What quantization_config announces ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"
#include "mla/Import/LayerWeights.h"

#include "llvm/ADT/StringExtras.h"
#include "gtest/gtest.h"

using namespace mla;
using namespace mla::importer;
using namespace mla::importer::test;

static AttentionConfig configWith(const std::string &quantization) {
  std::string text = R"({"model_type": "kimi_k2", "hidden_size": 160, "num_attention_heads": 4, "num_hidden_layers": 2,
      "q_lora_rank": 48, "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32,
      "quantization_config": )";
  return llvm::cantFail(parseConfig(text + quantization + "}", "c.json"));
}

/// Returns the blocks of the five matrices of layer 1: "1x160 - 1x64"; "-" without scales.
static std::string blocksOf(const AttentionConfig &config) {
  std::vector<std::string> blocks;
  for (const ExpectedWeight &weight : expectedWeights(config, 1))
    if (weight.shape.size() == 2)
      blocks.push_back(
          weight.scale ? std::to_string(weight.scale->block[0]) + "x" + std::to_string(weight.scale->block[1]) : "-");
  return llvm::join(blocks, " ");
}

static void expectBlocks(const std::string &quantization, const std::string &blocks, const std::string &other = "") {
  AttentionConfig config = configWith(quantization);
  EXPECT_EQ(blocksOf(config), blocks) << quantization;
  EXPECT_EQ(config.otherQuantization, other) << quantization;
}

// q_a_proj [48, 160], q_b_proj [192, 48], kv_a_proj_with_mqa [80, 160], kv_b_proj [256, 64], o_proj [160, 128].
static const char perTensor[] = "48x160 192x48 80x160 256x64 160x128", perRow[] = "1x160 1x48 1x160 1x64 1x128",
                  none[] = "- - - - -";

TEST(QuantizationTest, MethodsThatMeanE4M3) {
  expectBlocks(R"({"quant_method": "fp8", "weight_block_size": [32, 80]})", "32x80 32x80 32x80 32x80 32x80");
  expectBlocks(R"({"quant_method": "fp8"})", perTensor);
  expectBlocks(R"({"quant_method": "fp8", "weight_block_size": null, "activation_scheme": "static"})", perTensor);
  expectBlocks(R"({"quant_method": "fbgemm_fp8"})", perRow);
  expectBlocks(R"({"quant_method": "modelopt", "quant_algo": "FP8"})", perTensor);
  expectBlocks(R"({"quant_method": "modelopt", "quantization": {"quant_algo": "FP8"}})", perTensor);
  expectBlocks(R"({"quant_method": "modelopt", "quant_algo": "FP8_PER_CHANNEL_PER_TOKEN"})", perRow);
  expectBlocks(R"({"quant_method": "modelopt", "quant_algo": "fp8_pb_wo"})", "128x128 128x128 128x128 128x128 128x128");
}

static std::string group(const std::string &targets, const std::string &weights) {
  return R"({"targets": [")" + targets + R"("], "weights": {"type": "float", "num_bits": 8, )" + weights + "}}";
}

static std::string groups(const std::string &list) {
  return R"({"quant_method": "compressed-tensors", "config_groups": {)" + list + "}}";
}

TEST(QuantizationTest, GroupsOfCompressedTensors) {
  expectBlocks(groups("\"a\": " + group("Linear", R"("strategy": "tensor")")), perTensor);
  expectBlocks(groups("\"a\": " + group("Linear", R"("strategy": "channel")")), perRow);
  expectBlocks(groups("\"a\": " + group("Linear", R"("strategy": "block", "block_structure": [32, 80])")),
               "32x80 32x80 32x80 32x80 32x80");
  // A name takes precedence over "Linear", in whatever order.
  for (const char *letters : {"ab", "ba"})
    expectBlocks(groups(std::string("\"") + letters[0] + "\": " + group("Linear", R"("strategy": "tensor")") + ", \"" +
                        letters[1] + "\": " + group("re:.*[.]o_proj$", R"("strategy": "channel")")),
                 "48x160 192x48 80x160 256x64 1x128");
  expectBlocks(
      groups("\"a\": " + group("re:.*self_attn.*", R"("strategy": "channel")") +
             R"(, "b": {"targets": ["Linear"], "weights": {"type": "int", "num_bits": 4, "strategy": "group"}})"),
      perRow, "compressed-tensors int of 4 bits per group");
  expectBlocks(groups(R"("a": {"targets": ["Linear"], "weights": {"type": "int", "strategy": "channel"}})"), none,
               "compressed-tensors int of 8 bits per channel");
  expectBlocks(groups("\"a\": " + group("Linear", R"("strategy": "group")")), none,
               "compressed-tensors float of 8 bits per group");
}

TEST(QuantizationTest, ModulesThatAreLeftAlone) {
  auto ignore = [](const std::string &method, const std::string &key, const std::string &name) {
    return "{\"quant_method\": \"" + method + "\", \"quant_algo\": \"FP8\", \"" + key + "\": [\"lm_head\", \"" + name +
           "\"]}";
  };
  const std::string withoutO = "48x160 192x48 80x160 256x64 -";
  for (const char *name : {"model.layers.1.self_attn.o_proj", "language_model.model.layers.1.self_attn.o_proj",
                           "o_proj", "*o_proj", "model.layers.*.o_proj*"})
    expectBlocks(ignore("modelopt", "exclude_modules", name), withoutO);
  expectBlocks(ignore("modelopt", "ignore", "*self_attn*"), none);
  expectBlocks(ignore("fp8", "ignored_layers", "o_proj"), withoutO);
  expectBlocks(ignore("fp8", "modules_to_not_convert", "self_attn"), none);
  expectBlocks(ignore("fp8", "modules_to_not_convert", "model.layers.0.self_attn.o_proj"), perTensor);
  expectBlocks(ignore("fp8", "modules_to_not_convert", "proj"), perTensor);
  expectBlocks(ignore("fbgemm_fp8", "modules_to_not_convert", "model.layers.1"), none);
  std::string list = groups("\"a\": " + group("Linear", R"("strategy": "tensor")"));
  list.pop_back();
  expectBlocks(list + R"(, "ignore": ["re:.*self_attn\\.o_proj$"]})", withoutO);
  expectBlocks(list + R"x(, "ignore": ["re:model", 7, "re:(?!look)"]})x", none);
  expectBlocks(list + R"(, "ignore": ["re:layers"]})", perTensor);
}

/// Returns the blocks of o_proj of layer 1 and of kv_b_proj, of a model whose lists call modules otherwise: "-" if they
/// are left alone.
static std::string blocksOfOthers(const std::string &config, const std::string &ignored) {
  std::string list = groups("\"a\": " + group("Linear", R"("strategy": "tensor")"));
  list.pop_back();
  std::string text = config;
  text.pop_back();
  text += ", \"quantization_config\": " + list + ", \"ignore\": [\"" + ignored + "\"]}}";
  std::string blocks = blocksOf(llvm::cantFail(parseConfig(text, "c.json")));
  return blocks.substr(blocks.rfind(' ', blocks.rfind(' ') - 1) + 1);
}

TEST(QuantizationTest, NamesOfModulesInLists) {
  const std::string sizes = R"("kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32,
      "q_lora_rank": 48)";
  const std::string usual = sizes + R"(, "hidden_size": 160, "num_attention_heads": 4, "num_hidden_layers": 2,
      "rms_norm_eps": 1e-6)";
  const std::string ling =
      R"({"model_type": "bailing_hybrid", "layer_group_size": 1, "rope_theta": 1e4, )" + usual + "}";
  const std::string mistral = "{\"dim\": 160, \"n_heads\": 4, \"n_layers\": 2, \"norm_eps\": 1e-6, " + sizes + "}";
  const std::string wrapped = R"({"model_type": "kimi_k25", "text_config": {"model_type": "kimi_k2", )" + usual + "}}";
  for (const char *name : {"model.layers.1.attention.dense", "model.layers.1.self_attn.o_proj", "dense", "*.dense",
                           "re:.*attention[.]dense$", "re:model.layers.*self_attn[.]o_proj"})
    EXPECT_EQ(blocksOfOthers(ling, name), "256x64 -") << name;
  for (const char *name : {"layers.1.attention.wo", "re:.*[.]wo$", "re:layers.*attention.wo", "re:.*o_proj$", "o_proj"})
    EXPECT_EQ(blocksOfOthers(mistral, name), "256x64 -") << name;
  for (const char *name : {"model.language_model.layers.1.self_attn.o_proj", "re:language_model.*o_proj",
                           "re:model.language_model.*o_proj", "language_model.model.layers.1.self_attn.o_proj"})
    EXPECT_EQ(blocksOfOthers(wrapped, name), "256x64 -") << name;
  for (const char *name : {"attention.wo", "re:vision.*", "model.visual.layers.1.self_attn.o_proj", "re:layers"})
    EXPECT_EQ(blocksOfOthers(wrapped, name), "256x64 160x128") << name;
}

TEST(QuantizationTest, MixedPrecisionOfModelOptimizer) {
  expectBlocks(R"({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": {
                   "model.layers.1.self_attn.o_proj": {"quant_algo": "FP8"},
                   "model.layers.1.mlp.up_proj": {"quant_algo": "NVFP4"}}})",
               "- - - - 160x128", "modelopt MIXED_PRECISION");
  expectBlocks(R"({"quant_method": "modelopt", "quant_algo": "NVFP4"})", none, "modelopt NVFP4");
}
