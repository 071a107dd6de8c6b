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
  request.formats.mlp.bytes = 1;
  Report e4m3 = makeReport(std::move(request));
  const Costs &wide = bf16.decode.getPlanned().model, &narrow = e4m3.decode.getPlanned().model;
  EXPECT_NEAR(narrow[Piece::RoutedExperts].getBytes() / wide[Piece::RoutedExperts].getBytes(), 0.5, 0.01);
  EXPECT_LT(narrow[Part::Mlp].seconds, 0.7 * wide[Part::Mlp].seconds);
  EXPECT_EQ(narrow[Part::QuerySide].seconds, wide[Part::QuerySide].seconds);
  EXPECT_NEAR(e4m3.getMemory().weightBytes, 671e9 + 0.02 * 671e9, 0.03 * 671e9);
  EXPECT_TRUE(isNoted(e4m3, "the checkpoint has the attention in e4m3, which a compilation makes bf16"));
}

/// Return the request with all weights of the attention and of MLPs in e4m3, with a scale per 128 x 128.
static Request scaledRequestOf(llvm::StringRef name) {
  Request request = requestOf(name);
  WeightFormat scaled{1 + 4.0 / (128 * 128), 2};
  request.dtype = "fp8";
  request.formats.attention.fill(scaled);
  request.formats.attention[unsigned(Matrix::Product)] = {};
  request.formats.mlp = {scaled.bytes, 1};
  return request;
}

TEST(Stored, WeightsThatStayInE4m3HaveOneByteAndTheirScales) {
  Report bf16 = reportOf("deepseek-v3"), fp8 = makeReport(scaledRequestOf("deepseek-v3"));
  EXPECT_EQ(fp8.parameters, bf16.parameters);
  // Of routers, embedding and logits nothing is scaled.
  double others = 2.0 * 129280 * 7168 + 58.0 * 256 * 7168, each = 1 + 4.0 / (128 * 128);
  EXPECT_NEAR(fp8.getMemory().weightBytes, each * (fp8.parameters - others) + 2 * others, 1);
  EXPECT_GT(fp8.fold->layer, bf16.fold->layer);
  EXPECT_LT(fp8.decode.getPlanned().model.getTotal().seconds, 0.7 * bf16.decode.getPlanned().model.getTotal().seconds);
  EXPECT_TRUE(isNoted(fp8, "scaled weights of the attention stay in e4m3"));
  EXPECT_FALSE(isNoted(bf16, "e4m3"));
}

/// Library kernels and ours were measured in bf16.
TEST(Stored, NothingIsMeasuredInE4m3) {
  EXPECT_FALSE(reportOf("deepseek-v3").decode.measured.empty());
  EXPECT_TRUE(makeReport(scaledRequestOf("deepseek-v3")).decode.measured.empty());
}

TEST(Stored, FormatsStandSideBySide) {
  const Request formats[] = {requestOf("deepseek-v3"), scaledRequestOf("deepseek-v3")};
  Report report = makeReport(formats[0], nullptr, formats), fp8 = makeReport(formats[1]);
  ASSERT_EQ(report.formats.size(), 2u);
  EXPECT_EQ(report.formats[0].dtype, "bf16");
  EXPECT_EQ(report.formats[0].tokenTerms, 0);
  EXPECT_EQ(report.formats[0].memory.weightBytes, report.getMemory().weightBytes);
  EXPECT_EQ(report.formats[0].foldedBytes - report.formats[0].absorbedBytes, report.fold->layer);
  EXPECT_EQ(report.formats[1].dtype, "fp8");
  EXPECT_EQ(report.formats[1].tokenTerms, 2);
  EXPECT_EQ(report.formats[1].memory.weightBytes, fp8.getMemory().weightBytes);
  EXPECT_EQ(report.formats[1].decodeSeconds, fp8.decode.getPlanned().model.getTotal().seconds);
  EXPECT_EQ(report.formats[1].prefillSeconds, fp8.prefill.getPlanned().model.getTotal().seconds);
  EXPECT_NEAR(report.formats[1].absorbedBytes / report.formats[0].absorbedBytes, 0.5, 0.001);
  EXPECT_GT(report.formats[1].foldedBytes / report.formats[0].foldedBytes, 0.9);
}

/// Products in e4m3 are faster than the ceiling in bf16, and below their own.
TEST(Stored, PointsAreBelowTheRoofOfE4m3) {
  Request request = scaledRequestOf("deepseek-v3");
  request.context = 32768;
  for (const RooflinePoint &point : makeReport(request).roofline)
    EXPECT_LE(point.flopsPerSecond, request.device.getE4m3FlopRate());
}
