//===- RanksTest.cpp - Bundles of several ranks ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "mla/abi.h"

#include <atomic>
#include <filesystem>
#include <thread>

namespace {
struct Rank {
  mla_comm *comm = nullptr;
  mla_bundle *bundle = nullptr;
  mla_cache *cache = nullptr;
};

/// Communicators and bundles of ranks that are threads.
class Ranks : public ::testing::Test {
protected:
  TempDir directory;
  std::vector<Rank> ranks;

  ~Ranks() override {
    for (Rank &rank : ranks) {
      EXPECT_EQ(mla_cache_destroy(rank.cache), MLA_OK) << mla_last_error();
      mla_bundle_close(rank.bundle);
      EXPECT_EQ(mla_comm_destroy(rank.comm), MLA_OK) << mla_last_error();
    }
  }
  std::string pathOf(int64_t rank) const { return directory / ("rank" + std::to_string(rank)); }
  void write(int64_t rank, const std::string &manifest) {
    std::filesystem::create_directory(pathOf(rank));
    writeBundle(pathOf(rank), manifest);
  }
  void makeComms(int64_t count, double timeout = 0) {
    mla_comm_options options = {sizeof(options), timeout};
    std::vector<mla_comm *> comms(count);
    ASSERT_EQ(mla_comm_create_local(count, &options, comms.data()), MLA_OK) << mla_last_error();
    for (mla_comm *comm : comms)
      ranks.push_back({comm});
  }
  mla_status openRank(int64_t rank, mla_comm *comm) {
    mla_open_options options = {};
    options.size = sizeof(options);
    options.comm = comm;
    return mla_bundle_open_with(pathOf(rank).c_str(), &options, &ranks[rank].bundle);
  }
  void open(int64_t pages = 64) {
    for (size_t rank = 0; rank < ranks.size(); ++rank) {
      ASSERT_EQ(openRank(rank, ranks[rank].comm), MLA_OK) << mla_last_error();
      ASSERT_EQ(mla_cache_create(ranks[rank].bundle, pages, &ranks[rank].cache), MLA_OK) << mla_last_error();
    }
  }
  template <typename Body> void onAll(Body body) {
    std::vector<std::thread> threads;
    for (size_t rank = 0; rank < ranks.size(); ++rank)
      threads.emplace_back([&, rank] { body(static_cast<int64_t>(rank), ranks[rank]); });
    for (std::thread &thread : threads)
      thread.join();
  }
};

/// Appends a token for each of `values` to a sequence; returns the first element of each result.
std::vector<float> append(const Rank &rank, mla_sequence sequence, const std::vector<float> &values,
                          mla_status *status = nullptr, int64_t layer = 3) {
  std::vector<float> hidden, out(values.size() * 3), result;
  for (float value : values)
    hidden.insert(hidden.end(), {value, value, value});
  auto count = static_cast<int32_t>(values.size());
  mla_batch *batch = nullptr;
  EXPECT_EQ(mla_batch_begin(rank.cache, &sequence, &count, 1, &batch), MLA_OK) << mla_last_error();
  mla_status ran = mla_run_layer(rank.bundle, layer, batch, MLA_PHASE_AUTO, hidden.data(), out.data());
  EXPECT_TRUE(status || ran == MLA_OK) << mla_last_error();
  if (status)
    *status = ran;
  EXPECT_EQ(mla_batch_commit(batch), MLA_OK);
  for (size_t i = 0; i < values.size(); ++i)
    result.push_back(out[3 * i]);
  return result;
}

mla_sequence newSequence(const Rank &rank) {
  mla_sequence sequence = 0;
  EXPECT_EQ(mla_sequence_create(rank.cache, &sequence), MLA_OK);
  return sequence;
}
} // namespace

TEST_F(Ranks, EntriesSumOverTheirGroup) {
  makeComms(4);
  for (int64_t rank = 0; rank < 4; ++rank)
    write(rank, rankManifest(4, rank, "ranks_f32"));
  open();
  onAll([](int64_t number, const Rank &rank) {
    // The weight of layer 3 is 2: groups of two.
    float expected = number < 2 ? 10 + 11 : 12 + 13;
    EXPECT_EQ(append(rank, newSequence(rank), {static_cast<float>(10 + number), 1}), (std::vector<float>{expected, 2}));
  });
}

