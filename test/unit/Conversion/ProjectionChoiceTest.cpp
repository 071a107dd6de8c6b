//===- ProjectionChoiceTest.cpp - Tiles of products of bf16 and e4m3 ------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SM90/ProjectionChoices.h"

#include "gtest/gtest.h"

#include <random>

using namespace mla::gpu;

static ProjectionDims dimsOf(int64_t contracted, int64_t group, int64_t terms) {
  return {/*heads=*/1, /*rows=*/1536, contracted, group, terms};
}

static ProjectionChoices tileOf(int64_t rows, int64_t tokens, int64_t stages, int64_t splits = 1) {
  ProjectionChoices choices;
  choices.tileRows = rows;
  choices.tileTokens = tokens;
  choices.stages = stages;
  choices.splits = splits;
  return choices;
}

TEST(ProjectionChoices, AStepHas128BytesOfColumns) {
  EXPECT_EQ(dimsOf(7168, 0, 1).steps(), 112);
  EXPECT_EQ(dimsOf(7168, 128, 1).steps(), 56);
  EXPECT_EQ(dimsOf(7168, 32, 2).steps(), 56);
  EXPECT_EQ(dimsOf(336, 128, 2).steps(), 3);
}

TEST(ProjectionChoices, AnotherTermAndScalesNeedSharedMemory) {
  ProjectionChoices choices = tileOf(64, 64, 4);
  int64_t bf16 = choices.sharedBytes(dimsOf(7168, 0, 1)), one = choices.sharedBytes(dimsOf(7168, 128, 1)),
          two = choices.sharedBytes(dimsOf(7168, 128, 2)), small = choices.sharedBytes(dimsOf(7168, 32, 1));
  EXPECT_GT(one, bf16);
  EXPECT_GE(two, one + 4 * 64 * 128); // a tile of tokens per stage
  EXPECT_GT(small, one);              // more scales per stage
}

TEST(ProjectionChoices, ATileOfE4M3HasFewerTokens) {
  EXPECT_TRUE(tileOf(64, 256, 2).areValidFor(dimsOf(7168, 0, 1)));
  EXPECT_TRUE(tileOf(64, 192, 2).areValidFor(dimsOf(7168, 128, 2)));
  EXPECT_FALSE(tileOf(64, 224, 2).areValidFor(dimsOf(7168, 128, 1)));
  EXPECT_TRUE(tileOf(64, 64, 2).areValidFor(dimsOf(7168, 128, 2)));
  EXPECT_FALSE(tileOf(64, 48, 2).areValidFor(dimsOf(7168, 128, 1)));
  EXPECT_FALSE(tileOf(96, 64, 2).areValidFor(dimsOf(7168, 128, 1)));
}

TEST(ProjectionChoices, NoPartIsEmpty) {
  EXPECT_TRUE(tileOf(64, 16, 2, /*splits=*/3).areValidFor(dimsOf(336, 128, 2)));
  EXPECT_FALSE(tileOf(64, 16, 2, /*splits=*/4).areValidFor(dimsOf(336, 128, 2)));
  EXPECT_TRUE(tileOf(64, 16, 2, /*splits=*/6).areValidFor(dimsOf(336, 0, 1)));
  // Four steps in three parts: two, two, none.
  EXPECT_FALSE(tileOf(64, 16, 2, /*splits=*/3).areValidFor(dimsOf(512, 128, 2)));
  EXPECT_FALSE(tileOf(64, 16, 2).areValidFor(dimsOf(0, 128, 1)));
}

TEST(ProjectionChoices, StagesFitIntoSharedMemory) {
  for (int64_t terms : {1, 2}) {
    ProjectionDims dims = dimsOf(7168, 32, terms);
    ProjectionChoices choices = tileOf(128, 64, 2);
    while (choices.areValidFor(dims))
      ++choices.stages;
    EXPECT_GT(choices.stages, 2);
    EXPECT_GT(choices.sharedBytes(dims), 200 * 1024);
    --choices.stages;
    EXPECT_LE(choices.sharedBytes(dims), 227 * 1024);
  }
}

TEST(ProjectionChoices, FewTokensHaveTheSmallestTile) {
  for (int64_t tokens : {1, 16}) {
    ProjectionChoices choices = chooseProjection({1, 24576, 1536}, tokens, 132);
    EXPECT_EQ(choices.tileTokens, 16);
    EXPECT_EQ(choices.tileRows, 64);
    EXPECT_TRUE(choices.streamed);
  }
}

