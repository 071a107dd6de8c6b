//===- ConfigTest.cpp - Configs that are accepted -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace mla::importer;
using namespace mla::importer::test;
using llvm::StringRef;

namespace {
struct KnownModel {
  const char *file, *modelType;
  int64_t hidden, heads, layers, qRank, kvRank, nope, rope, v;
  double theta;
  bool interleaved;
  double mscale; ///< The softmax scale is mscale squared over the square root of nope + rope.
  bool quantized;
};
} // namespace

// 0.1 * mscale_all_dim * ln(factor) + 1 (YaRN), computed independently of the code.
static const double v2Mscale = 1.2608037774058554;      // 0.707, 40
static const double v3Mscale = 1.3688879454113936;      // 1, 40
static const double kimiMscale = 1.4158883083359672;    // 1, 64
static const double mistralMscale = 1.4852030263919618; // 1, 128

static const KnownModel knownModels[] = {
    {"configs/deepseek-v2-lite.json", "deepseek_v2", 2048, 16, 27, 0, 512, 128, 64, 128, 1e4, true, v2Mscale, false},
    {"configs/deepseek-v2.json", "deepseek_v2", 5120, 128, 60, 1536, 512, 128, 64, 128, 1e4, true, v2Mscale, false},
    {"configs/deepseek-v3.json", "deepseek_v3", 7168, 128, 61, 1536, 512, 128, 64, 128, 1e4, true, v3Mscale, true},
    {"configs/glm-4.7-flash.json", "glm4_moe_lite", 2048, 20, 47, 768, 512, 192, 64, 256, 1e6, true, 1.0, false},
    {"configs/longcat-flash.json", "longcat_flash", 6144, 64, 56, 1536, 512, 128, 64, 128, 1e7, true, 1.0, false},
    {"configs/plm-1.8b.json", "plm", 2048, 16, 32, 0, 512, 128, 64, 128, 1e5, true, 1.0, false},
    {"configs/kimi-k2.json", "deepseek_v3", 7168, 64, 61, 1536, 512, 128, 64, 128, 5e4, true, kimiMscale, false},
    {"configs/minicpm3-4b.json", "minicpm3", 2560, 40, 62, 768, 256, 64, 32, 64, 1e4, false, 1.0, false},
    {"configs/mistral-small-4.json", "mistral4", 4096, 32, 36, 1024, 256, 64, 64, 128, 1e4, true, mistralMscale, false},
    {"configs/moonlight-16b.json", "deepseek_v3", 2048, 16, 27, 0, 512, 128, 64, 128, 5e4, true, 1.0, false},
    {"golden/glm4_moe_lite.safetensors", "glm4_moe_lite", 160, 4, 1, 48, 64, 32, 16, 32, 1e4, true, 1.0, false},
    {"golden/glm_moe_dsa.safetensors", "glm_moe_dsa", 128, 4, 1, 48, 64, 32, 16, 32, 1e6, true, 1.0, false},
    {"golden/longcat_flash.safetensors", "longcat_flash", 128, 4, 2, 48, 64, 32, 16, 32, 1e7, true, 1.0, false},
    {"golden/minicpm3.safetensors", "minicpm3", 160, 4, 1, 48, 64, 32, 16, 32, 1e4, false, 1.0, false},
    {"golden/mistral4.safetensors", "mistral4", 160, 4, 1, 48, 64, 32, 16, 32, 1e4, true, mistralMscale, false},
    {"golden/v2_qlora.safetensors", "deepseek_v2", 160, 5, 1, 48, 64, 32, 16, 32, 1e4, true, 1.0, false},
    {"golden/v2_yarn.safetensors", "deepseek_v2", 160, 4, 1, 48, 64, 32, 16, 32, 1e4, true, v2Mscale, false},
    {"golden/v2lite_noqlora.safetensors", "deepseek_v2", 128, 4, 1, 0, 64, 32, 16, 32, 1e4, true, 1.0, false},
    {"golden/v3_fp8.safetensors", "deepseek_v3", 320, 4, 1, 192, 192, 48, 32, 48, 1e4, true, v3Mscale, true},
    {"golden/v3_plain.safetensors", "deepseek_v3", 256, 8, 1, 64, 128, 64, 32, 48, 1e4, true, 1.0, false},
    {"golden/v3_yarn.safetensors", "deepseek_v3", 192, 4, 1, 96, 64, 32, 16, 32, 1e4, true, v3Mscale, false},
    {"golden/v3_bf16_sharded", "deepseek_v3", 160, 4, 1, 48, 64, 32, 16, 32, 1e4, true, 1.0, false},
};