TEST_F(Ranks, DescribeThemselves) {
  write(1, rankManifest(2, 1, "ranks_f32", 2));
  mla_bundle *bundle = nullptr;
  ASSERT_EQ(mla_bundle_inspect(pathOf(1).c_str(), &bundle), MLA_OK) << mla_last_error();
  const mla_bundle_info *info = mla_bundle_get_info(bundle);
  EXPECT_EQ(info->ranks, 2);
  EXPECT_EQ(info->group_rank, 1);
  EXPECT_EQ(info->token_ranks, 2);
  EXPECT_EQ(info->first_head, 4);
  EXPECT_EQ(info->tensor_parallel, 1);
  mla_bundle_close(bundle);
  write(0, replaced(rankManifest(2, 0, "ranks_f32"), "\"heads\": 4", "\"heads\": 3, \"first_head\": 5"));
  ASSERT_EQ(mla_bundle_inspect(pathOf(0).c_str(), &bundle), MLA_OK) << mla_last_error();
  EXPECT_EQ(mla_bundle_get_info(bundle)->first_head, 5);
  mla_bundle_close(bundle);
  write(1, replaced(rankManifest(2, 1, "ranks_f32"), "\"heads\": 4", "\"heads\": 8"));
  ASSERT_EQ(mla_bundle_inspect(pathOf(1).c_str(), &bundle), MLA_OK) << "all heads on every rank: " << mla_last_error();
  EXPECT_EQ(mla_bundle_get_info(bundle)->first_head, 0);
  mla_bundle_close(bundle);
}

/// Of parts whose caller sums the results, too.
TEST_F(Ranks, HeadsNeedNotDivideEvenly) {
  std::string parts =
      replaced(smallManifest(), "\"tensor_parallel\": 1, \"rank\": 0", "\"tensor_parallel\": 3, \"rank\": RANK");
  std::filesystem::create_directory(pathOf(0));
  auto firstHead = [&](const char *rank, const char *heads) {
    mla_bundle *bundle = nullptr;
    writeBundle(pathOf(0), replaced(replaced(parts, "RANK", rank), "\"heads\": 8", heads));
    mla_status status = mla_bundle_inspect(pathOf(0).c_str(), &bundle);
    int64_t first = status == MLA_OK ? mla_bundle_get_info(bundle)->first_head : -1;
    mla_bundle_close(bundle);
    return first;
  };
  EXPECT_EQ(firstHead("0", "\"heads\": 3"), 0) << mla_last_error();
  EXPECT_EQ(firstHead("2", "\"heads\": 2, \"first_head\": 6"), 6) << mla_last_error();
  EXPECT_EQ(firstHead("2", "\"heads\": 3"), -1);
  EXPECT_MESSAGE("is 3 from head 6 on, but num_attention_heads is 8");
  EXPECT_EQ(firstHead("0", "\"heads\": 4"), -1);
  EXPECT_MESSAGE("4 times 3 is not 8");
}

TEST_F(Ranks, DivideTheThreads) {
  makeComms(3);
  for (int64_t rank = 0; rank < 3; ++rank)
    write(rank, replaced(rankManifest(3, rank, "threads_f32"), "\"heads\": 2", "\"heads\": 2, \"first_head\": 0"));
  open();
  std::vector<float> threads(3);
  onAll([&](int64_t number, const Rank &rank) { threads[number] = append(rank, newSequence(rank), {1})[0]; });
  EXPECT_EQ(threads, (std::vector<float>{1, 1, 2})) << "of 4";
  EXPECT_EQ(mla_num_threads(), 4);
  EXPECT_EQ(mla_comm_ranks(ranks[2].comm), 3);
  EXPECT_EQ(mla_comm_rank(ranks[2].comm), 2);
}

//===----------------------------------------------------------------------===//
// Shared tokens
//===----------------------------------------------------------------------===//

namespace {
class SharedTokens : public Ranks {
protected:
  void SetUp() override {
    makeComms(2);
    for (int64_t rank = 0; rank < 2; ++rank)
      write(rank, rankManifest(2, rank, rank ? "shared1_f32" : "shared0_f32", 2));
    open(4);
  }
};
} // namespace

/// The results that a cache on one rank gives: twice the sums.
static std::vector<float> twiceSums(std::vector<float> values, float before = 0) {
  for (float &value : values)
    value = 2 * (before += value);
  return values;
}

