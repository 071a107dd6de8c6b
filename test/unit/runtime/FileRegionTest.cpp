//===- FileRegionTest.cpp - Ranks of several processes --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FileRegion.h"
#include "HostComm.h"
#include "SumOfRanks.h"
#include "TestSupport.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace mla;

namespace {
class FileRegions : public ::testing::Test {
protected:
  TempDir directory;
  const std::string path = directory / "ranks";

  ~FileRegions() override {
    for (pid_t child : children)
      kill(child, SIGKILL);
  }
  /// Runs a rank in a process of its own, which exits with 0 if `body` returns "", else prints what it returns.
  pid_t start(int64_t ranks, int64_t rank, const std::function<std::string(HostComm &)> &body, double timeout = 60) {
    pid_t child = fork();
    if (child == 0)
      _exit(runRank(ranks, rank, body, timeout));
    children.push_back(child);
    return child;
  }
  int statusOf(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    children.erase(std::find(children.begin(), children.end(), child));
    return status;
  }
  /// Returns the error of this process as a rank, or "".
  std::string meet(int64_t ranks, int64_t rank, double timeout = 60) {
    Result<std::shared_ptr<SharedRegion>> region = meetInFile(path, ranks, rank, timeout);
    return region ? "" : region.error().message();
  }

private:
  std::vector<pid_t> children;

  int runRank(int64_t ranks, int64_t rank, const std::function<std::string(HostComm &)> &body, double timeout) {
    Result<std::shared_ptr<SharedRegion>> region = meetInFile(path, ranks, rank, timeout);
    std::string wrong = region ? "" : region.error().message();
    if (region) {
      HostComm comm(*region, rank, timeout);
      wrong = body(comm);
    }
    if (!wrong.empty())
      fprintf(stderr, "rank %d: %s\n", static_cast<int>(rank), wrong.c_str());
    return !wrong.empty();
  }
};
} // namespace

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

static std::string sumOnes(HostComm &comm) {
  for (int step = 0; step < 100; ++step) {
    std::vector<float> data(1000, 1);
    comm.allReduce(comm.ranks(), data.data(), 1000, SumF32);
    if (Error error = comm.failure("sum"))
      return error.message();
    if (data != std::vector<float>(1000, static_cast<float>(comm.ranks())))
      return "wrong sum";
  }
  return "";
}

TEST_F(FileRegions, RanksMeetAndSum) {
  for (int64_t ranks : {1, 2, 4}) {
    std::vector<pid_t> started;
    for (int64_t rank = ranks - 1; rank >= 0; --rank) // rank 0 last: the others wait for its file
      started.push_back(start(ranks, rank, sumOnes));
    for (pid_t child : started)
      EXPECT_EQ(statusOf(child), 0);
    EXPECT_FALSE(std::filesystem::exists(path)) << "all had come";
  }
}

TEST_F(FileRegions, ProcessThatIsKilledEndsTheOthers) {
  auto waitForever = [](HostComm &) -> std::string {
    for (;;)
      pause();
  };
  auto expectDeath = [](HostComm &comm) -> std::string {
    std::string failed = sumOnes(comm);
    return failed.find("rank 1 of 3 has left: its process has ended") != std::string::npos ? "" : "not told: " + failed;
  };
  pid_t first = start(3, 0, expectDeath), victim = start(3, 1, waitForever), last = start(3, 2, expectDeath);
  while (std::filesystem::exists(path) || !std::filesystem::is_empty(directory.path))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  kill(victim, SIGKILL);
  EXPECT_EQ(statusOf(first), 0);
  EXPECT_EQ(statusOf(last), 0);
  statusOf(victim);
}

TEST_F(FileRegions, MissingRankEndsTheOthers) {
  pid_t other = start(3, 1, sumOnes, 0.3);
  std::string wrong = meet(3, 0, 0.3);
  EXPECT_HAS(wrong, path + ": of 3 ranks these did not come within 0.3 seconds: 2; start all ranks");
  EXPECT_NE(statusOf(other), 0);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(FileRegions, WithoutRank0NobodyMeets) {
  EXPECT_HAS(meet(2, 1, 0.1), "rank 0 did not make it within 0.1 seconds");
}

TEST_F(FileRegions, RankThatIsTaken) {
  pid_t first = start(3, 0, sumOnes, 1), second = start(3, 1, sumOnes, 1);
  while (!std::filesystem::exists(path))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_HAS(meet(3, 1, 0.2), "or another is rank 1; start each of the 3 ranks once");
  EXPECT_NE(statusOf(first), 0); // rank 2 is missing
  EXPECT_NE(statusOf(second), 0);
}

TEST_F(FileRegions, OtherNumberOfRanks) {
  pid_t first = start(3, 0, sumOnes, 1);
  while (!std::filesystem::exists(path))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_HAS(meet(2, 1, 1), path + ": is of 3 ranks, but this is rank 1 of 2; start all with the same number");
  EXPECT_NE(statusOf(first), 0);
}

TEST_F(FileRegions, AnEarlierRunIsNoObstacle) {
  pid_t killed = start(2, 0, sumOnes);
  while (!std::filesystem::exists(path))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  kill(killed, SIGKILL);
  statusOf(killed);
  ASSERT_TRUE(std::filesystem::exists(path));
  pid_t second = start(2, 1, sumOnes); // finds the old file first
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  pid_t first = start(2, 0, sumOnes);
  EXPECT_EQ(statusOf(first), 0);
  EXPECT_EQ(statusOf(second), 0);
}

TEST_F(FileRegions, ARunningRunIsNotDisturbed) {
  pid_t first = start(2, 0, sumOnes, 0.5);
  while (!std::filesystem::exists(path))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_HAS(meet(2, 0, 0.1), path + ": another run uses it; name another file");
  EXPECT_NE(statusOf(first), 0);
}

TEST_F(FileRegions, OtherFilesAreLeftAlone) {
  std::string text(5000, 'x');
  writeFile(path, text);
  EXPECT_HAS(meet(2, 0, 0.1), path + ": is a file of another kind; name one that does not exist");
  EXPECT_HAS(meet(2, 1, 0.1), path + ": is a file of another kind");
  EXPECT_EQ(readFile(path), text);
  EXPECT_HAS(meetInFile(directory / "no/where", 2, 0, 0.1).error().message(), "cannot create");
}