TEST(ConfigTest, KnownModels) {
  for (const KnownModel &model : knownModels) {
    SCOPED_TRACE(model.file);
    AttentionConfig config = configOf(model.file);
    EXPECT_EQ(config.modelType, model.modelType);
    EXPECT_EQ(config.hiddenSize, model.hidden);
    EXPECT_EQ(config.numHeads, model.heads);
    EXPECT_EQ(config.numLayers, model.layers);
    EXPECT_EQ(config.qLoraRank, model.qRank);
    EXPECT_EQ(config.kvLoraRank, model.kvRank);
    EXPECT_EQ(config.nopeDim, model.nope);
    EXPECT_EQ(config.ropeDim, model.rope);
    EXPECT_EQ(config.vDim, model.v);
    EXPECT_EQ(config.rope.theta, model.theta);
    EXPECT_EQ(config.ropeInterleaved, model.interleaved);
    EXPECT_EQ(config.rope.inverseFrequencies.size(), size_t(model.rope / 2));
    EXPECT_EQ(config.rope.inverseFrequencies[0], 1.0f);
    EXPECT_EQ(config.rope.cosSinScale, 1.0f) << "mscale equals mscale_all_dim in every released model";
    EXPECT_NEAR(config.softmaxScale, model.mscale * model.mscale / std::sqrt(model.nope + model.rope), 1e-12);
    EXPECT_EQ(config.quantization.has_value(), model.quantized);
    EXPECT_FALSE(config.attentionBias);
    bool isMistral = config.modelType == "mistral4";
    EXPECT_EQ(config.queryScaleBeta, isMistral ? 0.1 : 0.0);
    EXPECT_EQ(config.queryScaleOriginalLength, isMistral ? 8192 : 0);
    bool isLongcat = config.modelType == "longcat_flash";
    EXPECT_EQ(config.attentionsPerLayer, isLongcat ? 2 : 1);
    EXPECT_EQ(config.queryLatentScale, isLongcat ? std::sqrt(double(model.hidden) / model.qRank) : 1.0);
    EXPECT_EQ(config.latentScale, isLongcat ? std::sqrt(double(model.hidden) / model.kvRank) : 1.0);
    EXPECT_EQ(config.indexTopK != 0, config.modelType == "glm_moe_dsa");
    EXPECT_EQ(messageOf(checkIsComputable(config, "c.json")), "");
  }
}

// The configs of GLM and MiniCPM3 have rms_norm_eps 1e-5, but their latents are normalized with 1e-6: with
// 1e-5 benchmarks/replay.py misses their results by 1e-5.
TEST(ConfigTest, LatentNormsIgnoreRmsNormEps) {
  EXPECT_EQ(configOf("golden/glm4_moe_lite.safetensors").rmsNormEps, 1e-6);
  EXPECT_EQ(configOf("golden/minicpm3.safetensors").rmsNormEps, 1e-6);
}

/// Layers of dots3 have two attentions of different sizes; that of the layer is meant.
TEST(ConfigTest, LayersOfTwoSizes) {
  std::string text = readFile(modelPath("configs/2026/dots3-note.json"));
  AttentionConfig full = llvm::cantFail(parseConfig(text, "c.json")),
                  window = llvm::cantFail(parseConfig(text, "c.json", /*layer=*/2));
  EXPECT_EQ(full.kvLoraRank, 512);
  EXPECT_EQ(full.window, 0);
  EXPECT_EQ(full.indexTopK, 2048);
  EXPECT_EQ(full.otherAttention(1), "");
  EXPECT_EQ(full.otherAttention(2), "sliding_attention, latent attention of other sizes");
  EXPECT_EQ(window.kvLoraRank, 1024);
  EXPECT_EQ(window.numHeads, 64);
  EXPECT_EQ(window.window, 513);
  EXPECT_EQ(window.indexTopK, 0);
  EXPECT_EQ(window.otherAttention(2), "");
  EXPECT_NE(window.otherAttention(0), "");
  EXPECT_DOUBLE_EQ(window.rope.theta, 5e4);
}

