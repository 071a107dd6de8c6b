//===- CostModelTest.cpp - Bytes, FLOPs, launches and time ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Report/Measured.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace mla;
using namespace mla::report;

static constexpr Forms naive{Form::Naive, Form::Naive}, absorb{Form::Absorb, Form::Absorb},
    fold{Form::Fold, Form::Fold};

static CostModel modelOf(llvm::StringRef name) { return CostModel(getMeasuredShape(name), Device::h100()); }

//===----------------------------------------------------------------------===//
// Counts
//===----------------------------------------------------------------------===//

TEST(CostModel, WeightBytesOfDeepSeekV3) {
  CostModel model = modelOf("v3");
  EXPECT_EQ(model.getQueryWeightBytes(Form::Absorb), 92'274'688);
  EXPECT_EQ(model.getQueryWeightBytes(Form::Fold), 226'492'416);
  EXPECT_EQ(model.getOutputWeightBytes(Form::Absorb), 251'658'240);
  EXPECT_EQ(model.getOutputWeightBytes(Form::Fold), 939'524'096);
  LayerShape withoutRope = getMeasuredShape("v3");
  withoutRope.rope = 0;
  CostModel nope(withoutRope, Device::h100());
  EXPECT_EQ(nope.getQueryWeightBytes(Form::Absorb), 67'108'864);
  EXPECT_EQ(nope.getQueryWeightBytes(Form::Fold), 201'326'592);
}

TEST(CostModel, AProductReadsTheWeightsThatItsSideHas) {
  // In addition, one token's activations: I, then P and the results' H L, H (P + R).
  CostModel model = modelOf("v3");
  for (Form form : {Form::Absorb, Form::Fold}) {
    EXPECT_NEAR(model.getQueryCost(form, 1).readBytes / model.getQueryWeightBytes(form), 1, 1e-3);
    EXPECT_NEAR(model.getOutputCost(form, 1).readBytes / model.getOutputWeightBytes(form), 1, 1e-3);
    EXPECT_EQ(model.getQueryCost(form, 3).flops, 3 * model.getQueryWeightBytes(form));
    EXPECT_EQ(model.getOutputCost(form, 3).flops, 3 * model.getOutputWeightBytes(form));
  }
}

/// The fold has fewer weights only if I < P L / (L - P) and D < V L / (L - V).
TEST(CostModel, TheFoldBreaksEvenWhereTheAlgebraSays) {
  for (int64_t width : {170, 171}) {
    LayerShape shape = getMeasuredShape("v3");
    shape.queryRank = shape.hidden = width;
    CostModel model(shape, Device::h100());
    EXPECT_EQ(model.getQueryWeightBytes(Form::Fold) < model.getQueryWeightBytes(Form::Absorb), width < 171);
    EXPECT_EQ(model.getOutputWeightBytes(Form::Fold) < model.getOutputWeightBytes(Form::Absorb), width < 171);
  }
}

TEST(CostModel, AWindowBoundsWhatAnAttentionReads) {
  LayerShape shape = getMeasuredShape("v3");
  CostModel all(shape, Device::h100());
  shape.window = 512;
  CostModel window(shape, Device::h100());
  Forms forms{Form::Absorb, Form::Absorb};
  for (int64_t context : {512, 513, 100000}) {
    Cost seen = window.getAttentionCost(forms, {8, 1, context}), expected = all.getAttentionCost(forms, {8, 1, 512});
    EXPECT_EQ(seen.readBytes, expected.readBytes) << context;
    EXPECT_EQ(seen.flops, expected.flops) << context;
  }
  EXPECT_EQ(window.getAttentionCost(forms, {8, 4, 300}).flops, all.getAttentionCost(forms, {8, 4, 300}).flops);
  // Four queries see 512 keys each, 515 together.
  Cost four = window.getAttentionCost(forms, {1, 4, 100000}), one = all.getAttentionCost(forms, {1, 1, 512});
  EXPECT_EQ(four.flops, 4 * one.flops);
  double queries = 2.0 * shape.heads * (shape.latent + shape.rope);
  EXPECT_EQ(four.readBytes - 4 * queries, 515.0 * window.getCachedTokenBytes());
}

