//===- ThreadTeamTest.cpp - Parallel loops --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "mla/abi.h"

#include <atomic>
#include <chrono>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

template <typename Body> static void parallelFor(int64_t count, Body body) {
  mla_parallel_for([](void *context, int64_t i) { (*static_cast<Body *>(context))(i); }, &body, count);
}

TEST(ParallelFor, RunsEveryIndexOnce) {
  for (int64_t count : {0, 1, 2, 3, 4, 5, 63, 64, 1000, 100003}) {
    std::vector<std::atomic<int>> runs(count);
    parallelFor(count, [&](int64_t i) { ++runs[i]; });
    for (int64_t i = 0; i < count; ++i)
      ASSERT_EQ(runs[i], 1) << i << " of " << count;
  }
  parallelFor(-5, [](int64_t) { FAIL() << "a negative count runs nothing"; });
}

TEST(ParallelFor, ThreadsHaveNumbersOfTheirOwn) {
  std::vector<std::atomic<int>> inside(mla_num_threads());
  std::atomic<int> wrong{0};
  auto enter = [&](int64_t) {
    int64_t thread = mla_thread();
    if (thread < 0 || thread >= mla_num_threads()) {
      ++wrong;
      return;
    }
    wrong += ++inside[thread] != 1;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    --inside[thread];
  };
  for (int i = 0; i < 20; ++i)
    parallelFor(200, enter);
  // The loop of another caller is separate.
  std::thread([&] { parallelFor(200, enter); }).join();
  EXPECT_EQ(wrong, 0);
}

TEST(ParallelFor, ManyShortLoopsInARow) {
  int64_t sum = 0, parts[8] = {};
  for (int loop = 0; loop < 20000; ++loop) {
    parallelFor(8, [&](int64_t i) { parts[i] += i; });
    // Plain reads: the end of the loop must make the workers' writes visible.
    sum = 0;
    for (int64_t part : parts)
      sum += part;
    ASSERT_EQ(sum, (loop + 1) * 28);
  }
}

TEST(ParallelFor, WakesSleepingWorkers) {
  ASSERT_EQ(mla_num_threads(), 4);
  for (int loop = 0; loop < 20; ++loop) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> arrived{0};
    // Completes only if four threads are in the loop at the same time.
    parallelFor(4, [&](int64_t) {
      ++arrived;
      while (arrived < 4)
        std::this_thread::yield();
    });
    EXPECT_EQ(arrived, 4);
  }
}

TEST(ParallelFor, CallerSleepsUntilSlowWorkersEnd) {
  std::atomic<int> done{0};
  parallelFor(4, [&](int64_t i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5 * i));
    ++done;
  });
  EXPECT_EQ(done, 4);
}

TEST(ParallelFor, NestedLoopsRunInTheirThread) {
  std::atomic<int> count{0}, elsewhere{0};
  parallelFor(16, [&](int64_t) {
    std::thread::id outer = std::this_thread::get_id();
    parallelFor(16, [&](int64_t) {
      elsewhere += std::this_thread::get_id() != outer;
      ++count;
    });
  });
  EXPECT_EQ(count, 256);
  EXPECT_EQ(elsewhere, 0);
}

TEST(ParallelFor, CallersDoNotDisturbEachOther) {
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([] {
      for (int loop = 0; loop < 2000; ++loop) {
        std::vector<int> runs(50);
        parallelFor(50, [&](int64_t i) { ++runs[i]; });
        for (int run : runs)
          ASSERT_EQ(run, 1);
      }
    });
  for (std::thread &caller : callers)
    caller.join();
}

#if !defined(__SANITIZE_THREAD__) // which forbids threads after a fork of a process that has some
TEST(ParallelFor, WorksInAForkedChild) {
  parallelFor(100, [](int64_t) {});
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::atomic<int> count{0};
    parallelFor(4, [&](int64_t) {
      ++count;
      while (count < 4)
        std::this_thread::yield();
    });
    _exit(count == 4 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  parallelFor(100, [](int64_t) {});
}
#endif