TEST(ConfigTest, CheckpointDType) {
  EXPECT_EQ(configOf("configs/deepseek-v3.json").checkpointDType, CheckpointDType::BF16);
  EXPECT_EQ(configOf("golden/v3_plain.safetensors").checkpointDType, CheckpointDType::Unknown);
  EXPECT_EQ(configOf("configs/deepseek-v3.json").quantization->groups.front().block.blockRows, 128);
}

TEST(ConfigTest, SupportedModelTypes) {
  EXPECT_EQ(supportedModelTypes(), (std::vector<StringRef>{"axk1",
                                                           "axk2",
                                                           "bailing_hybrid",
                                                           "deepseek_v2",
                                                           "deepseek_v3",
                                                           "deepseek_v32",
                                                           "dots3_note",
                                                           "dots3_note_text",
                                                           "glm4_moe_lite",
                                                           "glm5_next",
                                                           "glm5_next_text",
                                                           "glm_moe_dsa",
                                                           "hy_v4",
                                                           "kimi_k2",
                                                           "kimi_linear",
                                                           "longcat_flash",
                                                           "minicpm3",
                                                           "mistral4",
                                                           "mistral_large_3",
                                                           "pangu_ultra_moe",
                                                           "plm",
                                                           "sarvam_mla",
                                                           "youtu"}));
}

//===----------------------------------------------------------------------===//
// Frequencies
//===----------------------------------------------------------------------===//

/// Returns a config of 16 rotary columns with the given RoPE keys (the inside of an object).
static AttentionConfig withRope(const std::string &keys, const std::string &modelType = "deepseek_v3") {
  std::string json = R"({"model_type": ")" + modelType + R"(", "hidden_size": 160, "num_attention_heads": 4,
      "num_hidden_layers": 1, "q_lora_rank": 48, "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16,
      "v_head_dim": 32)" +
                     (keys.empty() ? "" : ", ") + keys + "}";
  llvm::Expected<AttentionConfig> config = parseConfig(json, "config.json");
  if (config)
    return *config;
  ADD_FAILURE() << llvm::toString(config.takeError()) << "\n" << json;
  return {};
}

/// Returns YaRN's frequencies by the paper's formulas in float64; the ramp is over pairs low to high.
static std::vector<double> yarnInDouble(double theta, int dim, double factor, double low, double high) {
  std::vector<double> result;
  for (int i = 0; i < dim / 2; ++i) {
    double ramp = std::min(1.0, std::max(0.0, (i - low) / (high - low)));
    result.push_back(std::pow(theta, -2.0 * i / dim) * (ramp / factor + 1 - ramp));
  }
  return result;
}

TEST(RopeTest, PlainFrequencies) {
  AttentionConfig config = withRope(R"("rope_theta": 10000)");
  EXPECT_LT(relativeError(config.rope.inverseFrequencies, yarnInDouble(1e4, 16, 1.0, 0, 1)), 2e-7);
  EXPECT_GT(relativeError(config.rope.inverseFrequencies, yarnInDouble(10001, 16, 1.0, 0, 1)), 1e-5);
}

TEST(RopeTest, YarnFrequencies) {
  // Ramps computed by hand from find_correction_range: floor and ceil of
  // dim * ln(original / (beta * 2 pi)) / (2 ln theta), for beta_fast and beta_slow, clamped to [0, dim - 1].
  struct {
    const char *file;
    double theta, factor, low, high;
  } cases[] = {
      {"configs/deepseek-v3.json", 1e4, 40, 10, 23},
      {"configs/kimi-k2.json", 5e4, 64, 19, 20},
      {"configs/mistral-small-4.json", 1e4, 128, 12, 25},
      {"golden/v3_yarn.safetensors", 1e4, 40, 0, 3},
  };
  for (const auto &test : cases) {
    SCOPED_TRACE(test.file);
    AttentionConfig config = configOf(test.file);
    auto expected = yarnInDouble(test.theta, config.ropeDim, test.factor, test.low, test.high);
    EXPECT_LT(relativeError(config.rope.inverseFrequencies, expected), 3e-7);
    auto shifted = yarnInDouble(test.theta, config.ropeDim, test.factor, test.low, test.high + 0.01);
    EXPECT_GT(relativeError(config.rope.inverseFrequencies, shifted), 1e-4);
  }
}

