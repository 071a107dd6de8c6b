//===- CacheTest.cpp - Pages, sequences, batches --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <atomic>
#include <set>
#include <thread>

using Values = std::vector<float>;

class CacheTest : public RuntimeTest {};

TEST_F(CacheTest, HoldsAsManyPagesAsTokensNeed) {
  open(8);
  EXPECT_EQ(mla_cache_num_pages(cache), 8);
  EXPECT_EQ(freePages(), 8);
  mla_sequence s = newSequence();
  EXPECT_EQ(freePages(), 8);
  append(s, {1, 2, 3, 4});
  EXPECT_EQ(freePages(), 7);
  append(s, {5});
  EXPECT_EQ(freePages(), 6);
  EXPECT_EQ(length(s), 5);
  EXPECT_EQ(pages(s).size(), 2u);
  EXPECT_EQ(mla_sequence_free(cache, s), MLA_OK);
  EXPECT_EQ(freePages(), 8);
}

TEST_F(CacheTest, PagesServeAllLayersAndLayersAreApart) {
  open(4);
  mla_sequence s = newSequence();
  mla_batch *batch = begin({s}, {2});
  Values hidden = {1, 0, 0, 2, 0, 0}, out(6);
  ASSERT_EQ(mla_run_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden.data(), out.data()), MLA_OK);
  EXPECT_EQ(out, (Values{2, 2, 2, 6, 6, 6}));
  hidden = {10, 0, 0, 20, 0, 0};
  ASSERT_EQ(mla_run_layer(bundle, 5, batch, MLA_PHASE_AUTO, hidden.data(), out.data()), MLA_OK);
  EXPECT_EQ(out, (Values{5, 5, 5, 15, 15, 15}));
  ASSERT_EQ(mla_batch_commit(batch), MLA_OK);
  for (auto [layer, first] : {std::pair(3, 1.0f), std::pair(5, 10.0f)}) {
    void *data = nullptr;
    int64_t dims[3];
    mla_dtype dtype;
    ASSERT_EQ(mla_cache_pages(cache, layer, &data, dims, &dtype), MLA_OK);
    EXPECT_EQ(dims[0], 4);
    EXPECT_EQ(dims[1], 4);
    EXPECT_EQ(dims[2], 4);
    EXPECT_EQ(dtype, MLA_F32);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0u);
    EXPECT_EQ(static_cast<float *>(data)[pages(s)[0] * 16], first);
  }
}

TEST_F(CacheTest, ShuffleScattersPages) {
  open(64);
  ASSERT_EQ(mla_cache_shuffle(cache, 1), MLA_OK);
  mla_sequence s = newSequence();
  append(s, Values(64 * 4, 1));
  std::vector<int32_t> got = pages(s);
  int consecutive = 0;
  for (size_t i = 1; i < got.size(); ++i)
    consecutive += got[i] == got[i - 1] + 1;
  EXPECT_LT(consecutive, 8);
  EXPECT_EQ(std::set<int32_t>(got.begin(), got.end()).size(), 64u);
}

TEST_F(CacheTest, ForkSharesAndCopiesOnWrite) {
  open(4);
  mla_sequence parent = newSequence(), child = 0;
  append(parent, {1, 2, 3, 4, 5, 6});
  ASSERT_EQ(mla_sequence_fork(cache, parent, &child), MLA_OK);
  EXPECT_EQ(freePages(), 2);
  EXPECT_EQ(pages(child), pages(parent));
  EXPECT_EQ(append(child, {10}), (Values{2 * 31}));
  EXPECT_EQ(freePages(), 1);
  EXPECT_EQ(pages(child)[0], pages(parent)[0]);
  EXPECT_NE(pages(child)[1], pages(parent)[1]);
  // The parent now owns its last page alone, without the child's token.
  EXPECT_EQ(append(parent, {100}), (Values{2 * 121}));
  EXPECT_EQ(freePages(), 1);
  EXPECT_EQ(mla_sequence_free(cache, parent), MLA_OK);
  EXPECT_EQ(freePages(), 2);
  EXPECT_EQ(append(child, {1}), (Values{2 * 32}));
}

