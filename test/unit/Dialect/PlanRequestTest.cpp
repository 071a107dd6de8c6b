//===- PlanRequestTest.cpp - What a user asks of a plan ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Transforms/PlanRequest.h"

#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mla;

static PlanRequest parse(StringRef text) {
  llvm::Expected<PlanRequest> request = parsePlanRequest(text);
  if (request)
    return *request;
  ADD_FAILURE() << llvm::toString(request.takeError());
  return {};
}

static std::string parseError(StringRef text) {
  llvm::Expected<PlanRequest> request = parsePlanRequest(text);
  return request ? "no error" : llvm::toString(request.takeError());
}

TEST(PlanRequest, AutoAsksForNothing) { EXPECT_FALSE(parse("auto")); }

TEST(PlanRequest, AFormAloneIsDecodes) {
  PlanRequest request = parse("fold");
  EXPECT_EQ(request.decode.q, Form::Fold);
  EXPECT_EQ(request.decode.o, Form::Fold);
  EXPECT_FALSE(request.prefill);
}

TEST(PlanRequest, AListNamesPhasesAndSides) {
  PlanRequest request = parse("decode.q=fold, decode.o = absorb,prefill=naive");
  EXPECT_EQ(request.decode.q, Form::Fold);
  EXPECT_EQ(request.decode.o, Form::Absorb);
  EXPECT_EQ(request.prefill.q, Form::Naive);
  EXPECT_EQ(request.prefill.o, Form::Naive);
}

TEST(PlanRequest, OneSideLeavesTheOther) {
  PlanRequest request = parse("prefill.o=absorb");
  EXPECT_FALSE(request.prefill.q);
  EXPECT_EQ(request.prefill.o, Form::Absorb);
  EXPECT_FALSE(request.decode);
}

TEST(PlanRequest, AcrossRoundingIsAddedToAnyPlan) {
  EXPECT_FALSE(parse("fold").acrossRounding);
  for (StringRef text : {"fold,across-rounding", "across-rounding , fold"}) {
    EXPECT_TRUE(parse(text).acrossRounding);
    EXPECT_EQ(parse(text).decode.o, Form::Fold);
  }
  EXPECT_TRUE(parse("across-rounding").acrossRounding);
  EXPECT_FALSE(parse("auto,across-rounding").decode);
  PlanRequest list = parse("decode.q=fold,across-rounding,prefill=naive");
  EXPECT_TRUE(list && list.acrossRounding);
  EXPECT_EQ(list.prefill.q, Form::Naive);
  EXPECT_EQ(parseError("across-rounding,fold,across-rounding"), "across-rounding is requested twice; name it once");
  EXPECT_EQ(parseError("decode=across-rounding"), "unknown form 'across-rounding'; expected naive, absorb or fold");
}

TEST(PlanRequest, ErrorsSayWhatAndWhatToDo) {
  EXPECT_EQ(parseError("fast"),
            "unknown plan 'fast'; expected auto, naive, absorb, fold, or phase=form and phase.side=form");
  EXPECT_EQ(parseError("decode=fast"), "unknown form 'fast'; expected naive, absorb or fold");
  EXPECT_EQ(parseError("encode=fold"), "unknown phase 'encode'; expected prefill or decode");
  EXPECT_EQ(parseError("decode.k=fold"), "unknown side 'k'; expected q or o");
  EXPECT_EQ(parseError("decode.=fold"), "unknown side ''; expected q or o");
  EXPECT_EQ(parseError("fold,prefill=naive"), "expected phase=form or phase.side=form, got 'fold'");
  EXPECT_EQ(parseError("decode=fold,decode.q=naive"), "decode.q is requested twice; name it once");
  EXPECT_EQ(parseError("decode=fold,"), "expected phase=form or phase.side=form, got ''");
}

TEST(PlanRequest, ARequestKeepsTheRangesOfThePlanBefore) {
  MLIRContext context;
  context.loadDialect<MLADialect>();
  auto byDefault = [&](Phase phase) { return decideByDefault(&context, phase); };
  auto before = PlanAttr::get(&context,
                              {RegimeAttr::get(&context, Phase::Prefill, {0, 99}, {0, 2047}, Form::Naive, Form::Naive),
                               RegimeAttr::get(&context, Phase::Prefill, {0, 99}, {2048}, Form::Absorb, Form::Absorb),
                               RegimeAttr::get(&context, Phase::Prefill, {100}, {}, Form::Naive, Form::Naive)},
                              "measured");
  PlanAttr oneSide = makePlan(&context, parse("prefill.q=absorb"), before, byDefault);
  ASSERT_EQ(oneSide.getRegimes(Phase::Prefill).size(), 3u);
  EXPECT_EQ(oneSide.getRegimes(Phase::Prefill)[0].getO(), Form::Naive);
  EXPECT_EQ(oneSide.getRegimes(Phase::Prefill)[0].getQ(), Form::Absorb);
  // Each side is described by itself: the query side has one form now.
  EXPECT_NE(
      oneSide.getWhy().find("prefill q absorb as requested, o naive to 2047, then absorb in steps to 99 tokens, in "
                            "longer ones naive as planned before"),
      StringRef::npos)
      << oneSide.getWhy().str();
  // Regimes that have become equal are merged.
  SmallVector<RegimeAttr> joined =
      makePlan(&context, parse("prefill=absorb"), before, byDefault).getRegimes(Phase::Prefill);
  ASSERT_EQ(joined.size(), 1u);
  EXPECT_TRUE(joined[0].getTokens().isAll());
  EXPECT_TRUE(joined[0].getContexts().isAll());
}