// Bit for bit the results of the reference's float32 operations (numpy, in the order of _compute_yarn_parameters).
TEST(RopeTest, YarnFrequenciesBits) {
  AttentionConfig config = configOf("golden/v3_yarn.safetensors");
  std::vector<float> expected = {
      1.0f,           0.213453725f, 0.0349999964f, 0.000790569466f, 0.000250000012f, 7.90569466e-05f, 2.49999994e-05f,
      7.90569447e-06f};
  EXPECT_EQ(config.rope.inverseFrequencies, expected);
  expected[3] = std::nextafter(expected[3], 1.0f);
  EXPECT_NE(config.rope.inverseFrequencies, expected);
}

TEST(RopeTest, TruncateIsOptional) {
  std::string yarn = R"("rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 64)";
  AttentionConfig config = withRope(yarn + R"(, "truncate": false})");
  std::vector<float> expected = {
      1.0f,           0.163290262f, 0.003273824f, 0.000790569466f, 0.000250000012f, 7.90569466e-05f, 2.49999994e-05f,
      7.90569447e-06f};
  EXPECT_EQ(config.rope.inverseFrequencies, expected);
  EXPECT_NE(withRope(yarn + "}").rope.inverseFrequencies, expected);
}

TEST(RopeTest, ScalesOfYarn) {
  const std::string yarn = R"("rope_scaling": {"type": "yarn", "original_max_position_embeddings": 64, "factor": )";
  const double plain = 1 / std::sqrt(48.0), full = 0.1 * std::log(40.0) + 1, half = 0.05 * std::log(40.0) + 1;
  struct {
    const char *keys;
    double cosSin, softmax;
  } cases[] = {
      {"40}", full, plain},
      {R"(40, "mscale": 1})", full, plain},
      {R"(40, "mscale_all_dim": 1})", full, plain * full * full},
      {R"(40, "mscale": 1, "mscale_all_dim": 1})", 1, plain * full * full},
      {R"(40, "mscale": 1, "mscale_all_dim": 0.5})", full / half, plain * half * half},
      {R"(40, "mscale": 0.5, "mscale_all_dim": null})", full, plain},
      {R"(40, "mscale": 1, "mscale_all_dim": 1, "attention_factor": 0.75})", 0.75, plain * full * full},
      {R"(1, "mscale": 1, "mscale_all_dim": 0.5})", 1, plain},
  };
  for (const auto &test : cases) {
    SCOPED_TRACE(test.keys);
    AttentionConfig config = withRope(yarn + test.keys);
    EXPECT_NEAR(config.rope.cosSinScale, test.cosSin, 1e-7);
    EXPECT_NEAR(config.softmaxScale, test.softmax, 1e-12);
  }
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

static void expectSameRope(const AttentionConfig &a, const AttentionConfig &b) {
  EXPECT_EQ(a.rope.theta, b.rope.theta);
  EXPECT_EQ(a.rope.inverseFrequencies, b.rope.inverseFrequencies);
  EXPECT_EQ(a.rope.cosSinScale, b.rope.cosSinScale);
  EXPECT_EQ(a.softmaxScale, b.softmaxScale);
  EXPECT_EQ(a.ropeInterleaved, b.ropeInterleaved);
}

TEST(ConfigTest, BothStylesOfRopeKeys) {
  const std::string yarn = R"("factor": 40, "original_max_position_embeddings": 64, "mscale": 1, "mscale_all_dim": 1)";
  AttentionConfig old = withRope(R"("rope_theta": 5000, "rope_scaling": {"type": "yarn", )" + yarn + "}");
  expectSameRope(old, withRope(R"("rope_parameters": {"rope_type": "yarn", "rope_theta": 5000, )" + yarn + "}"));
  // rope_type precedes type; rope_scaling precedes rope_parameters; the inner theta precedes the outer one.
  expectSameRope(old, withRope(R"("rope_theta": 7, "rope_parameters": {"rope_type": "default", "rope_theta": 9},
                                   "rope_scaling": {"type": "x", "rope_type": "yarn", "rope_theta": 5000, )" +
                               yarn + "}"));
  // The outer length precedes, and max_position_embeddings replaces a missing one.
  const std::string noLength = R"("factor": 40, "mscale": 1, "mscale_all_dim": 1})";
  expectSameRope(
      old,
      withRope(R"("max_position_embeddings": 64, "rope_theta": 5000, "rope_scaling": {"type": "yarn", )" + noLength));
  expectSameRope(old, withRope(R"("original_max_position_embeddings": 64, "rope_theta": 5000, "rope_scaling": {
                                   "type": "yarn", "original_max_position_embeddings": 128, )" +
                               noLength));
  // Zero and null betas mean 32 and 1.
  expectSameRope(old, withRope(R"("rope_theta": 5000, "rope_scaling": {"type": "yarn", "beta_fast": null,
                                   "beta_slow": 0, )" +
                               yarn + "}"));
}

