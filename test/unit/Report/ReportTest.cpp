//===- ReportTest.cpp - What a report says, as numbers --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "llvm/Support/JSON.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace mla;
using namespace mla::report;
using namespace mla::report::test;

static double secondsOf(const FormCosts *form) { return form->model.getTotal().seconds; }

TEST(Report, FormsOfLatentAttention) {
  Report report = reportOf("deepseek-v3", 32);
  std::vector<std::string> keys;
  for (const FormCosts &form : report.decode.forms)
    keys.push_back(form.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"naive_full_cache", "naive_recomputed", "absorb", "fold", "plan"}));
  EXPECT_EQ(secondsOf(report.decode.find("plan")), secondsOf(report.decode.find("absorb")));
  EXPECT_EQ(secondsOf(report.prefill.find("plan")), secondsOf(report.prefill.find("naive_recomputed")));
  EXPECT_LT(secondsOf(report.decode.find("absorb")), secondsOf(report.decode.find("fold")));
  EXPECT_LT(secondsOf(report.decode.find("absorb")), secondsOf(report.decode.find("naive_full_cache")));
  EXPECT_EQ(report.decode.find("plan")->layers.size(), 2u);
}

TEST(Report, HeadsHaveOneForm) {
  Report report = reportOf("baseline/deepseek-67b");
  ASSERT_EQ(report.decode.forms.size(), 1u);
  EXPECT_EQ(report.decode.forms[0].key, "full_cache");
  EXPECT_FALSE(report.fold);
  EXPECT_FALSE(report.decodeAmdahl.absorptionOverFullCache);
}

TEST(Report, ExpertsThatAStepReads) {
  Report report = reportOf("deepseek-v3", 1, 4096);
  EXPECT_NEAR(*report.decode.activeExperts, 8, 1e-9);
  EXPECT_NEAR(*report.prefill.activeExperts, 256, 1e-9);
  EXPECT_FALSE(reportOf("minicpm3-4b").decode.activeExperts);
}

TEST(Report, PrefillIsAPromptASequence) {
  Report report = reportOf("deepseek-v3", 2, 1000);
  EXPECT_EQ(report.prefill.step, (Step{2, 1000, 1000}));
  EXPECT_EQ(report.decode.step, (Step{2, 1, 1000}));
}

//===----------------------------------------------------------------------===//
// Amdahl
//===----------------------------------------------------------------------===//

TEST(Report, SpeedUpsAreThoseOfTheShares) {
  Report report = reportOf("deepseek-v3", 32);
  const Costs &planned = report.decode.getPlanned().model;
  EXPECT_NEAR(report.decodeAmdahl.infinitelyFastCore, 1 / (1 - planned.getShare(Part::AttentionCore)), 1e-9);
  EXPECT_NEAR(*report.decodeAmdahl.infinitelyFastMlp, 1 / (1 - planned.getShare(Part::Mlp)), 1e-9);
  EXPECT_GT(*report.decodeAmdahl.infinitelyFastAttention, report.decodeAmdahl.infinitelyFastCore);
  EXPECT_GT(*report.decodeAmdahl.absorptionOverRecomputed, *report.decodeAmdahl.absorptionOverFullCache);
  EXPECT_LT(*report.prefillAmdahl.absorptionOverRecomputed, 1);
}

/// At the returned context the core is a tenth, one token before it is less.
TEST(Report, TheContextFromWhichAttentionMatters) {
  for (int64_t batch : {1, 32}) {
    Amdahl amdahl = reportOf("deepseek-v3", batch).decodeAmdahl;
    ASSERT_TRUE(amdahl.mattersFrom && amdahl.halfFrom);
    EXPECT_LT(*amdahl.mattersFrom, *amdahl.halfFrom);
    EXPECT_GE(reportOf("deepseek-v3", batch, *amdahl.mattersFrom).decodeAmdahl.infinitelyFastCore, 1.1);
    EXPECT_LT(reportOf("deepseek-v3", batch, *amdahl.mattersFrom - 1).decodeAmdahl.infinitelyFastCore, 1.1);
    EXPECT_GE(reportOf("deepseek-v3", batch, *amdahl.halfFrom).decodeAmdahl.infinitelyFastCore, 2);
  }
}

TEST(Report, AttentionAloneHasNoShareOfAModel) {
  Report report = reportOf("glm-5");
  EXPECT_FALSE(report.decodeAmdahl.infinitelyFastMlp);
  EXPECT_FALSE(report.decodeAmdahl.infinitelyFastAttention);
  ASSERT_FALSE(report.notes.empty());
  EXPECT_NE(report.notes[0].find("no fields of an MLP"), std::string::npos);
  EXPECT_EQ(report.decode.getPlanned().model[Part::Mlp].seconds, 0);
}

