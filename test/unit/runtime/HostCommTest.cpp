//===- HostCommTest.cpp - Collectives of ranks on a CPU -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostComm.h"
#include "SumOfRanks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>
#include <thread>

using namespace mla;

namespace {
using Comms = std::vector<std::unique_ptr<HostComm>>;

Comms makeComms(int64_t ranks, double timeout = 60) {
  Result<std::shared_ptr<SharedRegion>> region = SharedRegion::forThreads("a test", ranks);
  EXPECT_TRUE(region);
  Comms comms;
  for (int64_t rank = 0; rank < ranks; ++rank)
    comms.push_back(std::make_unique<HostComm>(*region, rank, timeout));
  return comms;
}

/// Runs body(comm) of each rank on a thread of its own.
template <typename Body> void onAll(Comms &comms, Body body) {
  std::vector<std::thread> threads;
  for (std::unique_ptr<HostComm> &comm : comms)
    if (comm)
      threads.emplace_back([&] { body(*comm); });
  for (std::thread &thread : threads)
    thread.join();
}

/// Numbers whose sum depends on the order.
std::vector<float> numbersOf(int64_t rank, int64_t count) {
  std::mt19937 random(static_cast<unsigned>(7 + rank));
  std::uniform_real_distribution<float> exponents(-12, 12);
  std::vector<float> numbers(count);
  for (float &number : numbers)
    number = std::exp2(exponents(random)) * (random() % 2 ? 1.0f : -1.0f);
  return numbers;
}

std::vector<uint16_t> narrowed(const std::vector<float> &numbers) {
  std::vector<uint16_t> result;
  for (float number : numbers)
    result.push_back(roundToBF16(number));
  return result;
}

/// The sum in the order of ranks, as a plain loop computes it.
std::vector<float> sumOf(int64_t first, int64_t ranks, int64_t count, bool narrow) {
  std::vector<float> sum = numbersOf(first, count);
  for (float &number : sum)
    number = narrow ? widenBF16(roundToBF16(number)) : number;
  for (int64_t rank = first + 1; rank < first + ranks; ++rank) {
    std::vector<float> more = numbersOf(rank, count);
    for (int64_t i = 0; i < count; ++i)
      sum[i] += narrow ? widenBF16(roundToBF16(more[i])) : more[i];
  }
  return sum;
}

std::string failureOf(const HostComm &comm) { return comm.failure("test").message(); }

class HostComms : public ::testing::TestWithParam<int64_t> {};
} // namespace

INSTANTIATE_TEST_SUITE_P(Ranks, HostComms, ::testing::Values(1, 2, 3, 4, 8));

// 65536 f32 fill a buffer.
static const int64_t sizes[] = {0, 1, 2, 7, 1000, 65535, 65536, 65537, 200003};

TEST_P(HostComms, SumInTheOrderOfRanks) {
  Comms comms = makeComms(GetParam());
  for (int64_t count : sizes) {
    std::vector<float> expected = sumOf(0, GetParam(), count, false);
    onAll(comms, [&](HostComm &comm) {
      std::vector<float> data = numbersOf(comm.rank(), count);
      comm.allReduce(GetParam(), data.data(), count, SumF32);
      EXPECT_EQ(data, expected) << count;
    });
  }
  EXPECT_EQ(failureOf(*comms[0]), "");
}

TEST_P(HostComms, SumNarrowNumbersInF32AndRoundOnce) {
  Comms comms = makeComms(GetParam());
  for (int64_t count : sizes) {
    std::vector<uint16_t> expected = narrowed(sumOf(0, GetParam(), count, true));
    onAll(comms, [&](HostComm &comm) {
      std::vector<uint16_t> data = narrowed(numbersOf(comm.rank(), count));
      comm.allReduce(GetParam(), data.data(), count, SumBF16);
      EXPECT_EQ(data, expected) << count;
    });
  }
}

static char byteOf(int64_t from, int64_t to, int64_t i) { return static_cast<char>(from * 37 + to * 11 + i * 5); }

TEST_P(HostComms, GatherBlocksByRank) {
  int64_t ranks = GetParam();
  Comms comms = makeComms(ranks);
  for (int64_t bytes : sizes)
    onAll(comms, [&](HostComm &comm) {
      std::vector<char> in(bytes), out(bytes * ranks, 1), expected(bytes * ranks);
      for (int64_t i = 0; i < bytes; ++i)
        in[i] = byteOf(comm.rank(), 0, i);
      for (int64_t i = 0; i < bytes * ranks; ++i)
        expected[i] = byteOf(i / bytes, 0, i % bytes);
      comm.allGather(ranks, in.data(), out.data(), bytes);
      EXPECT_EQ(out, expected) << bytes;
      // In place.
      std::fill(out.begin(), out.end(), 1);
      std::copy(in.begin(), in.end(), out.begin() + comm.rank() * bytes);
      comm.allGather(ranks, out.data() + comm.rank() * bytes, out.data(), bytes);
      EXPECT_EQ(out, expected) << bytes;
    });
}

TEST_P(HostComms, ExchangeBlocks) {
  int64_t ranks = GetParam();
  Comms comms = makeComms(ranks);
  for (int64_t bytes : sizes)
    onAll(comms, [&](HostComm &comm) {
      std::vector<char> in(bytes * ranks), out(bytes * ranks, 1), expected(bytes * ranks);
      for (int64_t i = 0; i < bytes * ranks; ++i) {
        in[i] = byteOf(comm.rank(), i / bytes, i % bytes);
        expected[i] = byteOf(i / bytes, comm.rank(), i % bytes);
      }
      comm.allToAll(ranks, in.data(), out.data(), bytes);
      EXPECT_EQ(out, expected) << bytes;
    });
}