TEST_F(SharedTokens, GiveWhatOneRankGives) {
  onAll([](int64_t, const Rank &rank) {
    mla_sequence sequence = newSequence(rank), other = newSequence(rank);
    std::vector<float> values = {1, 2, 3, 4, 5, 6, 7};
    EXPECT_EQ(append(rank, sequence, values), twiceSums(values));
    EXPECT_EQ(append(rank, other, {50}), twiceSums({50}));
    EXPECT_EQ(append(rank, sequence, {8, 9, 10}), twiceSums({8, 9, 10}, 28));
  });
}

TEST_F(SharedTokens, TakeHalfThePages) {
  onAll([](int64_t number, const Rank &rank) {
    mla_sequence sequence = newSequence(rank);
    append(rank, sequence,
           std::vector<float>(17, 1)); // 5 pages of 4 tokens: 3 of each rank, the last not reached by rank 1
    EXPECT_EQ(mla_cache_free_pages(rank.cache), 1);
    int32_t pages[6];
    int64_t count = 0;
    ASSERT_EQ(mla_sequence_pages(rank.cache, sequence, pages, 6, &count), MLA_OK);
    EXPECT_EQ(count, 6);
    for (int64_t i = 0; i < 6; ++i)
      EXPECT_EQ(pages[i], i % 2 == number ? i / 2 : -1);
    int32_t more = 17;
    mla_batch *batch = nullptr;
    EXPECT_EQ(mla_batch_begin(rank.cache, &sequence, &more, 1, &batch), MLA_OUT_OF_PAGES) << "on all ranks";
    append(rank, sequence, std::vector<float>(15, 1)); // 32 tokens in 4 pages of 4
    EXPECT_EQ(mla_cache_free_pages(rank.cache), 0);
    EXPECT_EQ(mla_sequence_truncate(rank.cache, sequence, 9), MLA_OK);
    EXPECT_EQ(mla_cache_free_pages(rank.cache), 2);
  });
}

/// A fork copies what this rank has of the last span: nothing, some rows, or a whole page.
TEST_F(SharedTokens, ForksCopyTheirOwnRows) {
  onAll([](int64_t, const Rank &rank) {
    for (int tokens : {2, 4, 6, 8}) {
      mla_sequence sequence = newSequence(rank), copy = 0;
      std::vector<float> values(tokens, 3);
      append(rank, sequence, values);
      ASSERT_EQ(mla_sequence_fork(rank.cache, sequence, &copy), MLA_OK);
      float before = static_cast<float>(3 * tokens);
      EXPECT_EQ(append(rank, sequence, {5}), twiceSums({5}, before)) << tokens;
      EXPECT_EQ(append(rank, copy, {7, 7}), twiceSums({7, 7}, before)) << tokens;
      EXPECT_EQ(append(rank, sequence, {1}), twiceSums({1}, before + 5)) << tokens;
      EXPECT_EQ(mla_sequence_free(rank.cache, sequence), MLA_OK);
      EXPECT_EQ(mla_sequence_free(rank.cache, copy), MLA_OK);
    }
  });
}

