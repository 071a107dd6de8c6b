//===- ForkTest.cpp - Children of a process with threads ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include <atomic>
#include <functional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#if !defined(__SANITIZE_THREAD__) // which forbids threads after a fork of a process that has some

namespace {
/// Other threads call the library while this one forks.
class ForkTest : public RuntimeTest {
protected:
  void SetUp() override { open(8); }
  void whileForking(const std::function<void()> &call);

private:
  /// Ends the child.
  [[noreturn]] void stepAndOpen();
};
} // namespace

void ForkTest::stepAndOpen() {
  alarm(20); // what is locked for good
  std::vector<float> results = append(newSequence(), {1, 2, 3});
  bool right = results.size() == 3 && openStatus(directory.path) == MLA_OK;
  _exit(right ? 0 : 1);
}

void ForkTest::whileForking(const std::function<void()> &call) {
  std::atomic<bool> ended{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i)
    others.emplace_back([&] {
      while (!ended)
        call();
    });
  int status = 0;
  for (int i = 0; i < 60 && status == 0; ++i) {
    pid_t child = fork();
    if (child == 0)
      stepAndOpen();
    if (child < 0 || waitpid(child, &status, 0) != child)
      status = -1;
  }
  ended = true;
  for (std::thread &other : others)
    other.join();
  EXPECT_EQ(status, 0);
}

TEST_F(ForkTest, WhileOthersLookAtBatches) {
  mla_batch *batch = begin({newSequence()}, {1});
  whileForking([&] { EXPECT_EQ(mla_batch_tokens(batch), 1); });
  EXPECT_EQ(mla_batch_abort(batch), MLA_OK);
}

#endif
