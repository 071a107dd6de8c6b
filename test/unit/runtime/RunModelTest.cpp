//===- RunModelTest.cpp - Running a whole model ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The embedding of test_code.c makes rows of the id, and the logits of a row
// are its first element plus 0, 1, …. Layers 3 and 5 multiply sums by 2 and 0.5.
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "Manifest.h"

using Values = std::vector<float>;

static const std::string ends = R"({"symbol": "embed_f32", "phase": "embed", "weights": []},
      {"symbol": "logits_f32", "phase": "logits", "weights": []}, )";

static std::string modelManifest() {
  std::string manifest = replaced(smallManifest(), "\"hidden_size\": 3", "\"hidden_size\": 3, \"vocab_size\": 5");
  return replaced(manifest, "\"entries\": [", "\"entries\": [" + ends);
}

class RunModelTest : public RuntimeTest {
protected:
  mla_status run(const mla_batch *batch, std::vector<int32_t> ids, mla_logits which = MLA_LOGITS_LAST) {
    logits.assign(5 * (which == MLA_LOGITS_ALL ? ids.size() : mla_batch_tokens(batch) ? 2 : 0), -1);
    return mla_run_model(bundle, batch, MLA_PHASE_PREFILL, ids.data(), which, logits.data());
  }
  Values logits;
};

TEST_F(RunModelTest, RunsAllLayersBetweenTheEnds) {
  open(16, modelManifest());
  EXPECT_EQ(mla_bundle_get_info(bundle)->vocab_size, 5);
  mla_batch *batch = begin({newSequence(), newSequence()}, {2, 1});
  ASSERT_EQ(run(batch, {1, 2, 4}, MLA_LOGITS_ALL), MLA_OK) << mla_last_error();
  EXPECT_EQ(logits, (Values{1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 4, 5, 6, 7, 8}));
  ASSERT_EQ(run(batch, {1, 2, 4}), MLA_OK) << mla_last_error();
  EXPECT_EQ(logits, (Values{4, 5, 6, 7, 8, 4, 5, 6, 7, 8}));
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
}

TEST_F(RunModelTest, ALayerIsRunByAnEntryThatServesIt) {
  std::string only = replaced(modelManifest(), "\"phase\": \"prefill\"", "\"phase\": \"prefill\", \"layers\": [3]");
  open(16, replaced(only, "\"entries\": [",
                    R"("entries": [{"symbol": "ones_f32", "phase": "prefill", "q": "naive", "o": "naive",
                        "tokens": [0, -1], "context": [0, -1], "weights": [], "layers": [5]}, )"));
  mla_batch *batch = begin({newSequence(), newSequence()}, {1, 1});
  ASSERT_EQ(run(batch, {3, 4}), MLA_OK) << mla_last_error();
  EXPECT_EQ(logits, (Values{1, 2, 3, 4, 5, 1, 2, 3, 4, 5}));
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(RunModelTest, RefusesWhatIsNoTokenAndNoPlace) {
  open(16, modelManifest());
  mla_batch *batch = begin({newSequence(), newSequence()}, {2, 1});
  EXPECT_EQ(run(batch, {1, 5, 4}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("ids[1] is 5, but the model has tokens 0 to 4; use its own tokenizer");
  EXPECT_EQ(run(batch, {1, 4, -1}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("ids[2] is -1");
  EXPECT_EQ(mla_run_model(bundle, batch, MLA_PHASE_AUTO, nullptr, MLA_LOGITS_LAST, logits.data()),
            MLA_INVALID_ARGUMENT);
  EXPECT_EQ(run(batch, {1, 2, 3}, static_cast<mla_logits>(3)), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("which is 3; use a value of mla_logits");
  EXPECT_EQ(mla_run_model(nullptr, batch, MLA_PHASE_AUTO, nullptr, MLA_LOGITS_LAST, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
  EXPECT_EQ(run(batch, {1, 2, 3}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("the batch has ended");
}

TEST_F(RunModelTest, ProfilesHaveAnItemPerCall) {
  open(16, modelManifest());
  mla_batch *batch = begin({newSequence(), newSequence()}, {2, 1});
  int32_t ids[] = {1, 2, 4};
  Values found(10);
  mla_profile_item items[4] = {};
  int64_t count = 0;
  ASSERT_EQ(mla_profile_model(bundle, batch, MLA_PHASE_PREFILL, ids, MLA_LOGITS_LAST, found.data(), items,
                              sizeof(items[0]), 4, &count),
            MLA_OK)
      << mla_last_error();
  EXPECT_EQ(found, (Values{4, 5, 6, 7, 8, 4, 5, 6, 7, 8}));
  ASSERT_EQ(count, 4);
  EXPECT_STREQ(items[0].name, "embed_f32");
  EXPECT_STREQ(items[0].part, "rest");
  EXPECT_EQ(items[0].layer, -1);
  EXPECT_STREQ(items[1].part, "");
  EXPECT_EQ(items[1].layer, 3);
  // A weight of 4 bytes, 3 rows of 4 elements in the cache, and states of 3 elements in and out.
  EXPECT_EQ(items[1].bytes, 4 + 3 * 4 * 4 + 2 * 3 * 3 * 4);
  EXPECT_GE(items[1].seconds, 0);
  EXPECT_LT(items[1].flops, 0);
  EXPECT_EQ(items[2].layer, 5);
  EXPECT_STREQ(items[3].name, "logits_f32");
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(RunModelTest, RefusesABundleOfLayers) {
  open(16);
  mla_batch *batch = begin({newSequence(), newSequence()}, {1, 1});
  EXPECT_EQ(run(batch, {1, 2}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("has no embedding; compile with --scope=model");
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST(RunModel, ManifestsAreComplete) {
  std::string model = modelManifest(), layers = smallManifest(), vocabulary = ", \"vocab_size\": 5";
  auto serving = [&](const std::string &served) {
    std::string all = layers;
    for (int i = 0; i < 3; ++i)
      all = replaced(all, "\"tokens\": [0, -1], \"context\"",
                     "\"layers\": " + served + ", \"tokens\":  [0, -1], \"context\"");
    return all;
  };
  const std::pair<std::string, const char *> cases[] = {
      {replaced(model, vocabulary, ""), "must have 'embed' and 'logits' if and only if 'model' has vocab_size"},
      {replaced(model, ends, ""), "must have 'embed' and 'logits' if and only if"},
      {replaced(model, "\"phase\": \"logits\"", "\"phase\": \"embed\""), "is 'embed' a second time"},
      {replaced(model, "\"vocab_size\": 5", "\"vocab_size\": 0"), "vocab_size"},
      {serving("[3]"), "field 'entries' serve no layer 5"},
      {serving("[5, 3]"), "must hold layer numbers in ascending order"},
      {serving("[]"), "field 'entries[0].layers' is empty"},
  };
  for (const auto &[manifest, says] : cases) {
    auto parsed =
        mla::parseManifest("m.json", replaced(manifest, "FILES", "\"code.so\": 1, \"weights.safetensors\": 1"));
    ASSERT_FALSE(parsed) << says;
    EXPECT_NE(parsed.error().message().find(says), std::string::npos) << parsed.error().message();
  }
  EXPECT_TRUE(
      mla::parseManifest("m.json", replaced(serving("[3, 5]"), "FILES", "\"code.so\": 1, \"weights.safetensors\": 1")));
}