TEST(ConfigTest, SilentConfigsHaveTheDefaults) {
  AttentionConfig config = withRope("");
  expectSameRope(config, withRope(R"("rope_theta": 10000.0, "rope_scaling": null)"));
  expectSameRope(config, withRope(R"("rope_parameters": {"rope_type": "default"}, "rope_scaling": {})"));
  EXPECT_EQ(config.rmsNormEps, 1e-6);
  EXPECT_TRUE(config.ropeInterleaved);
  EXPECT_FALSE(config.quantization);
  EXPECT_EQ(config.checkpointDType, CheckpointDType::Unknown);
}

TEST(ConfigTest, SilentMistral4HasItsDefaults) {
  AttentionConfig config = withRope("", "mistral4");
  expectSameRope(config, configOf("golden/mistral4.safetensors"));
  EXPECT_EQ(config.queryScaleBeta, 0.1);
  EXPECT_EQ(config.queryScaleOriginalLength, 8192);
  // Plain RoPE without scaling.
  config = withRope(R"("rope_theta": 10000, "llama_4_scaling_beta": 0)", "mistral4");
  expectSameRope(config, withRope(""));
  EXPECT_EQ(config.queryScaleBeta, 0.0);
}

TEST(ConfigTest, RopePairing) {
  EXPECT_TRUE(withRope("", "deepseek_v2").ropeInterleaved);
  EXPECT_FALSE(withRope("", "minicpm3").ropeInterleaved);
  EXPECT_TRUE(withRope("", "kimi_k2").ropeInterleaved);
  EXPECT_FALSE(withRope(R"("rope_interleave": false)", "deepseek_v3").ropeInterleaved);
  EXPECT_FALSE(withRope(R"("rope_interleave": false)", "glm4_moe_lite").ropeInterleaved);
}

// Costs and shapes do not depend on it, so a config without it has a plan.
TEST(ConfigTest, UnknownThetaIsNoNumber) {
  AttentionConfig config = configOf("configs/glm-5.json");
  EXPECT_TRUE(std::isnan(config.rope.theta));
  EXPECT_TRUE(std::isnan(config.rope.inverseFrequencies[1]));
  EXPECT_EQ(messageOf(checkIsComputable(config, "c.json")),
            "c.json: rope_theta: null, but rotations require it; give the model's value");
  EXPECT_EQ(withRope("", "glm_moe_dsa").rope.theta, 1e4) << "a missing one has the default of transformers";
  EXPECT_EQ(withRope("", "longcat_flash").rope.theta, 1e7);
  EXPECT_EQ(withRope("", "plm").rope.theta, 1e5);
}

TEST(ConfigTest, NothingRotatedNeedsNoTheta) {
  std::string json = R"({"model_type": "deepseek_v3", "hidden_size": 160, "num_attention_heads": 4,
      "num_hidden_layers": 1, "q_lora_rank": 48, "kv_lora_rank": 64, "qk_nope_head_dim": 32, "v_head_dim": 32,
      "rope_theta": null, "qk_rope_head_dim": )";
  EXPECT_EQ(messageOf(checkIsComputable(llvm::cantFail(parseConfig(json + "0}", "c.json")), "c.json")), "");
  EXPECT_NE(messageOf(checkIsComputable(llvm::cantFail(parseConfig(json + "16}", "c.json")), "c.json")), "");
}

