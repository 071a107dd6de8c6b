//===- ThreadTeam.cpp - The runtime's threads -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadTeam.h"
#include "Spin.h"
#include "StackRoom.h"
#include "ThreadCount.h"

// Functions called by generated code are exported, like the user's API.
#pragma GCC visibility push(default)
#include "mla/abi.h"
#pragma GCC visibility pop
#include "mla/runtime.h"

#include <algorithm>
#include <pthread.h>
#include <signal.h>
#include <utility>
#include <vector>

using namespace mla;

// Set in workers, and in a caller during its loop: there, further loops run inline.
static thread_local bool insideLoop = false;
/// The number of a worker; 0 for any other thread.
static thread_local int64_t threadNumber = 0;

ThreadTeam::ThreadTeam(int threads) : numThreads(threads) {}

void ThreadTeam::startWorkers() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, threadStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // Signals belong to the program: block all of them on our threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (int i = 1; i < numThreads; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, workerMain, this) != 0)
      break; // a limit of the system: the loops run on fewer threads
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
}

void *ThreadTeam::workerMain(void *team) {
  auto *own = static_cast<ThreadTeam *>(team);
  insideLoop = true;
  threadNumber = own->numNumbered++;
  own->work();
  return nullptr;
}

void ThreadTeam::work() {
  for (uint64_t lastLoop = 0;;) {
    uint64_t seen = waitForLoop(lastLoop);
    lastLoop = seen / oneLoop;
    if (!join(seen))
      continue;
    runIndices();
    leave();
  }
}

/// Waits for an open loop other than `lastLoop`; returns the state.
uint64_t ThreadTeam::waitForLoop(uint64_t lastLoop) {
  uint64_t seen = 0;
  auto isNew = [&] {
    seen = state.load(); // seq_cst, with sleepingWorkers: either we see the loop or its caller sees us sleep
    return (seen & openBit) && seen / oneLoop != lastLoop;
  };
  if (spinUntil(isNew))
    return seen;
  std::unique_lock<std::mutex> lock(sleep);
  ++sleepingWorkers;
  wakeWorkers.wait(lock, isNew);
  --sleepingWorkers;
  return seen;
}

/// Counts this worker in, unless the loop has closed meanwhile.
bool ThreadTeam::join(uint64_t seen) {
  uint64_t loop = seen / oneLoop;
  while ((seen & openBit) && seen / oneLoop == loop)
    if (state.compare_exchange_weak(seen, seen + oneWorker))
      return true;
  return false;
}

void ThreadTeam::leave() {
  uint64_t now = state.fetch_sub(oneWorker) - oneWorker;
  if ((now & (openBit | workersMask)) || !callerSleeps.load())
    return;
  std::lock_guard<std::mutex> lock(sleep);
  wakeCaller.notify_one();
}

void ThreadTeam::runIndices() {
  for (;;) {
    int64_t first = next.fetch_add(chunk, std::memory_order_relaxed);
    if (first >= count)
      return;
    for (int64_t i = first, last = std::min(count - first, chunk) + first; i < last; ++i)
      body(context, i);
  }
}

void ThreadTeam::openLoop(Body newBody, void *newContext, int64_t newCount) {
  body = newBody;
  context = newContext;
  count = newCount;
  // Some chunks per thread, to balance uneven ones; far fewer than indices if there are millions.
  chunk = std::max<int64_t>(1, newCount / (numThreads * int64_t(16)));
  next.store(0, std::memory_order_relaxed);
  state.store((state.load() / oneLoop + 1) * oneLoop | openBit);
  if (sleepingWorkers.load() == 0)
    return;
  // A worker between its last look at `state` and its wait holds the mutex: after this it is waiting.
  {
    std::lock_guard<std::mutex> lock(sleep);
  }
  if (newCount > numThreads / 2)
    return wakeWorkers.notify_all();
  for (int64_t i = 1; i < newCount; ++i)
    wakeWorkers.notify_one();
}

/// Closes the loop to new workers, and waits for those that joined.
void ThreadTeam::closeLoop() {
  state.fetch_and(~openBit);
  auto isDone = [&] { return (state.load() & workersMask) == 0; };
  if (spinUntil(isDone))
    return;
  std::unique_lock<std::mutex> lock(sleep);
  callerSleeps.store(true);
  wakeCaller.wait(lock, isDone);
  callerSleeps.store(false);
}

static void runInline(ThreadTeam::Body body, void *context, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    body(context, i);
}

void ThreadTeam::run(Body newBody, void *newContext, int64_t newCount) {
  // A second caller does not wait for the first but runs inline: the processors are busy anyway.
  if (numThreads == 1 || newCount <= 1 || insideLoop || !callers.try_lock())
    return runInline(newBody, newContext, newCount);
  std::call_once(started, [this] { startWorkers(); });
  insideLoop = true;
  openLoop(newBody, newContext, newCount);
  runIndices();
  closeLoop();
  insideLoop = false;
  callers.unlock();
}

static std::atomic<ThreadTeam *> theTeam{nullptr};
static std::mutex makingTeam;
/// That no rank has.
static std::vector<ThreadTeam *> &idleTeams() {
  static auto *teams = new std::vector<ThreadTeam *>;
  return *teams;
}
/// The team of the rank whose entry the thread runs.
static thread_local ThreadTeam *teamOfRank = nullptr;

/// No worker exists in a forked child: the old teams are abandoned, and the next loop creates another. The mutex is
/// held across the fork, so that the child finds it in a known state.
static void registerForkHandlers() {
  pthread_atfork([] { makingTeam.lock(); }, [] { makingTeam.unlock(); },
                 [] {
                   theTeam.store(nullptr);
                   idleTeams().clear();
                   makingTeam.unlock();
                 });
}

static std::mutex &teamsMutex() {
  static std::once_flag handlers;
  std::call_once(handlers, registerForkHandlers);
  return makingTeam;
}

ThreadTeam &ThreadTeam::get() {
  if (teamOfRank)
    return *teamOfRank;
  if (ThreadTeam *team = theTeam.load(std::memory_order_acquire))
    return *team;
  std::lock_guard<std::mutex> lock(teamsMutex());
  ThreadTeam *team = theTeam.load();
  if (!team)
    theTeam.store(team = new ThreadTeam(defaultThreadCount()));
  return *team;
}

ThreadTeam *ThreadTeam::lease(int threads) {
  std::lock_guard<std::mutex> lock(teamsMutex());
  std::vector<ThreadTeam *> &idle = idleTeams();
  auto found = std::find_if(idle.begin(), idle.end(), [&](ThreadTeam *team) { return team->threads() == threads; });
  if (found == idle.end())
    return new ThreadTeam(threads);
  ThreadTeam *team = *found;
  idle.erase(found);
  return team;
}

void ThreadTeam::giveBack(ThreadTeam *team) {
  std::lock_guard<std::mutex> lock(teamsMutex());
  idleTeams().push_back(team);
}

TeamScope::TeamScope(ThreadTeam *team) : before(std::exchange(teamOfRank, team)) {}
TeamScope::~TeamScope() { teamOfRank = before; }

void mla_parallel_for(void (*body)(void *, int64_t), void *context, int64_t count) {
  ThreadTeam::get().run(body, context, count);
}

int64_t mla_thread(void) { return threadNumber; }

int32_t mla_num_threads(void) { return ThreadTeam::get().threads(); }