TEST(ProjectionChoices, DecodeReadsLargeWeightsOnceUpTo128Tokens) {
  for (int64_t group : {0, 128})
    for (ProjectionDims dims : {ProjectionDims{1, 24576, 1536}, ProjectionDims{1, 7168, 16384}}) {
      dims.group = group;
      for (int64_t tokens : {64, 65, 128})
        EXPECT_GE(chooseProjection(dims, tokens, 132).tileTokens, tokens) << dims.rows << " x " << dims.contracted;
    }
}

TEST(ProjectionChoices, TwoTermsOfManyTokensAreBoundByProducts) {
  // The tile of 128 tokens and two terms would leave room for three stages only.
  ProjectionChoices choices = chooseProjection({1, 7168, 16384, 128, 2}, 128, 132);
  EXPECT_LT(choices.tileTokens, 128);
  EXPECT_GE(choices.stages, 6);
}

TEST(ProjectionChoices, LimitsAreWhereChoicesDiffer) {
  ProjectionDims large = {1, 7168, 16384};
  EXPECT_EQ(chooseProjectionLimits(large, 132), (llvm::SmallVector<int64_t>{16, 64, 128}));
  // One kernel is as good for 65 as for 256 tokens.
  ProjectionDims perHead = {128, 128, 512, 128, 2};
  EXPECT_EQ(chooseProjectionLimits(perHead, 132), (llvm::SmallVector<int64_t>{16, 64}));
}

TEST(ProjectionChoices, WhatIsChosenIsValid) {
  std::mt19937 random(1);
  auto upTo = [&](int64_t most) { return std::uniform_int_distribution<int64_t>(1, most)(random); };
  for (int i = 0; i < 300; ++i) {
    ProjectionDims dims{upTo(3) == 1 ? upTo(128) : 1, 8 * upTo(2048), 16 * upTo(448)};
    if (i % 4 != 0) {
      dims.group = int64_t(16) << upTo(3); // 32, 64 or 128
      dims.terms = upTo(2);
    }
    int64_t tokens = int64_t(1) << upTo(13), processors = upTo(4) == 1 ? upTo(200) : 132;
    ProjectionChoices choices = chooseProjection(dims, tokens, processors);
    EXPECT_TRUE(choices.areValidFor(dims))
        << dims.heads << " x " << dims.rows << " x " << dims.contracted << ", group " << dims.group << ", terms "
        << dims.terms << ", tokens " << tokens << ", processors " << processors << ": rows " << choices.tileRows
        << ", tokens " << choices.tileTokens << ", stages " << choices.stages << ", splits " << choices.splits
        << ", blocks " << choices.blocks;
  }
}

TEST(ProjectionChoices, ProductsOfFewTokensAreDirectIfRegistersHoldTheWeight) {
  constexpr int64_t processors = 132;
  EXPECT_TRUE(shouldBeDirect({1, 3648, 2048}, processors));
  EXPECT_TRUE(shouldBeDirect({16, 512, 128}, processors));
  EXPECT_FALSE(shouldBeDirect({1, 24576, 1536}, processors)); // more bytes
  EXPECT_FALSE(shouldBeDirect({128, 512, 128}, processors));  // more CTAs than run at the same time
  EXPECT_FALSE(shouldBeDirect({1, 512, 16384}, processors));  // more columns than a lane can hold
  EXPECT_FALSE(shouldBeDirect(dimsOf(2048, 128, 1), processors));
  ProjectionDims dims{1, 512, 2048};
  dims.gated = true;
  EXPECT_FALSE(shouldBeDirect(dims, processors));
  ProjectionChoices choices;
  choices.direct = true;
  EXPECT_FALSE(choices.areValidFor(dims));
  dims.gated = false;
  EXPECT_TRUE(choices.areValidFor(dims));
}

TEST(ProjectionChoices, LanesThatShareARowAreAPowerOfTwo) {
  EXPECT_EQ(directLanes(8), 1);
  EXPECT_EQ(directLanes(48), 8);
  EXPECT_EQ(directLanes(128), 16);
  EXPECT_EQ(directLanes(7168), 32);
}