TEST_F(CacheTest, ForkAtAPageBoundaryCopiesNothing) {
  open(3);
  mla_sequence parent = newSequence(), child = 0;
  append(parent, {1, 2, 3, 4});
  ASSERT_EQ(mla_sequence_fork(cache, parent, &child), MLA_OK);
  EXPECT_EQ(append(child, {1}), (Values{22}));
  EXPECT_EQ(append(parent, {2}), (Values{24}));
  EXPECT_EQ(freePages(), 0);
  EXPECT_EQ(pages(child)[0], pages(parent)[0]);
}

TEST_F(CacheTest, SharersInOneBatchNeedOneCopyLess) {
  open(3);
  mla_sequence a = newSequence(), b = 0, c = 0;
  append(a, {1, 2});
  ASSERT_EQ(mla_sequence_fork(cache, a, &b), MLA_OK);
  ASSERT_EQ(mla_sequence_fork(cache, b, &c), MLA_OK);
  EXPECT_EQ(freePages(), 2); // two copies, and the third sharer stays where it is
  mla_batch *batch = begin({c, a, b}, {1, 1, 1});
  EXPECT_EQ(freePages(), 0);
  EXPECT_EQ(std::set<int32_t>({pages(a)[0], pages(b)[0], pages(c)[0]}).size(), 3u);
  Values hidden = {10, 0, 0, 20, 0, 0, 30, 0, 0}, out(9);
  ASSERT_EQ(mla_run_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden.data(), out.data()), MLA_OK);
  EXPECT_EQ(out, (Values{26, 26, 26, 46, 46, 46, 66, 66, 66}));
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
}

