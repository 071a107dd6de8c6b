//===- PlotsTest.cpp - Maps and curves are the cost model's ---------------===//
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

/// Maps include batch and context of the report, so that they can be marked.
TEST(Plots, TheMemoryMapHasTheReportsOwnStep) {
  Report report = reportOf("deepseek-v2-lite", 100, 5000);
  const MemoryMap &map = report.memoryMap;
  auto row = llvm::find(map.batches, 100), column = llvm::find(map.contexts, 5000);
  ASSERT_NE(row, map.batches.end());
  ASSERT_NE(column, map.contexts.end());
  EXPECT_EQ(map.bytes[row - map.batches.begin()][column - map.contexts.begin()], report.getMemory().getBytes());
  EXPECT_TRUE(llvm::is_sorted(map.batches) && llvm::is_sorted(map.contexts));
}

static const CrossoverCell &cellOf(const Report &report, int64_t queries, int64_t context) {
  return *llvm::find_if(report.crossover->cells,
                        [&](const CrossoverCell &cell) { return cell.queries == queries && cell.context == context; });
}

TEST(Plots, TheCheapestFormOfEachStep) {
  Report report = reportOf("deepseek-v3");
  EXPECT_EQ(cellOf(report, 1, 4096).cheapest, absorb);
  EXPECT_EQ(cellOf(report, 4096, 4096).cheapest, naive);
  CostModel model = costsOf("deepseek-v3").getAttentionModel();
  for (const CrossoverCell &cell : report.crossover->cells) {
    EXPECT_LE(cell.queries, cell.context);
    EXPECT_LE(cell.seconds, std::min({cell.naive, cell.absorb, cell.fold}));
    Step step{1, cell.queries, cell.context};
    EXPECT_EQ(cell.seconds, model.getCost(cell.cheapest, step).getTotal().seconds);
    EXPECT_EQ(cell.naive, model.getCost(naive, step).getTotal().seconds);
  }
  EXPECT_FALSE(reportOf("baseline/deepseek-67b").crossover);
}

TEST(Plots, TokensASecondAreThoseOfTheStep) {
  Report report = reportOf("deepseek-v2-lite", 48, 32768);
  auto own = llvm::find_if(report.throughput, [](const BatchSample &sample) { return sample.batch == 48; });
  ASSERT_NE(own, report.throughput.end());
  for (auto [form, rate] : llvm::zip_equal(report.decode.forms, own->tokensPerSecond))
    EXPECT_DOUBLE_EQ(rate * form.model.getTotal().seconds, 48);
  for (const BatchSample &sample : report.throughput)
    EXPECT_EQ(sample.fits.back(), reportOf("deepseek-v2-lite", sample.batch, 32768).getMemory().fits());
}

/// Times include launches and whole tiles in addition to the ceilings.
TEST(Plots, NoPointIsAboveTheRoof) {
  for (llvm::StringRef name : {"deepseek-v3", "minicpm3-4b", "baseline/gpt3-175b"})
    for (int64_t batch : {1, 512}) {
      Report report = reportOf(name, batch);
      EXPECT_EQ(report.roofline.size(), 4 * report.decode.forms.size());
      for (const RooflinePoint &point : report.roofline) {
        EXPECT_LE(point.flopsPerSecond, report.request.device.flopRate);
        EXPECT_LE(point.flopsPerSecond, point.flopsPerByte * report.request.device.readRate * (1 + 1e-9));
      }
    }
}
