//===- ModelCostsTest.cpp - Costs of a whole model, part by part ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace mla;
using namespace mla::report;
using namespace mla::report::test;
using mla::importer::LayerKind;
using mla::importer::ModelConfig;

static constexpr LayerKind mixture{1, 1, 0, 1};

static void expectSame(const Cost &a, const Cost &b) {
  EXPECT_DOUBLE_EQ(a.readBytes, b.readBytes);
  EXPECT_DOUBLE_EQ(a.writtenBytes, b.writtenBytes);
  EXPECT_DOUBLE_EQ(a.flops, b.flops);
  EXPECT_DOUBLE_EQ(a.launches, b.launches);
  EXPECT_NEAR(a.seconds / b.seconds, 1, 1e-12);
}

/// The cost of an attention is the plan's.
TEST(ModelCosts, AttentionIsTheCostModels) {
  ModelCosts costs = costsOf("deepseek-v3");
  LayerKind attention{1, 1, 0, 0};
  for (Step step : {Step{1, 1, 4096}, Step{32, 1, 100}, Step{2, 300, 300}}) {
    for (Forms forms : {naive, absorb, fold, Forms{Form::Fold, Form::Absorb}})
      expectSame(costs.getLayer(attention, {false, forms}, step).getAttention(),
                 costs.getAttentionModel().getCost(forms, step).getTotal());
    expectSame(costs.getLayer(attention, AttentionForm::overFullCache(), step).getAttention(),
               costs.getAttentionModel().getFullCacheCost(step).getTotal());
  }
}

TEST(ModelCosts, EverythingIsInOnePart) {
  ModelCosts costs = costsOf("deepseek-v3");
  Costs model = costs.getModel({false, absorb}, {4, 1, 4096});
  Cost sum;
  double shares = 0;
  for (Part part : allParts) {
    sum += model[part];
    shares += model.getShare(part);
  }
  expectSame(sum, model.getTotal());
  EXPECT_NEAR(shares, 1, 1e-12);
}

TEST(ModelCosts, AModelIsItsLayersAndLogits) {
  ModelCosts costs = costsOf("deepseek-v3");
  Step step{4, 1, 4096};
  Costs model = costs.getModel({false, absorb}, step), dense = costs.getLayer({1, 1, 1, 0}, {false, absorb}, step),
        sparse = costs.getLayer(mixture, {false, absorb}, step);
  expectSame(model[Part::Mlp], 3.0 * dense[Part::Mlp] + 58.0 * sparse[Part::Mlp]);
  expectSame(model[Part::AttentionCore], 61.0 * dense[Part::AttentionCore]);
  EXPECT_EQ(model[Piece::Logits].flops, 2.0 * 4 * 7168 * 129280);
}

/// Logits are computed only for the last token of a prompt.
TEST(ModelCosts, APromptHasOneRowOfLogits) {
  Costs prompt = costsOf("deepseek-v3").getModel({false, naive}, {2, 1000, 1000});
  EXPECT_EQ(prompt[Piece::Logits].flops, 2.0 * 2 * 7168 * 129280);
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

TEST(ModelCosts, ExpertsThatAreRead) {
  ModelCosts costs = costsOf("deepseek-v3");
  EXPECT_NEAR(costs.getExpectedExperts(1), 8, 1e-9);
  EXPECT_NEAR(costs.getExpectedExperts(2), 256 * (1 - std::pow(1 - 8 / 256.0, 2)), 1e-9);
  EXPECT_NEAR(costs.getExpectedExperts(1 << 20), 256, 1e-9);
  for (int64_t tokens = 1; tokens < 512; tokens *= 2)
    EXPECT_LT(costs.getExpectedExperts(tokens), costs.getExpectedExperts(2 * tokens));
}

TEST(ModelCosts, ExpertsThatComputeNothingAreNotRead) {
  ModelConfig config = readModel("deepseek-v3");
  config.experts = {2048, 512, 256, 12, 0}; // LongCat-Flash's
  ModelCosts costs(config, Device::h100(), {});
  EXPECT_NEAR(costs.getExpectedExperts(1), 8, 1e-9);
  Costs layer = costs.getLayer(mixture, {false, absorb}, {64, 1, 1});
  EXPECT_NEAR(layer[Piece::RoutedExperts].flops, 64 * 8 * 6.0 * 7168 * 2048, 1);
}

TEST(ModelCosts, AllExpertsMayBePicked) {
  ModelConfig config = readModel("deepseek-v3");
  config.experts = {2048, 4, 0, 4, 0};
  EXPECT_EQ(ModelCosts(config, Device::h100(), {}).getExpectedExperts(1), 4);
}

/// Routed experts compute the same whatever is read: k per token.
TEST(ModelCosts, FlopsOfExpertsAreThoseOfTheChoices) {
  ModelCosts costs = costsOf("deepseek-v3");
  for (int64_t tokens : {1, 7, 128, 5000}) {
    Costs layer = costs.getLayer(mixture, {false, absorb}, {tokens, 1, 1});
    EXPECT_NEAR(layer[Piece::RoutedExperts].flops / (tokens * 8 * 6.0 * 7168 * 2048), 1, 1e-12);
    EXPECT_EQ(layer[Piece::SharedExperts].flops, tokens * 6.0 * 7168 * 2048);
    double weights = costs.getExpectedExperts(tokens) * 3 * 7168 * 2048 * 2;
    EXPECT_GE(layer[Piece::RoutedExperts].readBytes, weights);
  }
}

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

TEST(ModelCosts, GroupedHeadsShareTheirCache) {
  ModelConfig config = readModel("baseline/deepseek-67b");
  auto core = [&](int64_t keyValueHeads) {
    config.heads.keyValueHeads = keyValueHeads;
    return ModelCosts(config, Device::h100(), {})
        .getLayer({1, 1, 1, 0}, AttentionForm::overFullCache(), {1, 1, 4096})[Part::AttentionCore];
  };
  EXPECT_EQ(core(8).flops, core(64).flops);
  EXPECT_EQ(core(64).readBytes - core(8).readBytes, 4096.0 * 56 * 2 * 128 * 2);
  EXPECT_LT(core(8).seconds, core(64).seconds);
}

TEST(ModelCosts, MoreIsNeverCheaper) {
  for (llvm::StringRef name : {"deepseek-v3", "minicpm3-4b", "longcat-flash", "baseline/deepseek-67b"}) {
    ModelCosts costs = costsOf(name);
    AttentionForm form = costs.getConfig().latent ? AttentionForm{false, absorb} : AttentionForm::overFullCache();
    double before = 0;
    for (int64_t size = 1; size <= kMaxContext; size *= 4) {
      double seconds = costs.getModel(form, {1, 1, size}).getTotal().seconds;
      EXPECT_GE(seconds, before) << name.str() << " " << size;
      EXPECT_GE(costs.getModel(form, {2, 1, size}).getTotal().seconds, seconds);
      before = seconds;
    }
  }
}

/// The largest accepted request has finite costs.
TEST(ModelCosts, NothingOverflows) {
  for (llvm::StringRef name : {"deepseek-v3", "baseline/gpt3-175b"}) {
    ModelCosts costs = costsOf(name);
    AttentionForm form = costs.getConfig().latent ? AttentionForm{false, naive} : AttentionForm::overFullCache();
    Cost total = costs.getModel(form, {kMaxBatch, kMaxContext, kMaxContext}).getTotal();
    EXPECT_TRUE(std::isfinite(total.seconds));
    EXPECT_GT(total.flops, 1e24);
    EXPECT_GT(total.readBytes, 1e18);
  }
}
