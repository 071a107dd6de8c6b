//===- AdaptersTest.cpp - Adapters that sequences choose ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

namespace {
/// A bundle with two adapters, whose code returns the number of a token's adapter.
class Adapters : public RuntimeTest {
protected:
  void openWith(const char *cacheRows) {
    std::string manifest = replaced(smallManifest(), "\"version\": 3",
                                    std::string("\"version\": 4, \"adapters\": {\"names\": [\"chat\", \"code\"], "
                                                "\"cache\": \"") +
                                        cacheRows + "\"}");
    for (const char *entry :
         {"\"symbol\": \"sum_f32\", \"phase\": \"decode\"", "\"symbol\": \"sum_f32\", \"phase\": \"prefill\""})
      manifest = replaced(manifest, entry, std::string(entry).replace(11, 7, "adapters_f32"));
    open(8, manifest);
  }
  /// Runs a step of one token per sequence, and returns the first element of each result.
  std::vector<float> step(const std::vector<mla_sequence> &sequences) {
    mla_batch *batch = begin(sequences, std::vector<int32_t>(sequences.size(), 1));
    std::vector<float> hidden(3 * sequences.size()), out(hidden.size(), -7);
    EXPECT_EQ(mla_run_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden.data(), out.data()), MLA_OK) << mla_last_error();
    EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
    std::vector<float> firsts;
    for (size_t i = 0; i < out.size(); i += 3)
      firsts.push_back(out[i]);
    return firsts;
  }
  mla_status set(mla_sequence sequence, int32_t adapter) { return mla_sequence_set_adapter(cache, sequence, adapter); }
};
} // namespace

TEST_F(Adapters, AreThoseOfTheSequences) {
  openWith("shared");
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  ASSERT_EQ(info.num_adapters, 2);
  EXPECT_STREQ(info.adapters[0], "chat");
  EXPECT_STREQ(info.adapters[1], "code");
  EXPECT_EQ(info.own_cache_rows, 0);
  mla_sequence none = newSequence(), chat = newSequence(), code = newSequence(), copy = 0;
  ASSERT_EQ(set(chat, 0), MLA_OK);
  ASSERT_EQ(set(code, 1), MLA_OK);
  EXPECT_EQ(step({code, none, chat}), (std::vector<float>{1, -1, 0}));
  // A copy has its original's, until it gets another.
  ASSERT_EQ(mla_sequence_fork(cache, code, &copy), MLA_OK);
  EXPECT_EQ(step({copy, code}), (std::vector<float>{1, 1}));
  ASSERT_EQ(set(copy, 0), MLA_OK);
  EXPECT_EQ(step({copy, code}), (std::vector<float>{0, 1}));
}

TEST_F(Adapters, StayWhereTheyChangeTheCache) {
  openWith("own");
  EXPECT_EQ(mla_bundle_get_info(bundle)->own_cache_rows, 1);
  mla_sequence sequence = newSequence();
  ASSERT_EQ(set(sequence, 0), MLA_OK);
  ASSERT_EQ(set(sequence, 1), MLA_OK);
  EXPECT_EQ(step({sequence}), (std::vector<float>{1}));
  EXPECT_EQ(set(sequence, 1), MLA_OK);
  EXPECT_EQ(set(sequence, -1), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("has 1 tokens, whose rows in the cache were computed with adapter 1; truncate it to 0 tokens first");
  ASSERT_EQ(mla_sequence_truncate(cache, sequence, 0), MLA_OK);
  EXPECT_EQ(set(sequence, -1), MLA_OK);
  EXPECT_EQ(step({sequence}), (std::vector<float>{-1}));
}

TEST_F(Adapters, WrongNumbersAreRejected) {
  openWith("shared");
  mla_sequence sequence = newSequence();
  EXPECT_EQ(set(sequence, -2), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("adapter is -2; give a number of info->adapters, or -1 for none");
  ASSERT_EQ(set(sequence, 2), MLA_OK); // the bundle is known only when it runs
  mla_batch *batch = begin({sequence}, {1});
  float hidden[3] = {}, out[3] = {-7};
  EXPECT_EQ(mla_run_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden, out), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("sequence 0 of the batch has adapter 2, but bundle");
  EXPECT_EQ(out[0], -7);
  EXPECT_EQ(set(sequence, 0), MLA_INVALID_ARGUMENT); // in a batch
  ASSERT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(Adapters, OfABundleWithoutSomeAreRejected) {
  open(8);
  mla_sequence sequence = newSequence();
  ASSERT_EQ(set(sequence, 0), MLA_OK);
  mla_batch *batch = begin({sequence}, {1});
  float hidden[3] = {}, out[3] = {};
  EXPECT_EQ(mla_run_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden, out), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("has adapter 0, but bundle");
  EXPECT_MESSAGE("has 0 adapters");
  ASSERT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(Adapters, AreAnArrayOfAStep) {
  openWith("shared");
  float hidden[9] = {}, out[9] = {}, pages[2 * 4 * 4] = {};
  int32_t cuSeqlens[] = {0, 1, 3}, lengths[] = {1, 2}, blockTable[] = {0, 1}, adapters[] = {1, -1};
  auto step = ofSizes<mla_step>(3, 2, 2, 4);
  step.layer = 3;
  step.num_pages = 2;
  step.table_width = 1;
  step.hidden = hidden, step.out = out, step.pages = pages;
  step.cu_seqlens = cuSeqlens, step.lengths = lengths, step.block_table = blockTable;
  EXPECT_EQ(mla_enqueue_layer(bundle, &step), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("adapters is NULL; pass its address");
  step.adapters = adapters;
  ASSERT_EQ(mla_enqueue_layer(bundle, &step), MLA_OK) << mla_last_error();
  EXPECT_EQ(out[0], 1);
  EXPECT_EQ(out[3], -1);
  EXPECT_EQ(out[6], -1);
  adapters[0] = 2;
  EXPECT_EQ(mla_enqueue_layer(bundle, &step), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("adapters[0] is 2; give -1 for none, or 0 to 1");
}

TEST_F(Adapters, OfAStepNeedABundleWithSome) {
  open(8);
  float hidden[3] = {}, out[3] = {}, pages[4 * 4] = {};
  int32_t cuSeqlens[] = {0, 1}, lengths[] = {1}, blockTable[] = {0}, adapters[] = {0};
  auto step = ofSizes<mla_step>(1, 1, 1, 4);
  step.layer = 3;
  step.num_pages = step.table_width = 1;
  step.hidden = hidden, step.out = out, step.pages = pages;
  step.cu_seqlens = cuSeqlens, step.lengths = lengths, step.block_table = blockTable, step.adapters = adapters;
  EXPECT_EQ(mla_enqueue_layer(bundle, &step), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("adapters is given, but bundle");
}
