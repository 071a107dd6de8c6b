//===- WeightSpecTest.cpp - Weights as announced and as found -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/WeightSpec.h"

#include "gtest/gtest.h"

using namespace mla;
using namespace mla::importer;

static AttentionConfig smallConfig() {
  AttentionConfig config;
  config.hiddenSize = 96;
  config.numHeads = 4;
  config.numLayers = 2;
  config.qLoraRank = 48;
  config.kvLoraRank = 64;
  config.nopeDim = 32;
  config.ropeDim = 16;
  config.vDim = 24;
  return config;
}

/// A layer is imported before its weights are generated: the specs must match the weights.
static void expectMadeAsAnnounced(const AttentionConfig &config) {
  std::unique_ptr<Checkpoint> checkpoint = makeSyntheticCheckpoint(config);
  llvm::Expected<std::vector<WeightSpec>> found = findSpecs(*checkpoint, config, {1, 0});
  ASSERT_TRUE(!!found) << llvm::toString(found.takeError());
  std::vector<WeightSpec> announced = announcedSpecs(config, 1);
  ASSERT_EQ(announced.size(), found->size());
  for (size_t i = 0; i < announced.size(); ++i) {
    EXPECT_EQ(announced[i].expected.name, (*found)[i].expected.name);
    EXPECT_EQ(announced[i].expected.shape, (*found)[i].expected.shape);
    EXPECT_EQ(announced[i].dtype, (*found)[i].dtype) << announced[i].expected.name;
    EXPECT_EQ(announced[i].isScaled(), announced[i].expected.scale.has_value());
  }
}

TEST(WeightSpec, MadeWeightsAreAsAnnounced) {
  AttentionConfig config = smallConfig();
  for (CheckpointDType dtype :
       {CheckpointDType::Unknown, CheckpointDType::F32, CheckpointDType::F16, CheckpointDType::BF16}) {
    config.checkpointDType = dtype;
    expectMadeAsAnnounced(config);
  }
}

TEST(WeightSpec, MadeQuantizedWeightsAreAsAnnounced) {
  AttentionConfig config = smallConfig();
  config.checkpointDType = CheckpointDType::BF16;
  config.attentionBias = true;
  for (BlockQuantization block : {BlockQuantization{32, 32}, {96, 80}, {1, 0}, {0, 0}}) {
    config.quantization = Quantization{{{{"Linear"}, block}}, {"re:.*o_proj$"}};
    expectMadeAsAnnounced(config);
    EXPECT_FALSE(announcedSpecs(config, 0)[6].isScaled());
  }
}

TEST(WeightSpec, LayersWithOtherScalesDiffer) {
  AttentionConfig config = smallConfig();
  config.quantization = Quantization{{{{"model.layers.0"}, {0, 0}}, {{"model.layers.1"}, {1, 0}}}, {}};
  std::unique_ptr<Checkpoint> checkpoint = makeSyntheticCheckpoint(config);
  llvm::Expected<std::vector<WeightSpec>> found = findSpecs(*checkpoint, config, {0, 1});
  ASSERT_FALSE(!!found);
  EXPECT_EQ(llvm::toString(found.takeError()),
            "made weights (seed 0): tensor model.layers.1.self_attn.q_a_proj.weight: has weight_scale_inv F32 [48, 1] "
            "of blocks of [1, 96], but model.layers.0.self_attn.q_a_proj.weight has weight_scale_inv F32 [1, 1] of "
            "blocks of [48, 96], and layers compiled together share code; compile these layers separately with "
            "--layers");
  EXPECT_TRUE(!!findSpecs(*checkpoint, config, {1}));
}

TEST(WeightSpec, NamesAreOfTheFirstLayerAsked) {
  AttentionConfig config = smallConfig();
  std::unique_ptr<Checkpoint> checkpoint = makeSyntheticCheckpoint(config);
  llvm::Expected<std::vector<WeightSpec>> found = findSpecs(*checkpoint, config, {1});
  ASSERT_TRUE(!!found) << llvm::toString(found.takeError());
  EXPECT_EQ(found->front().expected.name, "model.layers.1.self_attn.q_a_proj.weight");
}
