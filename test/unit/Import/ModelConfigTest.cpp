//===- ModelConfigTest.cpp - Configs of whole models ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/ModelConfig.h"
#include "TestSupport.h"

#include "gtest/gtest.h"

using namespace mla::importer;
using namespace mla::importer::test;
using llvm::StringRef;

static ModelConfig parse(StringRef json) {
  llvm::Expected<ModelConfig> model = parseModelConfig(json, "config.json");
  if (model)
    return *model;
  ADD_FAILURE() << llvm::toString(model.takeError());
  return {};
}

static ModelConfig parseModel(StringRef name) {
  return parse(readFile(modelPath(("configs/" + name + ".json").str())));
}

/// A small latent attention; `more` adds or replaces fields.
static std::string latentWith(StringRef more, StringRef type = "deepseek_v3") {
  return (R"({"model_type": ")" + type + R"(", "hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 10,
      "q_lora_rank": 32, "kv_lora_rank": 16, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16)" +
          (more.empty() ? "" : ", ") + more + "}")
      .str();
}

static std::string llamaWith(StringRef more) {
  return (R"({"model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 3)" +
          std::string(more.empty() ? "" : ", ") + more + "}")
      .str();
}

static void expectKind(const LayerKind &kind, int64_t layers, int64_t attentions, int64_t dense, int64_t mixtures) {
  EXPECT_EQ(kind.layers, layers);
  EXPECT_EQ(kind.attentions, attentions);
  EXPECT_EQ(kind.denseMlps, dense);
  EXPECT_EQ(kind.mixtures, mixtures);
}

//===----------------------------------------------------------------------===//
// Released models
//===----------------------------------------------------------------------===//

TEST(ModelConfig, DeepSeekV3) {
  ModelConfig model = parseModel("deepseek-v3");
  EXPECT_EQ(model.numLayers(), 61);
  EXPECT_EQ(model.numAttentions(), 61);
  EXPECT_EQ(model.vocabSize, 129280);
  EXPECT_EQ(model.denseWidth, 18432);
  EXPECT_EQ(model.latent->kvLoraRank, 512);
  ASSERT_TRUE(model.experts);
  EXPECT_EQ(model.experts->width, 2048);
  EXPECT_EQ(model.experts->routed, 256);
  EXPECT_EQ(model.experts->perToken, 8);
  EXPECT_EQ(model.experts->sharedWidth, 2048);
  EXPECT_EQ(model.experts->zero, 0);
  ASSERT_EQ(model.layers.size(), 2u);
  expectKind(model.layers[0], 3, 1, 1, 0);
  expectKind(model.layers[1], 58, 1, 0, 1);
}

TEST(ModelConfig, TwoSharedExpertsAreOneTwiceAsWide) {
  EXPECT_EQ(parseModel("moonlight-16b").experts->sharedWidth, 2 * 1408);
}

TEST(ModelConfig, WithoutFieldsOfAnMlpThereIsAttentionAlone) {
  for (StringRef name : {"glm-4.7-flash", "glm-5", "mistral-small-4", "plm-1.8b"}) {
    ModelConfig model = parseModel(name);
    EXPECT_FALSE(model.hasMlp()) << name.str();
    ASSERT_EQ(model.layers.size(), 1u);
    expectKind(model.layers[0], model.latent->numLayers, 1, 0, 0);
  }
  ModelConfig longcat = parseModel("longcat-flash");
  EXPECT_FALSE(longcat.hasMlp());
  EXPECT_EQ(longcat.numAttentions(), 56);
  expectKind(longcat.layers[0], 28, 2, 0, 0);
}

TEST(ModelConfig, MiniCPM3IsDenseAndTied) {
  ModelConfig model = parseModel("minicpm3-4b");
  EXPECT_TRUE(model.tiedEmbeddings);
  EXPECT_FALSE(model.experts);
  expectKind(model.layers[0], 62, 1, 1, 0);
}

TEST(ModelConfig, Baselines) {
  ModelConfig deepseek = parseModel("baseline/deepseek-67b");
  EXPECT_FALSE(deepseek.latent);
  EXPECT_EQ(deepseek.heads.heads, 64);
  EXPECT_EQ(deepseek.heads.keyValueHeads, 8);
  EXPECT_EQ(deepseek.heads.headDim, 128);
  EXPECT_TRUE(deepseek.gatedMlp);
  ModelConfig gpt3 = parseModel("baseline/gpt3-175b");
  EXPECT_EQ(gpt3.heads.keyValueHeads, 96);
  EXPECT_FALSE(gpt3.gatedMlp);
  EXPECT_TRUE(gpt3.tiedEmbeddings);
  EXPECT_EQ(gpt3.denseWidth, 49152);
}

//===----------------------------------------------------------------------===//
// Names of fields
//===----------------------------------------------------------------------===//

/// The fields of meituan-longcat/LongCat-Flash-Chat; the attention's are those in the tests of Config.
TEST(ModelConfig, LongCatFlash) {
  ModelConfig model = parse(latentWith(R"("num_layers": 5, "ffn_hidden_size": 128, "expert_ffn_hidden_size": 32,
      "n_routed_experts": 512, "zero_expert_num": 256, "moe_topk": 12, "vocab_size": 100)",
                                       "longcat_flash"));
  EXPECT_EQ(model.numLayers(), 5);
  EXPECT_EQ(model.numAttentions(), 10);
  EXPECT_EQ(model.denseWidth, 128);
  EXPECT_EQ(model.experts->width, 32);
  EXPECT_EQ(model.experts->zero, 256);
  EXPECT_EQ(model.experts->perToken, 12);
  EXPECT_EQ(model.experts->sharedWidth, 0);
  expectKind(model.layers[0], 5, 2, 2, 1);
}