TEST(ConfigTest, LayersOfTwoAttentions) {
  EXPECT_EQ(withRope("", "longcat_flash").numLayers, 2) << "num_hidden_layers alone says the layers";
  EXPECT_EQ(withRope(R"("num_layers": 1)", "longcat_flash").numLayers, 2);
  EXPECT_EQ(withRope(R"("mla_scale_q_lora": true)", "longcat_flash").latentScale, std::sqrt(160.0 / 64));
  EXPECT_EQ(withRope(R"("num_layers": 7)").numLayers, 1) << "which means nothing to other families";
}

TEST(ConfigTest, Reservations) {
  EXPECT_TRUE(reservations(withRope("")).empty());
  EXPECT_TRUE(reservations(withRope("", "longcat_flash")).empty());
  EXPECT_EQ(reservations(withRope(R"("index_topk": 64)", "glm_moe_dsa")),
            std::vector<std::string>{"glm_moe_dsa: compiled as dense attention, which it is up to index_topk = 64 "
                                     "tokens; beyond, the model attends only to the tokens that its indexer picks"});
  EXPECT_EQ(reservations(withRope(R"("rope_interleave": false)", "plm")),
            std::vector<std::string>{"plm: not checked against a reference implementation; assuming half-split RoPE "
                                     "and 1e-6 as the epsilon of the latent's norm"});
}

TEST(ConfigTest, MiniCPM3TakesVFromHidden) {
  std::string json = R"({"model_type": "minicpm3", "hidden_size": 160, "num_attention_heads": 4,
      "num_hidden_layers": 1, "q_lora_rank": 48, "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16,
      "v_head_dim": null, "num_key_value_heads": 4, "attention_bias": true, "torch_dtype": "torch.float32"})";
  llvm::Expected<AttentionConfig> config = parseConfig(json, "config.json");
  ASSERT_TRUE(bool(config)) << llvm::toString(config.takeError());
  EXPECT_EQ(config->vDim, 40);
  EXPECT_TRUE(config->attentionBias);
  EXPECT_EQ(config->checkpointDType, CheckpointDType::F32);
}

//===----------------------------------------------------------------------===//
// Parts of a config besides the attention
//===----------------------------------------------------------------------===//

static const char smallKeys[] = R"("model_type": "kimi_k2", "hidden_size": 160, "num_attention_heads": 4,
    "num_hidden_layers": 1, "q_lora_rank": 48, "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16,
    "v_head_dim": 32)";

TEST(ConfigTest, AModelInsideAnotherIsTheModel) {
  for (const std::string key : {"text_config", "language_config", "llm_config"}) {
    std::string text = R"({"model_type": "kimi_k25", "torch_dtype": "bfloat16", "quantization_config":
        {"quant_method": "fp8", "weight_block_size": [128, 64]}, ")" +
                       key + "\": {" + smallKeys + "}}";
    AttentionConfig config = llvm::cantFail(parseConfig(text, "c.json"));
    EXPECT_EQ(config.modelType, "kimi_k2");
    EXPECT_EQ(config.kvLoraRank, 64);
    EXPECT_EQ(config.checkpointDType, CheckpointDType::BF16) << "as the config around it says";
    ASSERT_TRUE(config.quantization);
    EXPECT_EQ(config.quantization->groups.front().block.blockColumns, 64);
    EXPECT_EQ(reservations(config).front(),
              "kimi_k25: its " + key + " is compiled, kimi_k2, without the rest of the model");
  }
  EXPECT_TRUE(reservations(llvm::cantFail(parseConfig(std::string("{") + smallKeys + "}", "c.json"))).empty());
}

TEST(ConfigTest, WhatQuantisesExpertsIsNoError) {
  for (const char *method :
       {R"({"quant_method": "compressed-tensors"})", R"({"quant_method": "awq"})", R"({"quant_algo": "NVFP4"})"}) {
    AttentionConfig config = llvm::cantFail(
        parseConfig(std::string("{") + smallKeys + ", \"quantization_config\": " + method + "}", "c.json"));
    EXPECT_FALSE(config.quantization);
    EXPECT_NE(config.otherQuantization, "");
  }
}
