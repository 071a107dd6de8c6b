//===- ClaimsTest.cpp - What is published, and what follows of it ---------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/report.md discusses all of them.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "gtest/gtest.h"

using namespace mla;
using namespace mla::report;
using namespace mla::report::test;
using mla::importer::ModelConfig;

//===----------------------------------------------------------------------===//
// Caches
//===----------------------------------------------------------------------===//

/// DeepSeek-V2 (arXiv:2405.04434), abstract: "compared with DeepSeek 67B, … reduces the KV cache by 93.3%". With equal
/// elements it is 82.2%; the rest is their quantization to 6 bits per number, "on average" (section 3.2.3).
TEST(Claims, DeepSeekV2CachesLessThanDeepSeek67B) {
  Report v2 = reportOf("deepseek-v2", 1, 4096, std::make_unique<Report>(reportOf("baseline/deepseek-67b")));
  EXPECT_EQ(v2.cache.bytesPerToken, 60 * 576 * 2);
  EXPECT_EQ(v2.cache.baselineBytesPerToken, 95 * 8 * 2 * 128 * 2);
  EXPECT_NEAR(v2.cache.reduction, 0.822, 5e-4);
  EXPECT_NEAR(v2.cache.reduction6bit, 0.933, 5e-4);
}

/// The same, section 2.1.4: "equal to GQA with only 2.25 groups". That holds for heads without RoPE, 128
/// wide; for keys as wide as the model's (128 + 64) it is 1.8.
TEST(Claims, TheLatentEqualsSoManyGroups) {
  Report v2 = reportOf("deepseek-v2");
  EXPECT_DOUBLE_EQ(v2.cache.equalGroups, 1.8);
  EXPECT_DOUBLE_EQ(v2.cache.bytesPerToken / (60 * 2 * 128 * 2), 2.25);
}

//===----------------------------------------------------------------------===//
// FLOPs
//===----------------------------------------------------------------------===//

/// Returns the FLOPs of a layer of GPT-3's shapes for one sequence of n tokens, and d.
static std::pair<Costs, double> denseLayer(double n) {
  ModelCosts costs = costsOf("baseline/gpt3-175b");
  Step step{1, int64_t(n), int64_t(n)};
  return {costs.getLayer(costs.getConfig().layers.front(), AttentionForm::overFullCache(), step),
          costs.getConfig().hiddenSize};
}

/// 24 n d^2 + 4 n^2 d counts the scores that a causal mask leaves out. Ours are 24 n d^2 + 2 n (n + 1) d.
TEST(Claims, ADenseLayer) {
  for (double n : {1, 2048}) {
    auto [layer, d] = denseLayer(n);
    EXPECT_EQ(layer.getTotal().flops, 24 * n * d * d + 2 * n * (n + 1) * d);
    double masked = 2 * n * (n - 1) * d;
    EXPECT_EQ(layer.getTotal().flops + masked, 24 * n * d * d + 4 * n * n * d);
  }
}

/// "MLPs are 80–90% of FLOPs at 175B": they are 65% of a layer by that formula (66% of what a causal mask leaves), and
/// 96% only beside the scores alone (98%).
TEST(Claims, MlpsAre65PercentAt175B) {
  double n = 2048;
  auto [layer, d] = denseLayer(n);
  double mlp = layer[Part::Mlp].flops, masked = 2 * n * (n - 1) * d, core = layer[Part::AttentionCore].flops;
  EXPECT_EQ(mlp, 16 * n * d * d);
  EXPECT_NEAR(mlp / (layer.getTotal().flops + masked), 0.649, 5e-4);
  EXPECT_NEAR(mlp / layer.getTotal().flops, 0.658, 5e-4);
  EXPECT_NEAR(mlp / (mlp + core + masked), 0.960, 5e-4);
  EXPECT_NEAR(mlp / (mlp + core), 0.980, 5e-4);
}

/// (2 L + R) / (P + R + V): 3.4 for DeepSeek-V3, in decode as in prefill.
TEST(Claims, AbsorbedAttentionNeedsMoreFlops) {
  ModelCosts costs = costsOf("deepseek-v3");
  for (Step step : {Step{1, 1, 4096}, Step{8, 512, 512}}) {
    const auto &kind = costs.getConfig().layers.front();
    double absorbed = costs.getLayer(kind, {false, absorb}, step)[Part::AttentionCore].flops;
    double full = costs.getLayer(kind, AttentionForm::overFullCache(), step)[Part::AttentionCore].flops;
    EXPECT_DOUBLE_EQ(absorbed / full, 3.4);
  }
  Step step{1, 1, 4096};
  double absorbed = costs.getModel({false, absorb}, step).getTotal().flops;
  EXPECT_NEAR(absorbed / costs.getModel(AttentionForm::overFullCache(), step).getTotal().flops, 1.52, 5e-3);
}

/// Bytes and FLOPs of V3's core per cached token: 81,920 and 81,920 over keys and values, 1,152 and 278,528
/// absorbed, 33.6 MFLOP if keys and values are recomputed.
TEST(Claims, TheCoreOfACachedToken) {
  ModelCosts costs = costsOf("deepseek-v3");
  auto added = [&](const AttentionForm &form) {
    auto core = [&](int64_t context) {
      return costs.getLayer(costs.getConfig().layers.front(), form, {1, 1, context})[Part::AttentionCore];
    };
    Cost before = core(1000), after = core(1001);
    return std::pair(after.readBytes - before.readBytes, after.flops - before.flops);
  };
  EXPECT_EQ(added(AttentionForm::overFullCache()), std::pair(81'920.0, 81'920.0));
  EXPECT_EQ(added({false, absorb}), std::pair(1'152.0, 278'528.0));
  EXPECT_EQ(added({false, naive}).second, 33'554'432.0 + 81'920.0);
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// Weights according to the models' cards, in all and per token, in thousand millions.
TEST(Claims, NumbersOfWeights) {
  struct {
    const char *name;
    double all, active;
  } cards[] = {
      {"deepseek-v3", 671, 37},          {"deepseek-v2", 236, 21},
      {"deepseek-v2-lite", 15.7, 2.4},   {"kimi-k2", 1027, 32},
      {"moonlight-16b", 16, 3},          {"minicpm3-4b", 4.07, 4.07},
      {"baseline/deepseek-67b", 67, 67}, {"baseline/gpt3-175b", 175, 175},
  };
  for (auto [name, all, active] : cards) {
    EXPECT_NEAR(costsOf(name).getParameters() / (all * 1e9), 1, 0.03) << name;
    EXPECT_NEAR(costsOf(name).getActiveParameters() / (active * 1e9), 1, 0.15) << name;
  }
}

/// The fold makes DeepSeek-V3 50 GB larger.
TEST(Claims, TheFoldsWeights) {
  Report v3 = reportOf("deepseek-v3");
  EXPECT_EQ(v3.fold->layer, 226'492'416 - 92'274'688 + 939'524'096 - 251'658'240);
  EXPECT_NEAR(v3.fold->model, 50e9, 0.5e9);
}