static const char experts[] = R"("n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 16)";

TEST(ModelConfig, EveryMoeLayerFreqHasExperts) {
  // Layers 2 to 9 that are multiples of 3: 3, 6, 9.
  ModelConfig model = parse(latentWith(std::string(experts) + R"(, "first_k_dense_replace": 2, "moe_layer_freq": 3,
      "intermediate_size": 96)"));
  expectKind(model.layers[0], 7, 1, 1, 0);
  expectKind(model.layers[1], 3, 1, 0, 1);
}

TEST(ModelConfig, MlpLayerTypesListThem) {
  ModelConfig model = parse(latentWith(std::string(experts) + R"(, "intermediate_size": 96, "mlp_layer_types":
      ["dense", "sparse", "sparse", "sparse", "sparse", "sparse", "sparse", "sparse", "dense", "sparse"])",
                                       "glm4_moe_lite"));
  expectKind(model.layers[0], 2, 1, 1, 0);
  expectKind(model.layers[1], 8, 1, 0, 1);
}

/// A checkpoint truncated to its first layers keeps the number of dense ones, which may be larger.
TEST(ModelConfig, MoreDenseLayersThanLayers) {
  ModelConfig model =
      parse(latentWith(std::string(experts) + R"(, "first_k_dense_replace": 11, "intermediate_size": 300)"));
  ASSERT_EQ(model.layers.size(), 1u);
  EXPECT_EQ(model.layers[0].denseMlps, 1);
  EXPECT_EQ(model.layers[0].mixtures, 0);
}

TEST(ModelConfig, AllLayersMayHaveExperts) {
  ModelConfig model = parse(latentWith(std::string(experts) + R"(, "first_k_dense_replace": 0)", "mistral4"));
  ASSERT_EQ(model.layers.size(), 1u);
  expectKind(model.layers[0], 10, 1, 0, 1);
}

TEST(ModelConfig, Gpt2SpeaksItsOwnNames) {
  ModelConfig model = parse(R"({"model_type": "gpt2", "n_embd": 768, "n_head": 12, "n_layer": 12, "n_inner": null,
      "vocab_size": 50257})");
  EXPECT_EQ(model.hiddenSize, 768);
  EXPECT_EQ(model.heads.headDim, 64);
  EXPECT_EQ(model.denseWidth, 3072);
  expectKind(model.layers[0], 12, 1, 1, 0);
}

TEST(ModelConfig, HeadDimMayDifferFromHiddenOverHeads) {
  EXPECT_EQ(parse(llamaWith(R"("head_dim": 32)")).heads.headDim, 32);
  EXPECT_EQ(parse(llamaWith("")).heads.headDim, 16);
  EXPECT_EQ(parse(llamaWith("")).heads.keyValueHeads, 4);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST(ModelConfig, ErrorsNameTheField) {
  struct {
    std::string json;
    const char *error;
  } cases[] = {
      {"[]", "config.json: expected a JSON object, got []; correct the file"},
      {R"({"model_type": 3})", "config.json: model_type: expected a string, got 3; correct the config"},
      {R"({"hidden_size": 3})", "config.json: model_type: missing; give a config of axk1, axk2, "},
      {R"({"model_type": "mamba"})", "config.json: model_type: mamba is not known here; give a config of "},
      {latentWith(R"("n_routed_experts": 8)"), "config.json: moe_intermediate_size: missing, but the config has "
                                               "n_routed_experts; give it, or leave out all fields of the MLP"},
      {latentWith(experts), "config.json: first_k_dense_replace: missing, but the config has n_routed_experts;"},
      {latentWith(std::string(experts) + R"(, "first_k_dense_replace": 1)"),
       "config.json: intermediate_size: missing, but the config has n_routed_experts;"},
      {latentWith(std::string(experts) + R"(, "first_k_dense_replace": -1)"),
       "config.json: first_k_dense_replace: expected an integer from 0 to 65536, got -1;"},
      {latentWith(R"("n_routed_experts": 8, "num_experts_per_tok": 9, "moe_intermediate_size": 16,
          "first_k_dense_replace": 0)"),
       "config.json: num_experts_per_tok: 9 of 8 experts cannot be selected; correct the config"},
      {latentWith(R"("intermediate_size": -5)"), "config.json: intermediate_size: expected an integer from 1 to "},
      {latentWith(R"("vocab_size": 1e30)"), "config.json: vocab_size: expected an integer from 1 to "},
      {latentWith(std::string(experts) + R"(, "intermediate_size": 96, "mlp_layer_types": ["dense"])"),
       "config.json: mlp_layer_types: expected a list of 10 layers; correct the config"},
      {latentWith(R"("kv_lora_rank": 0)"), "config.json: kv_lora_rank: "},
      {llamaWith(R"("num_key_value_heads": 3)"),
       "config.json: num_key_value_heads: 3 does not divide num_attention_heads, 4; correct the config"},
      {R"({"model_type": "llama", "hidden_size": 63, "num_attention_heads": 4, "num_hidden_layers": 3})",
       "config.json: head_dim: missing, and hidden_size is not a multiple of num_attention_heads; give it"},
      {R"({"model_type": "llama", "num_attention_heads": 4})", "config.json: hidden_size: missing;"},
  };
  for (const auto &[json, error] : cases)
    EXPECT_EQ(StringRef(messageOf(parseModelConfig(json, "config.json"))).take_front(StringRef(error).size()).str(),
              error)
        << json;
}