/// Groups take turns with each other and with all, and a rank is often late: data in a buffer must stay until the last
/// of its readers.
TEST(HostComm, GroupsOfRanksTakeTurns) {
  constexpr int64_t ranks = 8, count = 300;
  Comms comms = makeComms(ranks);
  onAll(comms, [&](HostComm &comm) {
    std::mt19937 shared(5), own(static_cast<unsigned>(comm.rank()));
    for (int step = 0; step < 2000; ++step) {
      int64_t group = int64_t(1) << shared() % 4, first = comm.rank() / group * group;
      if (own() % 64 == 0)
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      std::vector<float> data(count, static_cast<float>(comm.rank() + step));
      comm.allReduce(group, data.data(), count, SumF32);
      float expected = 0;
      for (int64_t rank = first; rank < first + group; ++rank)
        expected += static_cast<float>(rank + step);
      ASSERT_EQ(data, std::vector<float>(count, expected)) << step;
      std::vector<int64_t> in(group, comm.rank() * 1000 + step), out(group);
      comm.allToAll(group, in.data(), out.data(), sizeof(int64_t));
      for (int64_t i = 0; i < group; ++i)
        ASSERT_EQ(out[i], (first + i) * 1000 + step);
    }
  });
  EXPECT_EQ(failureOf(*comms[0]), "");
}

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

static void sumOne(HostComm &comm) {
  float one = 1;
  comm.allReduce(comm.ranks(), &one, 1, SumF32);
}

static void expectAll(const Comms &comms, const std::string &text) {
  for (const std::unique_ptr<HostComm> &comm : comms)
    if (comm)
      EXPECT_NE(failureOf(*comm).find(text), std::string::npos) << failureOf(*comm);
}

TEST(HostCommFailures, MissingRank) {
  Comms comms = makeComms(3, 0.2);
  onAll(comms, [](HostComm &comm) {
    if (comm.rank() != 1)
      sumOne(comm);
  });
  expectAll(comms, "rank 1 of 3 did not come to mla_all_reduce within 0.2 seconds; see what that rank reports");
  sumOne(*comms[1]); // returns at once
}

TEST(HostCommFailures, RankThatLeaves) {
  Comms comms = makeComms(4);
  onAll(comms, sumOne);
  comms[2] = nullptr;
  onAll(comms, sumOne);
  expectAll(comms, "rank 2 of 4 has left: its communicator was destroyed");
}

/// Who needs nothing more may leave before others have read its last data.
TEST(HostCommFailures, LeavingAfterTheLastCollectiveIsNone) {
  for (int i = 0; i < 200; ++i) {
    Comms comms = makeComms(3);
    std::vector<std::thread> threads;
    for (std::unique_ptr<HostComm> &comm : comms)
      threads.emplace_back([&comm] {
        float one = 1;
        comm->allReduce(3, &one, 1, SumF32);
        EXPECT_EQ(one, 3);
        EXPECT_EQ(failureOf(*comm), "");
        comm = nullptr;
      });
    for (std::thread &thread : threads)
      thread.join();
  }
}

TEST(HostCommFailures, RankThatFails) {
  Comms comms = makeComms(3);
  onAll(comms, [](HostComm &comm) { comm.rank() == 2 ? comm.failAs("failed: no memory") : sumOne(comm); });
  expectAll(comms, "test: rank 2 of 3 failed: no memory; ");
}

TEST(HostCommFailures, AbortEndsWaiting) {
  Comms comms = makeComms(2);
  auto start = std::chrono::steady_clock::now();
  std::thread waiting([&] { sumOne(*comms[0]); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  comms[0]->failAs("called mla_comm_abort");
  waiting.join();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  expectAll(comms, "rank 0 of 2 called mla_comm_abort");
}

TEST(HostCommFailures, OfWhichTheFirstIsTold) {
  Comms comms = makeComms(2);
  comms[1]->failAs("failed first");
  comms[0]->failAs("failed second");
  expectAll(comms, "rank 1 of 2 failed first");
}

TEST(HostCommFailures, DifferentCollectives) {
  Comms comms = makeComms(2);
  onAll(comms, [](HostComm &comm) {
    float data[4] = {};
    comm.rank() ? comm.allReduce(2, data, 2, SumF32) : comm.allGather(2, data, data, 8);
  });
  expectAll(comms, "mla_all_gather of 8 bytes among 2 ranks");
  expectAll(comms, "mla_all_reduce of 2 elements of type 0 among 2 ranks");
}

TEST(HostCommFailures, GroupThatDoesNotDivideAll) {
  for (int64_t group : {3, 0, -2, 8}) {
    Comms comms = makeComms(4);
    float data = 0;
    comms[1]->allReduce(group, &data, 1, SumF32);
    expectAll(comms, "rank 1 of 4 called mla_all_reduce of 1 elements of type 0 among " + std::to_string(group) +
                         " ranks, which is no part of 4");
  }
}

TEST(HostCommFailures, ElementWithoutASum) {
  Comms comms = makeComms(2);
  float data = 0;
  comms[0]->allReduce(2, &data, 1, 7);
  expectAll(comms, "elements of type 7, which has no sum");
}

TEST(HostCommFailures, NegativeSize) {
  Comms comms = makeComms(2);
  float data = 0;
  comms[0]->allGather(2, &data, &data, -1);
  expectAll(comms, "mla_all_gather of -1 bytes");
}
