//===- MemoryTest.cpp - What a device has to hold, and ranks of it --------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "gtest/gtest.h"

using namespace mla;
using namespace mla::report;
using namespace mla::report::test;

static bool isNoted(const Report &report, llvm::StringRef what) {
  return llvm::any_of(report.notes, [&](const std::string &note) { return llvm::StringRef(note).contains(what); });
}

TEST(Memory, ABatchThatDoesNotFitIsNoted) {
  Report report = reportOf("deepseek-v2-lite", 128, 32768);
  const Memory &memory = report.getMemory();
  double token = 27.0 * 576 * 2;
  EXPECT_EQ(memory.cacheBytes, token * 128 * 32768);
  EXPECT_EQ(memory.deviceBytes, 80e9);
  EXPECT_FALSE(memory.fits());
  EXPECT_TRUE(isNoted(report, "does not fit: 128 x 32,768 tokens need"));
  EXPECT_TRUE(isNoted(report, "h100 has 80.0 GB"));
}

TEST(Memory, ABatchThatFitsIsNotNoted) {
  Report report = reportOf("deepseek-v2-lite", 8, 32768);
  EXPECT_TRUE(report.getMemory().fits());
  EXPECT_FALSE(isNoted(report, "fit"));
}

/// The reported batch fits, and the next larger one does not.
TEST(Memory, TheLargestBatchAndContextFit) {
  Memory memory = reportOf("deepseek-v2-lite", 128, 32768).getMemory();
  ASSERT_TRUE(memory.largestBatch && memory.largestContext);
  EXPECT_TRUE(reportOf("deepseek-v2-lite", memory.largestBatch, 32768).getMemory().fits());
  EXPECT_FALSE(reportOf("deepseek-v2-lite", memory.largestBatch + 1, 32768).getMemory().fits());
  EXPECT_TRUE(reportOf("deepseek-v2-lite", 128, memory.largestContext).getMemory().fits());
  EXPECT_FALSE(reportOf("deepseek-v2-lite", 128, memory.largestContext + 1).getMemory().fits());
}

TEST(Memory, WeightsThatDoNotFitLeaveNoBatch) {
  Report report = reportOf("deepseek-v3");
  EXPECT_EQ(report.getMemory().largestBatch, 0);
  EXPECT_EQ(report.getMemory().largestContext, 0);
  EXPECT_TRUE(isNoted(report, "no batch and no context fits, and all weights together need 17 of these devices"));
}

/// The plan of the tests has no fold, which has larger weights; heads that cache keys and values have larger caches.
TEST(Memory, EveryFormHasItsOwn) {
  Report report = reportOf("deepseek-v2-lite", 32, 4096);
  const Memory &absorbed = report.decode.find("absorb")->memory;
  EXPECT_EQ(report.getMemory().getBytes(), absorbed.getBytes());
  EXPECT_EQ(report.decode.find("naive_recomputed")->memory.getBytes(), absorbed.getBytes());
  EXPECT_EQ(report.decode.find("fold")->memory.weightBytes, absorbed.weightBytes + report.fold->model);
  EXPECT_EQ(report.decode.find("naive_full_cache")->memory.cacheBytes,
            absorbed.cacheBytes / report.cache.bytesPerToken * report.cache.headBytesPerToken);
}

//===----------------------------------------------------------------------===//
// Ranks
//===----------------------------------------------------------------------===//

static Report rankOf(llvm::StringRef name, int64_t ranks, const Device &device = Device::h100()) {
  Request request = requestOf(name);
  request.tensorParallel = ranks;
  request.device = device;
  return makeReport(std::move(request));
}

TEST(Ranks, EachHasItsHeadsAndTheWholeLatent) {
  Report whole = reportOf("deepseek-v3"), rank = rankOf("deepseek-v3", 8);
  EXPECT_EQ(rank.getMemory().cacheBytes, whole.getMemory().cacheBytes);
  EXPECT_EQ(rank.decode.find("naive_full_cache")->memory.cacheBytes,
            whole.decode.find("naive_full_cache")->memory.cacheBytes / 8);
  EXPECT_EQ(rank.decode.getPlanned().model[Part::AttentionCore].flops * 8,
            whole.decode.getPlanned().model[Part::AttentionCore].flops);
  EXPECT_EQ(rank.decode.getPlanned().model[Part::Append].flops, whole.decode.getPlanned().model[Part::Append].flops);
}

TEST(Ranks, WeightsAreDivided) {
  Report whole = reportOf("deepseek-v3"), rank = rankOf("deepseek-v3", 8);
  EXPECT_GT(rank.getMemory().weightBytes * 8, whole.getMemory().weightBytes); // what each of them has
  EXPECT_LT(rank.getMemory().weightBytes * 8, whole.getMemory().weightBytes * 1.02);
  EXPECT_EQ(rank.parameters, whole.parameters);
  EXPECT_EQ(rank.cache.reduction, whole.cache.reduction);
}

/// One of eight ranks is v3-tp8 of layer_forms.py.
TEST(Ranks, WhatWasMeasuredOfARankStandsBesideIt) {
  Report rank = rankOf("deepseek-v3", 8);
  ASSERT_FALSE(rank.decode.measured.empty());
  EXPECT_EQ(rank.decode.measured[0].piece, Piece::QuerySide);
}

TEST(Ranks, TheFewestThatFit) {
  Report whole = reportOf("deepseek-v3");
  ASSERT_TRUE(whole.fittingRanks);
  EXPECT_TRUE(rankOf("deepseek-v3", *whole.fittingRanks).getMemory().fits());
  EXPECT_FALSE(rankOf("deepseek-v3", *whole.fittingRanks / 2).getMemory().fits());
  EXPECT_LT(*rankOf("deepseek-v3", 1, Device::h200()).fittingRanks, *whole.fittingRanks);
}

/// Heads of keys and values fewer than the ranks are on several of them.
TEST(Ranks, SharedKeysAreOnEveryRankThatNeedsThem) {
  Report whole = reportOf("baseline/deepseek-67b");
  EXPECT_EQ(rankOf("baseline/deepseek-67b", 8).getMemory().cacheBytes * 8, whole.getMemory().cacheBytes);
  EXPECT_EQ(rankOf("baseline/deepseek-67b", 64).getMemory().cacheBytes * 8, whole.getMemory().cacheBytes);
}

//===----------------------------------------------------------------------===//
// Stored in fewer bytes
//===----------------------------------------------------------------------===//

TEST(Stored, MlpsOfAnE4m3CheckpointAreReadAsStored) {
  Report bf16 = reportOf("deepseek-v3");
  Request request = requestOf("deepseek-v3");
  request.storedDType = "e4m3";
  request.mlpWeightBytes = 1;
  Report e4m3 = makeReport(std::move(request));
  const Costs &wide = bf16.decode.getPlanned().model, &narrow = e4m3.decode.getPlanned().model;
  EXPECT_NEAR(narrow[Piece::RoutedExperts].getBytes() / wide[Piece::RoutedExperts].getBytes(), 0.5, 0.01);
  EXPECT_LT(narrow[Part::Mlp].seconds, 0.7 * wide[Part::Mlp].seconds);
  EXPECT_EQ(narrow[Part::QuerySide].seconds, wide[Part::QuerySide].seconds);
  EXPECT_NEAR(e4m3.getMemory().weightBytes, 671e9 + 0.02 * 671e9, 0.03 * 671e9);
  EXPECT_TRUE(isNoted(e4m3, "the checkpoint has the attention in e4m3, which a compilation makes bf16"));
}
