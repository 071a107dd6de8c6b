//===- SampleTest.cpp - The choice of a token ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <cmath>
#include <limits>
#include <map>

using Values = std::vector<float>;

static constexpr float infinity = std::numeric_limits<float>::infinity();

static mla_sampling sampling(double temperature, int64_t topK = 0, double topP = 0, uint64_t seed = 1) {
  return {sizeof(mla_sampling), temperature, topK, topP, seed};
}

static int32_t choose(const mla_sampling &how, const Values &logits, uint64_t sequence = 0, uint64_t position = 0) {
  int32_t token = -1;
  EXPECT_EQ(mla_sample(&how, logits.data(), static_cast<int64_t>(logits.size()), sequence, position, &token), MLA_OK)
      << mla_last_error();
  return token;
}

static constexpr int draws = 20000;

/// Returns how often each token is chosen, in parts of 1.
static std::map<int32_t, double> frequencies(const mla_sampling &how, const Values &logits) {
  std::map<int32_t, double> found;
  for (int i = 0; i < draws; ++i)
    found[choose(how, logits, i % 7, i / 7)] += 1.0 / draws;
  return found;
}

/// Expects the frequencies of these probabilities, within five standard deviations.
static void expectFrequencies(const mla_sampling &how, const Values &logits,
                              const std::map<int32_t, double> &expected) {
  std::map<int32_t, double> found = frequencies(how, logits);
  for (auto [token, often] : found)
    EXPECT_TRUE(expected.count(token)) << token << ": " << often;
  for (auto [token, probability] : expected)
    EXPECT_NEAR(found[token], probability, 5 * std::sqrt(probability * (1 - probability) / draws) + 1e-9) << token;
}

TEST(Sample, WithoutTemperatureIsTheFirstOfTheLargest) {
  EXPECT_EQ(choose(sampling(0), {1, 3, 2, 3}), 1);
  EXPECT_EQ(choose(sampling(0), {-infinity, -infinity}), 0);
  EXPECT_EQ(choose(sampling(0, 2, 0.5), {1, infinity}), 1);
}

TEST(Sample, ChoosesByProbability) {
  Values logits = {std::log(1.0f), std::log(5.0f), std::log(3.0f), -infinity, std::log(1.0f)};
  expectFrequencies(sampling(1), logits, {{0, 0.1}, {1, 0.5}, {2, 0.3}, {4, 0.1}});
  // At half the temperature, probabilities are squares.
  expectFrequencies(sampling(0.5), logits, {{0, 1 / 36.}, {1, 25 / 36.}, {2, 9 / 36.}, {4, 1 / 36.}});
  // Another seed has the same frequencies, but other tokens.
  expectFrequencies(sampling(1, 0, 0, 99), logits, {{0, 0.1}, {1, 0.5}, {2, 0.3}, {4, 0.1}});
}

TEST(Sample, LeavesTheUnlikelyOut) {
  Values logits = {std::log(1.0f), std::log(5.0f), std::log(3.0f), std::log(1.0f)};
  expectFrequencies(sampling(1, 2), logits, {{1, 5 / 8.}, {2, 3 / 8.}});
  expectFrequencies(sampling(1, 3), logits, {{0, 1 / 9.}, {1, 5 / 9.}, {2, 3 / 9.}}); // of equal ones the first
  expectFrequencies(sampling(1, 0, 0.49), logits, {{1, 1}});
  expectFrequencies(sampling(1, 0, 0.51), logits, {{1, 5 / 8.}, {2, 3 / 8.}});
  expectFrequencies(sampling(1, 3, 0.9), logits, {{0, 1 / 9.}, {1, 5 / 9.}, {2, 3 / 9.}});
  expectFrequencies(sampling(1, 3, 0.8), logits, {{1, 5 / 8.}, {2, 3 / 8.}});
  expectFrequencies(sampling(1, 0, 1), logits, {{0, 0.1}, {1, 0.5}, {2, 0.3}, {3, 0.1}});
}

TEST(Sample, KeepsTheOrderOfLongRows) {
  Values logits(5000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = static_cast<float>((i * 7919) % logits.size()) * 0.01f;
  auto found = frequencies(sampling(1e6, 300), logits); // all of them equally likely
  EXPECT_GT(found.size(), 290u);
  for (auto [token, often] : found)
    EXPECT_GE(logits[token], 0.01f * 4700 - 1e-3f) << token;
}

TEST(Sample, DependsOnSeedSequenceAndPositionAlone) {
  Values logits(1000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = std::sin(static_cast<float>(i));
  std::map<int32_t, int> tokens;
  for (uint64_t seed : {1, 2})
    for (uint64_t sequence = 0; sequence < 8; ++sequence)
      for (uint64_t position = 0; position < 8; ++position) {
        int32_t token = choose(sampling(1, 0, 0, seed), logits, sequence, position);
        EXPECT_EQ(choose(sampling(1, 0, 0, seed), logits, sequence, position), token);
        ++tokens[token];
      }
  EXPECT_GT(tokens.size(), 100u); // of 128
}

TEST(Sample, InfinitiesAreEquallyLikely) {
  expectFrequencies(sampling(1), {0, infinity, 1, infinity}, {{1, 0.5}, {3, 0.5}});
  expectFrequencies(sampling(1, 3), {0, infinity, 1, infinity}, {{1, 0.5}, {3, 0.5}});
  expectFrequencies(sampling(1), {-infinity, -infinity}, {{0, 0.5}, {1, 0.5}});
}

TEST(Sample, RefusesWhatIsNoChoice) {
  Values logits = {1, 2};
  int32_t token = -1;
  auto refuses = [&](mla_sampling how, const char *says) {
    EXPECT_EQ(mla_sample(&how, logits.data(), 2, 0, 0, &token), MLA_INVALID_ARGUMENT) << says;
    EXPECT_MESSAGE(says);
  };
  refuses(sampling(-1), "sampling->temperature is -1; give a number of at least 0");
  refuses(sampling(NAN), "sampling->temperature is nan");
  refuses(sampling(infinity), "sampling->temperature is inf");
  refuses(sampling(1, -1), "sampling->top_k is -1; give at least 1, or 0 for all");
  refuses(sampling(1, 0, 1.5), "sampling->top_p is 1.5; give a number up to 1, or 0 for all");
  refuses(sampling(1, 0, NAN), "sampling->top_p is nan");
  mla_sampling how = sampling(1), small = how;
  small.size = 8;
  refuses(small, "sampling->size is 8; set it to sizeof, 40");
  for (double temperature : {0.0, 1.0}) {
    logits[1] = NAN;
    refuses(sampling(temperature), "mla_sample: a logit is NaN");
  }
  EXPECT_EQ(mla_sample(&how, logits.data(), 0, 0, 0, &token), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("count is 0");
  EXPECT_EQ(mla_sample(nullptr, logits.data(), 2, 0, 0, &token), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sample(&how, nullptr, 2, 0, 0, &token), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sample(&how, logits.data(), 2, 0, 0, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(token, -1);
}