TEST_F(SharedTokens, CachesOfOtherRanksAreRejected) {
  mla_sequence sequence = newSequence(ranks[0]);
  int32_t one = 1;
  float hidden[3] = {}, out[3];
  mla_batch *batch = nullptr;
  ASSERT_EQ(mla_batch_begin(ranks[0].cache, &sequence, &one, 1, &batch), MLA_OK);
  EXPECT_EQ(mla_run_layer(ranks[1].bundle, 3, batch, MLA_PHASE_AUTO, hidden, out), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("the batch's cache has the pages of rank 0");
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

/// Entries of other ranks may hold anything; own ones must be pages.
TEST_F(SharedTokens, StepChecksSkipForeignEntries) {
  int32_t bounds[] = {0, 1}, lengths[] = {12}, table[] = {1, -7, 2};
  auto step = ofSizes<mla_step>(1, 1, 1, 12);
  step.layer = 3;
  step.num_pages = 4;
  step.table_width = 3;
  step.cu_seqlens = bounds;
  step.lengths = lengths;
  step.block_table = table;
  EXPECT_EQ(mla_step_check(ranks[0].bundle, &step), MLA_OK) << mla_last_error();
  EXPECT_EQ(mla_step_check(ranks[1].bundle, &step), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("block_table[0][1] is -7");
}

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

TEST_F(Ranks, RunWithTheirCommunicatorOnly) {
  makeComms(2);
  for (int64_t rank = 0; rank < 2; ++rank)
    write(rank, rankManifest(2, rank, "ranks_f32"));
  EXPECT_EQ(openRank(1, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE(pathOf(1) + ": is rank 1 of 2, which runs with a communicator only; make one (mla/comm.h)");
  EXPECT_EQ(openRank(1, ranks[0].comm), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("is rank 1 of 2, but the communicator is rank 0 of 2; open the bundle of that rank");
  std::filesystem::create_directory(pathOf(2));
  writeBundle(pathOf(2));
  ranks.push_back({});
  EXPECT_EQ(openRank(2, ranks[0].comm), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("is rank 0 of 1, but the communicator is rank 0 of 2");
}

TEST_F(Ranks, CommunicatorsInUseAreKept) {
  makeComms(2);
  write(0, rankManifest(2, 0, "ranks_f32"));
  ASSERT_EQ(openRank(0, ranks[0].comm), MLA_OK) << mla_last_error();
  EXPECT_EQ(mla_comm_destroy(ranks[0].comm), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("1 bundles use it; close them first");
}

TEST_F(Ranks, AFailureIsAStatusOnAllRanks) {
  makeComms(2);
  for (int64_t rank = 0; rank < 2; ++rank)
    write(rank, rankManifest(2, rank, rank ? "huge_f32" : "ranks_f32"));
  open();
  onAll([](int64_t number, const Rank &rank) {
    mla_status status = MLA_OK;
    append(rank, newSequence(rank), {1}, &status);
    EXPECT_EQ(status, number ? MLA_OUT_OF_MEMORY : MLA_RANK_ERROR);
    if (number == 0) {
      EXPECT_MESSAGE("rank 1 of 2 failed: ");
      EXPECT_MESSAGE("no memory");
    }
    append(rank, newSequence(rank), {1}, &status);
    EXPECT_EQ(status, MLA_RANK_ERROR) << "from now on";
  });
}

TEST_F(Ranks, AMissingRankIsAStatusWithinTheLimit) {
  makeComms(2, 0.2);
  for (int64_t rank = 0; rank < 2; ++rank)
    write(rank, rankManifest(2, rank, "ranks_f32"));
  open();
  mla_status status = MLA_OK;
  append(ranks[0], newSequence(ranks[0]), {1}, &status);
  EXPECT_EQ(status, MLA_RANK_ERROR);
  EXPECT_MESSAGE("rank 1 of 2 did not come to mla_all_reduce within 0.2 seconds");
  append(ranks[1], newSequence(ranks[1]), {1}, &status);
  EXPECT_EQ(status, MLA_RANK_ERROR);
  EXPECT_EQ(mla_comm_check(ranks[1].comm), MLA_RANK_ERROR);
}

TEST_F(Ranks, AbortEndsAStepThatWaits) {
  makeComms(2);
  for (int64_t rank = 0; rank < 2; ++rank)
    write(rank, rankManifest(2, rank, "ranks_f32"));
  open();
  mla_status status = MLA_OK;
  std::thread waiting([&] { append(ranks[0], newSequence(ranks[0]), {1}, &status); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(mla_comm_abort(ranks[1].comm), MLA_OK);
  waiting.join();
  EXPECT_EQ(status, MLA_RANK_ERROR);
}

TEST_F(Ranks, OneThreadAtATime) {
  makeComms(2);
  for (int64_t rank = 0; rank < 2; ++rank)
    write(rank, rankManifest(2, rank, "ranks_f32"));
  open();
  mla_sequence other = newSequence(ranks[0]);
  std::thread waiting([&] { append(ranks[0], newSequence(ranks[0]), {1}); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  mla_status status = MLA_OK;
  append(ranks[0], other, {1}, &status);
  EXPECT_EQ(status, MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("another thread runs a step with its communicator; run one at a time");
  append(ranks[1], newSequence(ranks[1]), {1});
  waiting.join();
}

/// Code that exchanges data in a bundle that says nothing of ranks.
TEST_F(Ranks, CodeWithoutACommunicatorIsAStatus) {
  std::filesystem::create_directory(pathOf(0));
  std::string text = smallManifest();
  writeBundle(pathOf(0), replaced(text, "\"sum_f32\", \"phase\": \"decode\"", "\"ranks_f32\", \"phase\": \"decode\""));
  ranks.push_back({});
  open();
  mla_status status = MLA_OK;
  append(ranks[0], newSequence(ranks[0]), {1}, &status);
  EXPECT_EQ(status, MLA_INVALID_FILE);
  EXPECT_MESSAGE("exchanges data with other ranks, but the manifest has no 'ranks'; compile the bundle again");
}

TEST(RankCalls, CheckTheirArguments) {
  mla_comm *comm = nullptr;
  mla_comm_options options = {sizeof(options), -1};
  EXPECT_EQ(mla_comm_create_local(0, nullptr, &comm), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("ranks is 0; give 1 to 1024");
  EXPECT_EQ(mla_comm_create_local(2, nullptr, nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_comm_create_local(1, &options, &comm), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("timeout_seconds is -1");
  options.size = 3;
  EXPECT_EQ(mla_comm_create_local(1, &options, &comm), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_comm_open_file("", 1, 0, nullptr, &comm), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_comm_open_file("file", 2, 2, nullptr, &comm), MLA_INVALID_ARGUMENT);
  EXPECT_MESSAGE("rank is 2; give 0 to 1");
  EXPECT_EQ(mla_comm_abort(nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_comm_check(nullptr), MLA_INVALID_ARGUMENT);
  EXPECT_EQ(mla_comm_destroy(nullptr), MLA_OK);
  EXPECT_EQ(mla_comm_ranks(nullptr), 0);
  EXPECT_EQ(comm, nullptr);
}

TEST(RankCalls, OpenAFile) {
  TempDir directory;
  mla_comm *comms[2] = {};
  auto path = directory / "ranks";
  std::thread other([&] { EXPECT_EQ(mla_comm_open_file(path.c_str(), 2, 1, nullptr, &comms[1]), MLA_OK); });
  EXPECT_EQ(mla_comm_open_file(path.c_str(), 2, 0, nullptr, &comms[0]), MLA_OK) << mla_last_error();
  other.join();
  EXPECT_EQ(mla_comm_rank(comms[1]), 1);
  EXPECT_EQ(mla_comm_abort(comms[1]), MLA_OK);
  EXPECT_EQ(mla_comm_check(comms[0]), MLA_RANK_ERROR);
  EXPECT_MESSAGE("rank 1 of 2 called mla_comm_abort");
  for (mla_comm *comm : comms)
    EXPECT_EQ(mla_comm_destroy(comm), MLA_OK);
}

//===----------------------------------------------------------------------===//
// Manifests
//===----------------------------------------------------------------------===//

namespace {
class BadRanks : public ::testing::TestWithParam<BadManifest> {};
} // namespace

static const BadManifest badRanks[] = {
    {"CountOfNone", "\"count\": 2", "\"count\": 0", "'ranks.count' must be 1 to 1024, is 0"},
    {"RankBeyondCount", "\"rank\": 1, \"tokens\"", "\"rank\": 2, \"tokens\"", "'ranks.rank' must be 0 to 1, is 2"},
    {"TokensThatDoNotDivide", "\"count\": 2, \"rank\": 1, \"tokens\": 1", "\"count\": 3, \"rank\": 1, \"tokens\": 2",
     "'ranks.tokens' must divide count, 3, is 2"},
    {"OldVersion", "\"version\": 5", "\"version\": 4", "'ranks.count' is of bundles from version 5 on"},
    {"PartialSums", "\"tensor_parallel\": 1", "\"tensor_parallel\": 2", "whose tensor_parallel is 1, but that is 2"},
    {"HeadsBeyondAll", "\"heads\": 4", "\"heads\": 4, \"first_head\": 5",
     "'model.heads' is 4 from head 5 on, but num_attention_heads is 8"},
    {"NoObject", "\"ranks\": {\"count\": 2, \"rank\": 1, \"tokens\": 1}", "\"ranks\": 2",
     "'ranks' must be an object, is an integer"},
};

INSTANTIATE_TEST_SUITE_P(Manifests, BadRanks, ::testing::ValuesIn(badRanks), byName);

TEST_P(BadRanks, IsRejected) {
  TempDir directory;
  std::string text = replaced(smallManifest(), "\"version\": 3", "\"version\": 5");
  text = replaced(text, "\"plan\":", "\"ranks\": {\"count\": 2, \"rank\": 1, \"tokens\": 1}, \"plan\":");
  text = replaced(text, "\"heads\": 8", "\"heads\": 4");
  writeBundle(directory.path, replaced(text, GetParam().from, GetParam().to));
  mla_bundle *bundle = nullptr;
  EXPECT_EQ(mla_bundle_inspect(directory.path.c_str(), &bundle), GetParam().status);
  EXPECT_MESSAGE(GetParam().says);
}
