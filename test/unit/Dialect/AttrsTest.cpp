//===- AttrsTest.cpp - Regimes and plans as C++ sees them -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mla;

namespace {
struct AttrsTest : testing::Test {
  AttrsTest() { context.loadDialect<MLADialect>(); }

  PlanAttr parsePlan(StringRef text) { return dyn_cast_if_present<PlanAttr>(parseAttribute(text, &context)); }

  MLIRContext context;
};
} // namespace

TEST_F(AttrsTest, RegimeCoversBothEndsOfItsRanges) {
  auto regime = RegimeAttr::get(&context, Phase::Prefill, {1, 8}, {16, 31}, Form::Naive, Form::Naive);
  EXPECT_FALSE(regime.covers(8, 15));
  EXPECT_TRUE(regime.covers(8, 16));
  EXPECT_TRUE(regime.covers(1, 31));
  EXPECT_FALSE(regime.covers(1, 32));
  EXPECT_FALSE(regime.covers(0, 16));
  EXPECT_FALSE(regime.covers(9, 16));
}

TEST_F(AttrsTest, RegimeWithoutEndCoversEverythingAfterItsStart) {
  auto regime = RegimeAttr::get(&context, Phase::Prefill, {}, {16}, Form::Naive, Form::Naive);
  EXPECT_FALSE(regime.covers(0, 15));
  EXPECT_TRUE(regime.covers(0, int64_t(1) << 40));
}

TEST_F(AttrsTest, PlanSortsTheRegimesOfAPhase) {
  PlanAttr plan = parsePlan("#mla.plan<[{phase = prefill, tokens = 0 to 127, context = 2048, q = absorb, o = absorb},"
                            " {phase = decode, q = fold, o = absorb},"
                            " {phase = prefill, tokens = 128, q = naive, o = naive},"
                            " {phase = prefill, tokens = 0 to 127, context = 0 to 2047, q = naive, o = naive}], "
                            "why = \"\">");
  ASSERT_TRUE(plan);
  SmallVector<RegimeAttr> prefill = plan.getRegimes(Phase::Prefill);
  ASSERT_EQ(prefill.size(), 3u);
  EXPECT_EQ(prefill[0].getContexts(), (Range{0, 2047}));
  EXPECT_EQ(prefill[1].getContexts(), (Range{2048}));
  EXPECT_EQ(prefill[2].getTokens(), (Range{128}));
  EXPECT_EQ(plan.getRegimes(Phase::Decode).size(), 1u);
}

TEST_F(AttrsTest, CacheKnowsTheTensorsItStandsFor) {
  auto cache = CacheType::get(&context, 64, 512, 64, BFloat16Type::get(&context), CacheFormat::Standard);
  EXPECT_EQ(cache.getPagesType().getShape(), ArrayRef<int64_t>({ShapedType::kDynamic, 64, 576}));
  EXPECT_TRUE(cache.getPagesType().getElementType().isBF16());
  EXPECT_EQ(cache.getBlockTableType().getRank(), 2);
  EXPECT_EQ(cache.getLengthsType().getRank(), 1);
  EXPECT_FALSE(cache.isPacked());
  auto packed = CacheType::get(&context, 64, 512, 64, BFloat16Type::get(&context), CacheFormat::FP8Row);
  EXPECT_TRUE(packed.isPacked());
  EXPECT_EQ(packed.getPagesType().getShape(), ArrayRef<int64_t>({ShapedType::kDynamic, 64, 656}));
  EXPECT_TRUE(packed.getPagesType().getElementType().isInteger(8));
  EXPECT_EQ(packed.getPackedRow().rope, 528);
}