TEST(CostModel, AttentionOfACachedToken) {
  CostModel model = modelOf("v3");
  EXPECT_EQ(model.getExpandedTokenBytes(), 81'920);
  EXPECT_EQ(model.getCachedTokenBytes(), 1'152);
  Step step{1, 1, 1000}, longer{1, 1, 1001};
  auto added = [&](auto cost) {
    Cost before = cost(step), after = cost(longer);
    return std::make_pair(after.readBytes - before.readBytes, after.flops - before.flops);
  };
  auto [absorbedBytes, absorbedFlops] = added([&](Step step) { return model.getAttentionCost(absorb, step); });
  EXPECT_EQ(absorbedBytes, 1'152);
  EXPECT_EQ(absorbedFlops, 278'528);
  EXPECT_EQ(added([&](Step step) { return model.getAttentionCost(naive, step); }).second, 81'920);
  // Recomputed keys and values: the cache is read again, and multiplied by both up-projections.
  EXPECT_EQ(added([&](Step step) { return model.getUpProjectionCost(naive, step); }).second, 33'554'432);
}

TEST(CostModel, CausalPairsAreCountedOnce) {
  CostModel model = modelOf("v3");
  double pair = model.getAttentionCost(naive, {1, 1, 1}).flops;
  EXPECT_EQ(model.getAttentionCost(naive, {1, 4, 4}).flops, 10 * pair);
  EXPECT_EQ(model.getAttentionCost(naive, {3, 2, 5}).flops, 3 * 9 * pair);
}

TEST(CostModel, WhatTheCompilerLaunches) {
  CostModel model = modelOf("minicpm3");
  Step step{1, 1, 64};
  // Two down-projections, the query's norm, rotation and append.
  EXPECT_EQ(model.getCommonCost(1).launches, 5);
  EXPECT_EQ(modelOf("v2-lite").getCommonCost(1).launches, 3);
  EXPECT_EQ(model.getCost(absorb, step).getTotal().launches, 5 + 2 + 2 + 2);
  EXPECT_EQ(model.getCost(naive, step).getTotal().launches, 5 + 1 + 3 + 1 + 1);
  EXPECT_EQ(model.getCost(fold, step).getTotal().launches, 5 + 2 + 2 + 1);
  CostModel library(getMeasuredShape("minicpm3"), Device::h100(), KernelStyle::library());
  EXPECT_EQ(library.getQueryCost(Form::Fold, 8).launches, 1);
  EXPECT_EQ(library.getOutputCost(Form::Absorb, 8).launches, 3);
  EXPECT_EQ(library.getOutputCost(Form::Absorb, 1).launches, 2);
}

/// Keys and values per head: P + R and V elements, and only the step's own tokens are up-projected.
TEST(CostModel, AFullCacheUpProjectsWhatIsNew) {
  CostModel model = modelOf("v3");
  LayerCost cost = model.getFullCacheCost({2, 1, 4096});
  EXPECT_EQ(cost.upProjection.flops, 2 * 33'554'432);
  EXPECT_EQ(cost.attention.flops, 2 * 4096 * 81'920);
  double queries = 2 * 128 * (128 + 64) * 2;
  EXPECT_EQ(cost.attention.readBytes, 2 * 4096 * 81'920 + queries);
  EXPECT_EQ(cost.query.flops, model.getCost(naive, {2, 1, 4096}).query.flops);
}

TEST(CostModel, GroupedHeadsReadTheirCacheOnce) {
  CostModel model = modelOf("v3");
  Step step{1, 1, 1000};
  Cost mha = model.getHeadAttentionCost({64, 64, 128, 128}, step),
       gqa = model.getHeadAttentionCost({64, 8, 128, 128}, step);
  EXPECT_EQ(mha.flops, gqa.flops);
  EXPECT_EQ(mha.readBytes - gqa.readBytes, 1000 * 56 * 256 * 2);
}

TEST(CostModel, ThePartsOfWhatIsCommon) {
  CostModel model = modelOf("minicpm3");
  EXPECT_EQ(model.getCommonCost(3).readBytes, model.getDownQueryCost(3).readBytes + model.getAppendCost(3).readBytes);
  EXPECT_EQ(model.getAppendCost(1).flops, 2 * 2560 * (256 + 32));
}

TEST(CostModel, UnknownSizesCostNothing) {
  CostModel model(LayerShape(), Device::h100());
  EXPECT_EQ(model.getQueryCost(Form::Absorb, 8).seconds, 0);
  EXPECT_EQ(model.getOutputCost(Form::Fold, 8).seconds, 0);
}

//===----------------------------------------------------------------------===//
// Weights in e4m3
//===----------------------------------------------------------------------===//

/// Return DeepSeek-V3 with every weight of the checkpoint in e4m3, with a scale per 128 x 128.
static LayerShape getScaledShape(int64_t terms) {
  LayerShape shape = getMeasuredShape("v3");
  shape.formats.fill({1 + 4.0 / (128 * 128), terms});
  shape.formats[unsigned(Matrix::Product)] = {};
  return shape;
}

static CostModel scaledModelOf(int64_t terms) { return CostModel(getScaledShape(terms), Device::h100()); }

TEST(ScaledWeights, AreHalfOfBf16AndTheirProductsAreNot) {
  CostModel scaled = scaledModelOf(2), bf16 = modelOf("v3");
  double half = 0.5 + 2.0 / (128 * 128);
  EXPECT_EQ(scaled.getQueryWeightBytes(Form::Absorb), half * bf16.getQueryWeightBytes(Form::Absorb));
  EXPECT_EQ(scaled.getOutputWeightBytes(Form::Absorb), half * bf16.getOutputWeightBytes(Form::Absorb));
  EXPECT_EQ(scaled.getOutputWeightBytes(Form::Fold), bf16.getOutputWeightBytes(Form::Fold));
  // The rotated part of the query is in no product.
  EXPECT_EQ(scaled.getQueryWeightBytes(Form::Fold), 128.0 * 1536 * (2 * 512 + 2 * half * 64));
}

TEST(ScaledWeights, WithoutScalesHaveBytesOfActivations) {
  LayerShape shape = getScaledShape(2);
  shape.formats[unsigned(Matrix::UpValue)] = {};
  EXPECT_EQ(CostModel(shape, Device::h100()).getOutputWeightBytes(Form::Absorb),
            128.0 * 128 * (2 * 512 + (1 + 4.0 / (128 * 128)) * 7168));
}

/// As compiled: kernels quantize the hidden states, the queries, latents of heads and values; a fold also the norm's
/// result, which is needed in bf16 too; a naive form what it gathers.
TEST(ScaledWeights, TokensAreQuantizedByKernels) {
  CostModel scaled = scaledModelOf(2);
  Step step{1, 1, 4096};
  EXPECT_EQ(scaled.getCost(absorb, step).getTotal().launches, 15);
  EXPECT_EQ(scaled.getCost(fold, step).getTotal().launches, 12);
  EXPECT_EQ(scaled.getCost(naive, step).getTotal().launches, 14);
  EXPECT_EQ(scaled.getFullCacheCost(step).upProjection.launches,
            modelOf("v3").getFullCacheCost(step).upProjection.launches + 1);
}

TEST(ScaledWeights, TwoTermsAreTwiceTheProducts) {
  CostModel one = scaledModelOf(1), two = scaledModelOf(2), bf16 = modelOf("v3");
  WeightFormat single{1, 1}, twice{1, 2};
  constexpr int64_t tokens = 8192, size = 8192;
  Cost bf16Cost = bf16.getProductCost(1, tokens, size, size),
       oneCost = one.getProductCost(1, tokens, size, size, single),
       twoCost = two.getProductCost(1, tokens, size, size, twice);
  EXPECT_EQ(oneCost.flops, bf16Cost.flops);
  EXPECT_EQ(twoCost.flops, 2 * bf16Cost.flops);
  // Weights of one byte, tokens of one per term with a scale per 128.
  EXPECT_EQ(oneCost.readBytes, size * size + tokens * size * (1 + 4.0 / 128));
  EXPECT_EQ(twoCost.readBytes, size * size + 2 * tokens * size * (1 + 4.0 / 128));
  const Device &h100 = Device::h100();
  EXPECT_NEAR(oneCost.seconds, oneCost.flops / h100.e4m3FlopRate, 0.1 * oneCost.seconds);
  EXPECT_NEAR(twoCost.seconds, twoCost.flops / h100.e4m3FlopRate, 0.1 * twoCost.seconds);
  // A few tokens of two terms are one tile.
  EXPECT_NEAR(two.getProductCost(1, 8, size, size, twice).seconds, one.getProductCost(1, 8, size, size, single).seconds,
              1e-7);
}

TEST(ScaledWeights, MakeDecodeFasterAndTheFoldSlowerYet) {
  for (int64_t batch : {1, 32, 128}) {
    Step step{batch, 1, 4096};
    auto secondsOf = [&](const CostModel &model, Forms forms) { return model.getCost(forms, step).getTotal().seconds; };
    CostModel scaled = scaledModelOf(2), bf16 = modelOf("v3");
    EXPECT_LT(secondsOf(scaled, absorb), secondsOf(bf16, absorb));
    EXPECT_GT(secondsOf(scaled, fold) / secondsOf(scaled, absorb), secondsOf(bf16, fold) / secondsOf(bf16, absorb));
  }
}

/// A device without such products has those of bf16.
TEST(ScaledWeights, AreMultipliedAtTheRateOfTheDevice) {
  Device other = Device::h100();
  other.e4m3FlopRate = 0;
  CostModel slow(getScaledShape(1), other), fast = scaledModelOf(1);
  EXPECT_GT(slow.getOutputCost(Form::Absorb, 4096).seconds, 1.2 * fast.getOutputCost(Form::Absorb, 4096).seconds);
  EXPECT_EQ(slow.getOutputCost(Form::Fold, 4096).seconds, fast.getOutputCost(Form::Fold, 4096).seconds);
}

//===----------------------------------------------------------------------===//
// Time
//===----------------------------------------------------------------------===//

TEST(CostModel, MoreIsNeverCheaper) {
  for (llvm::StringRef name : {"v3", "v3-tp8", "v2-lite", "minicpm3"}) {
    CostModel model = modelOf(name);
    for (Forms forms : {naive, absorb, fold, Forms{Form::Absorb, Form::Naive}, Forms{Form::Naive, Form::Fold}}) {
      double before = 0;
      for (int64_t size = 1; size <= 1 << 20; size *= 2) {
        double seconds = model.getCost(forms, {1, 1, size}).getTotal().seconds;
        EXPECT_GE(seconds, before);
        EXPECT_GE(model.getCost(forms, {2, 1, size}).getTotal().seconds, seconds);
        EXPECT_GE(model.getCost(forms, {1, std::min<int64_t>(2, size), size}).getTotal().seconds, seconds);
        before = seconds;
      }
    }
  }
}

TEST(CostModel, AFasterDeviceIsFaster) {
  Device faster = Device::h100();
  faster.readRate *= 2, faster.copyRate *= 2, faster.flopRate *= 2, faster.launchSeconds /= 2;
  for (const MeasuredForm &measured : readMeasuredForms())
    EXPECT_NEAR(predict(measured, faster) * 2, predict(measured, Device::h100()), 1e-9);
}

//===----------------------------------------------------------------------===//
// Measured kernels
//===----------------------------------------------------------------------===//

static double median(std::vector<double> errors) {
  std::sort(errors.begin(), errors.end());
  return errors[errors.size() / 2];
}

static double medianError(const Device &device) {
  std::vector<double> errors;
  for (const MeasuredForm &measured : readMeasuredForms())
    errors.push_back(std::abs(predict(measured, device) / measured.seconds - 1));
  return median(errors);
}

/// Returns the sum of squares of the logarithm of predicted over measured.
static double fitError(const Device &device) {
  double sum = 0;
  for (const MeasuredForm &measured : readMeasuredForms())
    sum += std::pow(std::log(predict(measured, device) / measured.seconds), 2);
  return sum;
}

/// Counts the pairs of absorb and fold that differ by more than a tenth, and those ranked in the other order.
static std::pair<int, int> countRankings(const Device &device) {
  int compared = 0, wrong = 0;
  std::vector<MeasuredForm> all = readMeasuredForms();
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    if (all[i].form != Form::Absorb || all[i + 1].form != Form::Fold)
      continue;
    double measured = all[i + 1].seconds / all[i].seconds;
    if (std::max(measured, 1 / measured) <= 1.1)
      continue;
    ++compared;
    wrong += (predict(all[i + 1], device) > predict(all[i], device)) != (measured > 1);
  }
  return {compared, wrong};
}

TEST(MeasuredForms, AreAllThere) { EXPECT_EQ(readMeasuredForms().size(), 4u * (9 * 4 + 2)); }

TEST(MeasuredForms, ArePredicted) {
  EXPECT_LE(medianError(Device::h100()), 0.06);
  for (const MeasuredForm &measured : readMeasuredForms())
    EXPECT_NEAR(predict(measured, Device::h100()) / measured.seconds, 1, 0.3)
        << measured.model << ", " << measured.tokens << " tokens";
}

TEST(MeasuredForms, AreRankedRight) {
  auto [compared, wrong] = countRankings(Device::h100());
  EXPECT_EQ(compared, 67);
  EXPECT_EQ(wrong, 0);
}

/// Checks that the check above can fail: if a launch costs a hundred times as much, the fold wins by one kernel fewer.
TEST(MeasuredForms, AreRankedWrongByABrokenDevice) {
  Device broken = Device::h100();
  broken.launchSeconds *= 100;
  EXPECT_GT(countRankings(broken).second, 20);
  EXPECT_GT(medianError(broken), 1);
}

/// Checks that the launch time is the fitted one, by least squares of logarithms: no other value within a quarter of it
/// is better.
TEST(MeasuredForms, TheLaunchIsTheLeastSquares) {
  double best = fitError(Device::h100());
  for (double microseconds = 1; microseconds <= 5; microseconds += 0.25) {
    Device other = Device::h100();
    other.launchSeconds = microseconds * 1e-6;
    EXPECT_GE(fitError(other), best) << microseconds;
  }
}

/// Returns the errors of our attention kernels in a form: decode's with its merge, or the naive one.
static std::vector<double> attentionErrors(Forms forms) {
  std::vector<double> errors;
  for (const MeasuredAttention &measured : readMeasuredAttentions()) {
    if (measured.forms != forms)
      continue;
    LayerShape shape = getMeasuredShape("v3");
    shape.heads = measured.heads;
    double predicted = CostModel(shape, Device::h100()).getAttentionCost(forms, measured.step).seconds;
    errors.push_back(std::abs(predicted / measured.seconds - 1));
  }
  return errors;
}

TEST(MeasuredAttention, DecodeIsPredicted) {
  EXPECT_EQ(attentionErrors(absorb).size(), 61u);
  EXPECT_LE(median(attentionErrors(absorb)), 0.14);
}

TEST(MeasuredAttention, PrefillIsPredicted) {
  EXPECT_EQ(attentionErrors(naive).size(), 6u);
  EXPECT_LE(median(attentionErrors(naive)), 0.14);
}

/// Prints the table: `mla-dialect-tests --gtest_filter=MeasuredForms.Table`.
TEST(MeasuredForms, Table) {
  llvm::outs() << "model      tokens  side  form     measured  predicted    us\n";
  for (const MeasuredForm &measured : readMeasuredForms()) {
    double predicted = predict(measured, Device::h100());
    llvm::outs() << llvm::format("%-9s %7d  %-4s  %-7s %9.1f  %9.1f  %.2f\n", measured.model.c_str(),
                                 int(measured.tokens),
                                 measured.side == MeasuredForm::Output  ? "o"
                                 : measured.side == MeasuredForm::Query ? "q"
                                                                        : "kv",
                                 stringifyForm(measured.form).str().c_str(), measured.seconds * 1e6, predicted * 1e6,
                                 predicted / measured.seconds);
  }
  llvm::outs() << llvm::format("median error %.1f%%\n", 100 * medianError(Device::h100()));
  llvm::outs().flush();
}

TEST(CostModelTest, CountsTheBytesOfAPackedCacheWhereItIsReadAndWritten) {
  LayerShape shape = getMeasuredShape("v3");
  CostModel standard(shape, Device::h100());
  shape.packedRowBytes = 656;
  CostModel packed(shape, Device::h100());
  EXPECT_EQ(packed.getCachedTokenBytes(), 656);
  Step step = {4, 1, 1000};
  LayerCost before = standard.getCost(absorb, step), after = packed.getCost(absorb, step);
  EXPECT_EQ(before.attention.readBytes - after.attention.readBytes, 4000 * (1152 - 656));
  EXPECT_EQ(before.common.writtenBytes - after.common.writtenBytes, 4 * (1152 - 656));
  EXPECT_LT(after.attention.seconds, before.attention.seconds);
  EXPECT_EQ(after.query.readBytes, before.query.readBytes);
  // Naive attention reads what was gathered from the cache, in hidden states' type.
  before = standard.getCost(naive, step);
  after = packed.getCost(naive, step);
  EXPECT_EQ(before.attention.readBytes, after.attention.readBytes);
  EXPECT_EQ(before.upProjection.readBytes - after.upProjection.readBytes, 4000 * (1152 - 656));
  EXPECT_EQ(before.upProjection.writtenBytes, after.upProjection.writtenBytes);
}

//===----------------------------------------------------------------------===//
// Adapters that sequences choose
//===----------------------------------------------------------------------===//

static CostModel modelOfAdapters(std::initializer_list<Matrix> matrices) {
  LayerShape shape = getMeasuredShape("v3");
  shape.adapters.count = 4;
  for (Matrix matrix : matrices)
    shape.adapters.ranks[unsigned(matrix)] = 16;
  return CostModel(shape, Device::h100());
}

TEST(CostModel, CountsTheUpdatesOfAdapters) {
  CostModel model = modelOfAdapters({Matrix::UpKey, Matrix::UpValue});
  EXPECT_EQ(model.getAdapterBytes(), 2 * 2 * 16 * (512 + 128 * 128));
  Step step{8, 1, 1000};
  // Of each token's 128 heads 128 columns by rank 16 by 512, on both sides; of each cached token 512 by 16 by 128
  // heads.
  Cost absorbed = model.getAdapterCost(absorb, step), updated = model.getAdapterCost(naive, step);
  EXPECT_EQ(absorbed.flops, 2.0 * 2 * 8 * 128 * 16 * (128 + 512));
  EXPECT_EQ(updated.flops, 2.0 * 2 * 8000 * 16 * (512 + 128 * 128));
  EXPECT_EQ(absorbed.launches, 4);
  EXPECT_EQ(model.getCost(absorb, step).getTotal().flops - absorbed.flops,
            modelOf("v3").getCost(absorb, step).getTotal().flops);
}

TEST(CostModel, ReadsAsManyAdaptersAsThereCanBeInAStep) {
  CostModel model = modelOfAdapters({Matrix::Output});
  auto weights = [&](int64_t batch) { // without the tokens
    return model.getAdapterCost(absorb, {batch, 1, 1}).readBytes - 2.0 * batch * (128 * 128 + 16);
  };
  EXPECT_EQ(weights(1), model.getAdapterBytes());
  EXPECT_EQ(weights(3), 3 * model.getAdapterBytes());
  EXPECT_EQ(weights(9), 4 * model.getAdapterBytes());
}

TEST(CostModel, AMatrixThatNoAdapterUpdatesCostsNothing) {
  EXPECT_EQ(modelOfAdapters({}).getAdapterCost(naive, {8, 1, 1000}).getBytes(), 0);
  EXPECT_EQ(modelOf("v3").getAdapterCost(naive, {8, 1, 1000}).launches, 0);
}