TEST_F(CacheTest, TruncateDropsPagesAndNeverHarmsSharers) {
  open(6);
  mla_sequence parent = newSequence(), child = 0;
  append(parent, {1, 2, 3, 4, 5, 6, 7, 8});
  ASSERT_EQ(mla_sequence_fork(cache, parent, &child), MLA_OK);
  ASSERT_EQ(mla_sequence_truncate(cache, child, 6), MLA_OK);
  EXPECT_EQ(length(child), 6);
  EXPECT_EQ(append(child, {100}), (Values{2 * 121})); // the full page it shares was copied
  EXPECT_EQ(append(parent, {9}), (Values{2 * 45}));
  ASSERT_EQ(mla_sequence_truncate(cache, child, 0), MLA_OK);
  EXPECT_TRUE(pages(child).empty());
  EXPECT_EQ(freePages(), 3);
  EXPECT_EQ(mla_sequence_truncate(cache, child, 1), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("truncation only shortens");
  EXPECT_EQ(mla_sequence_truncate(cache, parent, -1), MLA_INVALID_ARGUMENT);
}

TEST_F(CacheTest, OutOfPagesChangesNothing) {
  open(3);
  mla_sequence a = newSequence(), b = 0, c = newSequence();
  append(a, {1, 2});
  ASSERT_EQ(mla_sequence_fork(cache, a, &b), MLA_OK);
  std::vector<int32_t> before = pages(a);
  mla_batch *batch = nullptr;
  mla_sequence both[] = {a, c};
  int32_t tokens[] = {1, 8}; // a copy, and two pages
  EXPECT_EQ(mla_batch_begin(cache, both, tokens, 2, &batch), MLA_OUT_OF_PAGES);
  EXPECT_MESSAGE("needs 3 pages, 2 of 3 are free");
  EXPECT_EQ(batch, nullptr);
  EXPECT_EQ(freePages(), 2);
  EXPECT_EQ(pages(a), before);
  EXPECT_TRUE(pages(c).empty());
  tokens[1] = 4;
  EXPECT_EQ(mla_batch_begin(cache, both, tokens, 2, &batch), MLA_OK);
  EXPECT_EQ(freePages(), 0);
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

TEST_F(CacheTest, AbortRollsBack) {
  open(4);
  mla_sequence s = newSequence();
  append(s, {1, 2, 3});
  mla_batch *batch = begin({s}, {6});
  EXPECT_EQ(mla_batch_tokens(batch), 6);
  EXPECT_EQ(mla_batch_max_length(batch), 9);
  EXPECT_EQ(freePages(), 1);
  EXPECT_EQ(length(s), 3);
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
  EXPECT_EQ(length(s), 3);
  EXPECT_EQ(freePages(), 3);
  EXPECT_EQ(append(s, {4}), (Values{20}));
}

TEST_F(CacheTest, SeveralBatchesMayBeOpen) {
  open(4);
  mla_sequence a = newSequence(), b = newSequence();
  mla_batch *first = begin({a}, {1}), *second = begin({b}, {2});
  EXPECT_NE(first, second);
  std::vector<std::thread> threads;
  for (mla_batch *batch : {first, second})
    threads.emplace_back([this, batch] {
      for (int i = 0; i < 100; ++i) {
        Values hidden(3 * mla_batch_tokens(batch), 1), out(hidden.size());
        EXPECT_EQ(mla_run_layer(bundle, 3, batch, MLA_PHASE_AUTO, hidden.data(), out.data()), MLA_OK);
        EXPECT_EQ(out[0], 2);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(mla_cache_destroy(cache), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("2 batches are open");
  EXPECT_EQ(mla_batch_commit(second), MLA_OK);
  EXPECT_EQ(mla_batch_commit(first), MLA_OK);
  EXPECT_EQ(mla_batch_commit(first), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("the batch has ended");
  EXPECT_EQ(length(a), 1);
  EXPECT_EQ(length(b), 2);
}

TEST_F(CacheTest, RefusesStaleBatches) {
  open(8);
  mla_sequence a = newSequence(), b = newSequence();
  mla_batch *stale = begin({a}, {1});
  EXPECT_EQ(mla_batch_commit(stale), MLA_OK);
  // The runtime reuses ended batches: an old handle must not refer to the current step.
  mla_batch *open = begin({b}, {2});
  EXPECT_NE(stale, open);
  EXPECT_EQ(mla_batch_commit(stale), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("mla_batch_commit: the batch has ended");
  EXPECT_EQ(mla_batch_abort(stale), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_batch_set_stream(stale, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_batch_tokens(stale), 0);
  EXPECT_EQ(mla_batch_max_length(stale), 0);
  Values hidden(6), out(6);
  int64_t entry = 0;
  EXPECT_EQ(mla_run_layer(bundle, 3, stale, MLA_PHASE_AUTO, hidden.data(), out.data()), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("mla_run_layer: the batch has ended");
  EXPECT_EQ(mla_select_entry(bundle, stale, MLA_PHASE_AUTO, &entry), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_batch_tokens(open), 2);
  EXPECT_EQ(length(b), 0);
  EXPECT_EQ(mla_batch_commit(open), MLA_OK);
  EXPECT_EQ(length(b), 2);
  // Nor is a handle an address, which would be invalid after its cache.
  EXPECT_EQ(mla_cache_destroy(std::exchange(cache, nullptr)), MLA_OK);
  EXPECT_EQ(mla_batch_commit(open), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_batch_tokens(open), 0);
  float foreign = 0;
  EXPECT_EQ(mla_batch_commit(reinterpret_cast<mla_batch *>(&foreign)), MLA_INVALID_ARGUMENT);
}

TEST_F(CacheTest, ManyThreadsEndABatchOnce) {
  open(8);
  mla_sequence s = newSequence();
  mla_batch *batch = begin({s}, {3});
  std::vector<std::thread> threads;
  std::atomic<int> ended{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] { ended += (i % 2 ? mla_batch_commit(batch) : mla_batch_abort(batch)) == MLA_OK; });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(mla_cache_destroy(std::exchange(cache, nullptr)), MLA_OK) << mla_last_error();
}

TEST_F(CacheTest, RefusesWrongBatches) {
  open(4);
  mla_sequence a = newSequence(), b = newSequence();
  auto tryBegin = [&](std::vector<mla_sequence> sequences, std::vector<int32_t> tokens) {
    mla_batch *batch = nullptr;
    return mla_batch_begin(cache, sequences.data(), tokens.data(), static_cast<int64_t>(sequences.size()), &batch);
  };
  EXPECT_EQ(tryBegin({}, {}), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(tryBegin({a}, {0}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("gets 0 tokens");
  EXPECT_EQ(tryBegin({a}, {-3}), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(tryBegin({a, b, a}, {1, 1, 1}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("is twice in the batch");
  EXPECT_EQ(tryBegin({a, 77}, {1, 1}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("no sequence 77");
  EXPECT_EQ(tryBegin({a, b}, {INT32_MAX, 1}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("2^31");
  EXPECT_EQ(tryBegin({a}, {INT32_MAX}), MLA_OUT_OF_PAGES);
  mla_batch *batch = begin({a}, {1});
  EXPECT_EQ(tryBegin({b, a}, {1, 1}), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("is in an open batch");
  mla_sequence copy = 0;
  EXPECT_EQ(mla_sequence_free(cache, a), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_fork(cache, a, &copy), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_truncate(cache, a, 0), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
  EXPECT_EQ(freePages(), 4);
}

TEST_F(CacheTest, RefusesStaleSequencesAndNull) {
  open(4);
  mla_sequence s = newSequence();
  ASSERT_EQ(mla_sequence_free(cache, s), MLA_OK);
  EXPECT_EQ(mla_sequence_free(cache, s), MLA_INVALID_ARGUMENT);
  EXPECT_NE(newSequence(), s);
  int64_t number = 0;
  EXPECT_EQ(mla_sequence_length(cache, s, &number), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_pages(cache, s, nullptr, 0, &number), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_length(cache, s, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_create(nullptr, &s), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_create(cache, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_cache_shuffle(nullptr, 0), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_cache_destroy(nullptr), MLA_OK);
  EXPECT_EQ(mla_batch_commit(nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_batch_abort(nullptr), MLA_OK);
  EXPECT_EQ(mla_batch_tokens(nullptr), 0);
  void *data = nullptr;
  int64_t dims[3];
  mla_dtype dtype;
  EXPECT_EQ(mla_cache_pages(cache, 4, &data, dims, &dtype), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("no layer 4");
}

TEST_F(CacheTest, RefusesSequencesOfAnotherCache) {
  open(4);
  mla_cache *other = nullptr;
  ASSERT_EQ(mla_cache_create(bundle, 4, &other), MLA_OK) << mla_last_error();
  // Equal numbers in each, so that numbers per cache would collide.
  mla_sequence own = newSequence(), foreign = 0, copy = 0;
  ASSERT_EQ(mla_sequence_create(other, &foreign), MLA_OK);
  append(own, {1, 2});
  int64_t number = 0;
  int32_t tokens = 1;
  mla_batch *batch = nullptr;
  EXPECT_EQ(mla_batch_begin(cache, &foreign, &tokens, 1, &batch), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("the cache has no sequence " + std::to_string(foreign));
  EXPECT_EQ(mla_sequence_length(cache, foreign, &number), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_pages(cache, foreign, nullptr, 0, &number), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_fork(cache, foreign, &copy), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_truncate(cache, foreign, 0), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_free(cache, foreign), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_sequence_free(other, own), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(length(own), 2);
  EXPECT_EQ(mla_cache_destroy(other), MLA_OK);
}

TEST_F(CacheTest, RefusesAbsurdSizes) {
  open(1);
  mla_cache *other = nullptr;
  EXPECT_EQ(mla_cache_create(bundle, 0, &other), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_cache_create(bundle, -1, &other), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_cache_create(bundle, int64_t(1) << 31, &other), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_cache_create(nullptr, 1, &other), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(other, nullptr);
}

TEST_F(CacheTest, TooLargeForTheMachineIsAStatus) {
  // 2^31 pages of 65536 tokens of 4 floats in two layers: 2^52 bytes.
  open(1, replaced(smallManifest(), "\"page\": 4", "\"page\": 65536"));
  mla_cache *other = nullptr;
  EXPECT_EQ(mla_cache_create(bundle, INT32_MAX, &other), MLA_OUT_OF_MEMORY);
  EXPECT_MESSAGE("ask for fewer pages");
}