/// The core of the shortest prompts is launches, like the rest: its share falls before it grows.
TEST(Report, TheContextFromWhichOnAttentionMattersInPrefill) {
  Report report = reportOf("deepseek-v2-lite");
  int64_t from = *report.prefillAmdahl.mattersFrom;
  auto coreAt = [](int64_t context) {
    return reportOf("deepseek-v2-lite", 1, context).prefillAmdahl.infinitelyFastCore;
  };
  EXPECT_GE(coreAt(1), 1.1);
  EXPECT_LT(coreAt(64), 1.1);
  EXPECT_GT(from, 64);
  EXPECT_LT(coreAt(from - 1), 1.1);
  for (int64_t context = from; context <= kMaxContext; context *= 2)
    EXPECT_GE(coreAt(context), 1.1);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

TEST(Report, SequencesThatFit) {
  Report lite = reportOf("deepseek-v2-lite", 1, 4096);
  double sequence = 27.0 * 576 * 2 * 4096;
  EXPECT_EQ(lite.cache.sequencesAlone, std::floor(80e9 / sequence));
  EXPECT_EQ(lite.cache.sequencesBesideWeights, std::floor((80e9 - lite.cache.weightBytes) / sequence));
  EXPECT_EQ(lite.cache.devicesForWeights, 1);
  Report v3 = reportOf("deepseek-v3", 1, 4096);
  EXPECT_EQ(v3.cache.sequencesBesideWeights, 0);
  EXPECT_EQ(v3.cache.devicesForWeights, 17);
}

TEST(Report, WithoutBaselineItIsMhaOfTheSameHeads) {
  Report v3 = reportOf("deepseek-v3");
  EXPECT_EQ(v3.cache.baselineBytesPerToken, 61 * 128 * (128 + 64 + 128) * 2);
  EXPECT_NEAR(v3.cache.reduction, 1 - 576 / 40960.0, 1e-12);
  EXPECT_EQ(v3.cache.groupedBytesPerToken, 61 * 8 * (128 + 64 + 128) * 2);
  Report gqa = reportOf("baseline/deepseek-67b");
  EXPECT_EQ(gqa.cache.reduction, 1 - 8 / 64.0);
}

//===----------------------------------------------------------------------===//
// Measured
//===----------------------------------------------------------------------===//

TEST(Report, WhatWasMeasuredStandsBesideWhatIsPredicted) {
  Report v3 = reportOf("deepseek-v3", 1, 4096);
  ASSERT_EQ(v3.decode.measured.size(), 6u); // both sides absorbed and folded, the up-projection, the core
  for (const MeasuredPiece &piece : v3.decode.measured)
    EXPECT_NEAR(piece.predicted / piece.measured, 1, 0.3) << keyOf(piece.piece).str();
  EXPECT_EQ(v3.decode.measured.back().kernels, "mla-mlir");
  // Kimi-K2 has other sides, and 64 heads, whose attention was measured.
  Report kimi = reportOf("kimi-k2", 1, 4096);
  ASSERT_EQ(kimi.decode.measured.size(), 1u);
  EXPECT_EQ(kimi.decode.measured[0].piece, Piece::Attention);
}

TEST(Report, AWholeStepWasMeasured) {
  Request request = requestOf("deepseek-v2-lite", 32, 4096);
  request.device = Device::h200();
  Report report = makeReport(request);
  ASSERT_EQ(report.decode.measuredParts.size(), 4u); // attention, MLPs and experts, the rest, all
  double sum = 0, predicted = 0;
  for (const MeasuredPart &part : llvm::ArrayRef(report.decode.measuredParts).drop_back())
    sum += part.measured, predicted += part.predicted;
  const MeasuredPart &all = report.decode.measuredParts.back();
  EXPECT_NEAR(sum, all.measured, 1e-9);
  EXPECT_NEAR(predicted, all.predicted, 1e-9);
  EXPECT_NEAR(all.predicted, report.decode.getPlanned().model.getTotal().seconds, 1e-9);
  EXPECT_NEAR(report.decode.measuredParts[1].predicted / report.decode.measuredParts[1].measured, 1, 0.3);
  EXPECT_TRUE(report.prefill.measuredParts.empty());
  request.batch = 3;
  EXPECT_TRUE(makeReport(request).decode.measuredParts.empty());
  EXPECT_TRUE(reportOf("deepseek-v2-lite", 32, 4096).decode.measuredParts.empty()); // an H100
}

TEST(Report, NothingIsMeasuredOfOtherSteps) {
  EXPECT_TRUE(reportOf("deepseek-v3", 3, 1000).decode.measured.empty());
  EXPECT_TRUE(reportOf("baseline/deepseek-67b").decode.measured.empty());
}

TEST(Report, NothingIsMeasuredOfOtherDevices) {
  ModelCosts costs(readModel("deepseek-v3"), Device::cpu(), {});
  EXPECT_TRUE(findMeasured(costs.getAttentionModel(), {1, 1, 4096}).empty());
}

//===----------------------------------------------------------------------===//
// Writers
//===----------------------------------------------------------------------===//

static std::string written(void (*write)(llvm::raw_ostream &, const Report &), const Report &report) {
  std::string text;
  llvm::raw_string_ostream os(text);
  write(os, report);
  return text;
}

/// JSON cannot represent an infinity or NaN.
TEST(Report, JsonIsReadBack) {
  for (llvm::StringRef name : {"deepseek-v3", "glm-5", "baseline/gpt3-175b"})
    for (auto [batch, context] : {std::pair<int64_t, int64_t>(1, 1), {kMaxBatch, kMaxContext}}) {
      llvm::Expected<llvm::json::Value> json = llvm::json::parse(written(writeJson, reportOf(name, batch, context)));
      ASSERT_TRUE(bool(json)) << name.str() << ": " << llvm::toString(json.takeError());
      EXPECT_EQ(json->getAsObject()->getObject("decode")->getInteger("sequences"), batch);
    }
}

/// A name may have any bytes, like a file's.
TEST(Report, ThePageEscapesNames) {
  Report report = reportOf("deepseek-v2-lite");
  report.request.name = "<script>&";
  std::string page = written(writeHtml, report);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;&amp;"), std::string::npos);
}

/// Prefill of V3 is naive over any cache, and decode is absorbed: the text names coinciding curves.
TEST(Report, CurvesThatCoincideSaySo) {
  std::string page = written(writeHtml, reportOf("deepseek-v3"));
  EXPECT_NE(page.find("plan, lies on absorb<"), std::string::npos);
  EXPECT_NE(page.find("plan, lies on naive, recomputed<"), std::string::npos);
}

static unsigned countOf(llvm::StringRef text, llvm::StringRef what) { return text.count(what); }

TEST(Report, AxesHaveTitles) {
  std::string page = written(writeHtml, reportOf("deepseek-v3"));
  for (llvm::StringRef title : {">context (tokens a sequence)<", ">time of a step<", ">batch (sequences)<",
                                ">tokens a second<", ">FLOP a byte<", ">queries of a step, each sequence<"})
    EXPECT_GE(countOf(page, title), 1u) << title.str();
}

/// Every chart over contexts or batches marks those of the report, within the usual range or not.
TEST(Report, TheReportsOwnStepIsMarked) {
  for (auto [batch, context] : {std::pair<int64_t, int64_t>(1, 1), {3, 5000}, {kMaxBatch, kMaxContext}}) {
    std::string page = written(writeHtml, reportOf("deepseek-v3", batch, context));
    EXPECT_EQ(countOf(page, ">this report</text>"), 3u) << batch << " x " << context;
  }
  std::string page = written(writeHtml, reportOf("deepseek-v3", 3, 5000));
  EXPECT_GE(countOf(page, "<rect class=\"frame\""), 3u); // what fits; decode and prefill among the forms
}

TEST(Report, WordsAreExplained) {
  for (auto *write : {writeText, writeHtml}) {
    std::string text = llvm::StringRef(written(write, reportOf("deepseek-v3"))).lower();
    for (llvm::StringRef meaning :
         {"scores, softmax and values over the cached tokens", "projections behind the attention",
          "from the hidden state to what a new token leaves in the cache"})
      EXPECT_NE(text.find(meaning.str()), std::string::npos) << meaning.str();
  }
}

/// A chart is as wide as its container, and a table scrolls in its own box.
TEST(Report, ThePageFitsAPhone) {
  std::string page = written(writeHtml, reportOf("deepseek-v3"));
  EXPECT_NE(page.find("name=\"viewport\" content=\"width=device-width"), std::string::npos);
  EXPECT_NE(page.find(".chart { display: block; width: 100%;"), std::string::npos);
  EXPECT_EQ(countOf(page, "<table>"), countOf(page, "<div class=\"wide\" tabindex=\"0\"><table>"));
  EXPECT_EQ(countOf(page, "<svg class=\"chart\" viewBox="), countOf(page, "<svg class=\"chart\""));
}

/// The description of a chart for screen readers.
TEST(Report, ChartsHaveTitles) {
  std::string page = written(writeHtml, reportOf("deepseek-v3"));
  EXPECT_EQ(countOf(page, "<svg class=\"chart\""), 10u);
  EXPECT_EQ(countOf(page, "role=\"img\" aria-label=\""), 10u);
}
