//===- ThreadTeam.h - The runtime's threads ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One team per process, and one for each of several ranks in it. A layer is some tens of parallel loops with short
// serial gaps, so a loop must start and end in about a microsecond: workers spin for a while before they sleep, and a
// loop never waits for a worker that has not woken up in time. To this end, workers *join* an open loop through one
// atomic word, which also counts them; the caller closes the loop when no index is left, and waits only for those that
// joined.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_THREADTEAM_H
#define MLA_RUNTIME_THREADTEAM_H

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace mla {

class ThreadTeam {
public:
  using Body = void (*)(void *context, int64_t index);

  /// Returns the team of the rank whose entry this thread runs, else the process's, created by the first call, and
  /// again by the first call in a forked child. Never destroyed: its threads run until the process ends.
  static ThreadTeam &get();

  /// Returns a team that nobody else has until it is given back.
  static ThreadTeam *lease(int threads);
  static void giveBack(ThreadTeam *team);

  /// Returns the number of threads that run a loop, including the caller.
  int threads() const { return numThreads; }

  /// See mla_parallel_for.
  void run(Body body, void *context, int64_t count);

private:
  /// `state`: number of workers that joined the loop | whether it is open | the loop's number.
  static constexpr uint64_t oneWorker = 1, workersMask = 0xffff, openBit = 0x10000, oneLoop = 0x20000;

  explicit ThreadTeam(int threads);
  void startWorkers();
  static void *workerMain(void *team);
  void work();
  uint64_t waitForLoop(uint64_t lastLoop);
  bool join(uint64_t seen);
  void leave();
  void runIndices();
  void openLoop(Body body, void *context, int64_t count);
  void closeLoop();

  int numThreads;
  std::atomic<int64_t> numNumbered{1}; ///< threads that have a number, the callers' 0 included
  std::once_flag started;
  std::mutex callers; ///< held by the caller whose loop the workers run

  // Written by the caller while no loop is open and no worker has joined; read by workers that joined.
  Body body = nullptr;
  void *context = nullptr;
  int64_t count = 0, chunk = 1;

  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) std::atomic<uint64_t> state{0};

  std::mutex sleep;
  std::condition_variable wakeWorkers, wakeCaller;
  std::atomic<int> sleepingWorkers{0};
  std::atomic<bool> callerSleeps{false};
};

/// Runs the loops of this thread on a team of its own, if it is not null.
class TeamScope {
public:
  explicit TeamScope(ThreadTeam *team);
  ~TeamScope();
  TeamScope(const TeamScope &) = delete;

private:
  ThreadTeam *before;
};

} // namespace mla

#endif // MLA_RUNTIME_THREADTEAM_H
