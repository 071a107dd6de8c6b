//===- RunLayerTest.cpp - Running one layer -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <functional>
#include <pthread.h>

using Values = std::vector<float>;

static void runOnThread(size_t stackBytes, std::function<void()> body) {
  pthread_attr_t attributes;
  pthread_t thread;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, stackBytes), 0);
  auto call = [](void *argument) -> void * {
    (*static_cast<std::function<void()> *>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, call, &body), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

class RunLayerTest : public RuntimeTest {
protected:
  mla_status run(const mla_batch *batch, mla_phase phase, int64_t layer = 3) {
    hidden.assign(3 * std::max<int64_t>(1, mla_batch_tokens(batch)), 1);
    out.assign(hidden.size(), -1);
    return mla_run_layer(bundle, layer, batch, phase, hidden.data(), out.data());
  }
  Values hidden, out;
};

TEST_F(RunLayerTest, RaggedBatchesSeeTheirOwnTokensInOrder) {
  open(16);
  ASSERT_EQ(mla_cache_shuffle(cache, 3), MLA_OK);
  mla_sequence a = newSequence(), b = newSequence();
  mla_batch *batch = begin({b, a}, {2, 5});
  Values in(21), got(21);
  for (int t = 0; t < 7; ++t)
    in[3 * t] = static_cast<float>(t + 1);
  ASSERT_EQ(mla_run_layer(bundle, 3, batch, MLA_PHASE_PREFILL, in.data(), got.data()), MLA_OK);
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
  const float sums[] = {1, 3, 3, 7, 12, 18, 25};
  for (int t = 0; t < 7; ++t)
    for (int j = 0; j < 3; ++j)
      EXPECT_EQ(got[3 * t + j], 2 * sums[t]) << t;
  EXPECT_EQ(append(a, {100}), (Values{250}));
  EXPECT_EQ(append(b, {100}), (Values{206}));
}

TEST_F(RunLayerTest, DescriptorsAreAsTheAbiSays) {
  open(16, replaced(smallManifest(), "\"sum_f32\"", "\"descriptors_f32\""));
  mla_batch *batch = begin({newSequence(), newSequence()}, {2, 6});
  ASSERT_EQ(run(batch, MLA_PHASE_AUTO), MLA_OK);
  EXPECT_EQ(out, hidden);
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(RunLayerTest, PicksTheEntryByPhaseAndContext) {
  open(16);
  mla_sequence s = newSequence();
  auto selected = [&](int32_t tokens, mla_phase phase) {
    mla_batch *batch = begin({s}, {tokens});
    int64_t entry = -1;
    EXPECT_EQ(mla_select_entry(bundle, batch, phase, &entry), MLA_OK) << mla_last_error();
    EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
    return entry;
  };
  EXPECT_EQ(selected(1, MLA_PHASE_AUTO), 0);
  EXPECT_EQ(selected(8, MLA_PHASE_AUTO), 0);
  EXPECT_EQ(selected(9, MLA_PHASE_AUTO), 2);
  EXPECT_EQ(selected(8, MLA_PHASE_PREFILL), 2);
  append(s, Values(7, 1));
  EXPECT_EQ(selected(1, MLA_PHASE_DECODE), 0);
  EXPECT_EQ(selected(2, MLA_PHASE_DECODE), 1);
  mla_batch *batch = begin({s}, {2});
  ASSERT_EQ(run(batch, MLA_PHASE_AUTO), MLA_OK);
  EXPECT_EQ(out, Values(6, 1));
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

/// By the sequence with most queries: with one more, another entry serves the batch.
TEST_F(RunLayerTest, RunsOnThreadsWithLittleStack) {
  std::string manifest = replaced(smallManifest(), "\"ones_f32\"", "\"deep_f32\"");
  open(16, manifest);
  mla_sequence s = newSequence();
  append(s, Values(8, 1));
  mla_batch *batch = begin({s}, {1});
  // The caller chooses the stack of a thread; generated code needs half a mebibyte.
  auto body = [&] { EXPECT_EQ(run(batch, MLA_PHASE_DECODE), MLA_OK) << mla_last_error(); };
  for (size_t bytes : {size_t(128) << 10, size_t(512) << 10, size_t(2) << 20}) {
    runOnThread(bytes, body);
    EXPECT_EQ(out, (Values{1, 1, 1})) << bytes;
  }
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
}

TEST_F(RunLayerTest, SelectsEntriesByQueries) {
  std::string manifest =
      replaced(smallManifest(), "\"tokens\": [0, -1], \"context\": [0, 8]", "\"tokens\": [0, 2], \"context\": [0, -1]");
  manifest =
      replaced(manifest, "\"tokens\": [0, -1], \"context\": [9, -1]", "\"tokens\": [3, -1], \"context\": [0, -1]");
  open(16, manifest);
  mla_sequence s = newSequence(), t = newSequence();
  for (auto [queries, entry] : {std::pair(2, 0), std::pair(3, 1)}) {
    mla_batch *batch = begin({s, t}, {1, queries});
    int64_t selected = -1;
    EXPECT_EQ(mla_select_entry(bundle, batch, MLA_PHASE_AUTO, &selected), MLA_OK) << mla_last_error();
    EXPECT_EQ(selected, entry) << queries;
    EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
  }
}

TEST_F(RunLayerTest, RefusesWrongPhases) {
  open(16, replaced(smallManifest(), "[9, -1]", "[12, 13]"));
  mla_sequence s = newSequence();
  mla_batch *batch = begin({s}, {9});
  EXPECT_EQ(run(batch, MLA_PHASE_DECODE), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("has 9 query tokens, decode serves up to 8");
  EXPECT_EQ(run(batch, static_cast<mla_phase>(3)), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("phase is 3");
  ASSERT_EQ(run(batch, MLA_PHASE_AUTO), MLA_OK);
  ASSERT_EQ(mla_batch_commit(batch), MLA_OK);
  batch = begin({s}, {1});
  EXPECT_EQ(run(batch, MLA_PHASE_AUTO), MLA_UNSUPPORTED);
  EXPECT_MESSAGE("no decode entry for 1 query tokens on 10 cached ones");
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(RunLayerTest, RefusesWrongArguments) {
  open(16);
  mla_batch *batch = begin({newSequence()}, {2});
  EXPECT_EQ(run(batch, MLA_PHASE_AUTO, 4), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("the bundle has no layer 4");
  EXPECT_EQ(run(nullptr, MLA_PHASE_AUTO), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_run_layer(nullptr, 3, batch, MLA_PHASE_AUTO, hidden.data(), out.data()), MLA_INVALID_ARGUMENT);
  Values buffer(32);
  char *bytes = reinterpret_cast<char *>(buffer.data());
  auto with = [&](const void *from, void *to) { return mla_run_layer(bundle, 3, batch, MLA_PHASE_AUTO, from, to); };
  EXPECT_EQ(with(nullptr, bytes), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("hidden is NULL");
  EXPECT_EQ(with(bytes, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("out is NULL");
  EXPECT_EQ(with(bytes + 2, bytes + 64), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("hidden is not aligned to 4 bytes");
  for (int offset : {0, 4, 20})
    EXPECT_EQ(with(bytes, bytes + offset), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(with(bytes + 20, bytes), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("overlap");
  EXPECT_EQ(with(bytes, bytes + 24), MLA_OK);
  EXPECT_EQ(mla_select_entry(bundle, batch, MLA_PHASE_AUTO, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
  EXPECT_EQ(run(batch, MLA_PHASE_AUTO), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("the batch has ended");
}

TEST_F(RunLayerTest, RefusesACacheOfAnotherBundle) {
  open(16);
  mla_batch *batch = begin({newSequence()}, {1});
  const std::string standard = "\"standard\", \"dtype\": \"f32\"", latent = "\"kv_lora_rank\": 2",
                    rope = "\"qk_rope_head_dim\": 2";
  // The second has rows as wide, of other parts.
  const std::pair<std::string, std::string> cases[] = {
      {replaced(smallManifest(), "\"page\": 4", "\"page\": 8"), "has page 4, bundle PATH has 8"},
      {replaced(replaced(smallManifest(), latent, "\"kv_lora_rank\": 1"), rope, "\"qk_rope_head_dim\": 3"),
       "has kv_lora_rank 2, bundle PATH has 1"},
      {replaced(smallManifest(), rope, "\"qk_rope_head_dim\": 4"), "has cache_row 4, bundle PATH has 6"},
      {replaced(smallManifest(), standard, "\"standard\", \"dtype\": \"bf16\""), "has dtype f32, bundle PATH has bf16"},
      {replaced(smallManifest(), standard, "\"fp8_row\", \"dtype\": \"i8\""),
       "has format standard, bundle PATH has fp8_row"}};
  for (const auto &[manifest, says] : cases) {
    TempDir other;
    writeBundle(other.path, manifest);
    mla_bundle *otherBundle = nullptr;
    ASSERT_EQ(mla_bundle_open(other.path.c_str(), &otherBundle), MLA_OK);
    float in[3] = {}, got[3];
    EXPECT_EQ(mla_run_layer(otherBundle, 3, batch, MLA_PHASE_AUTO, in, got), MLA_INVALID_ARGUMENT);
    EXPECT_MESSAGE("the batch's cache " + replaced(says, "PATH", other.path) + "; use a cache made from it");
    mla_bundle_close(otherBundle);
  }
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST(LastError, IsOfItsThread) {
  EXPECT_EQ(mla_bundle_open("", nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_STRNE(mla_last_error(), "");
  EXPECT_STREQ(mla_status_name(MLA_OUT_OF_PAGES), "MLA_OUT_OF_PAGES");
  EXPECT_NE(mla_status_name(static_cast<mla_status>(15)), nullptr);
}
