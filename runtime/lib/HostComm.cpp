//===- HostComm.cpp - Collectives of ranks on a CPU -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostComm.h"
#include "Spin.h"
#include "SumOfRanks.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace mla;

HostComm::HostComm(std::shared_ptr<SharedRegion> region, int64_t rank, double timeoutSeconds)
    : region(std::move(region)), ownRank(rank), timeout(timeoutSeconds) {}

HostComm::~HostComm() { region->setPresence(ownRank, Presence::Left); }

std::string HostComm::name(int64_t peer) const {
  return "rank " + std::to_string(peer) + " of " + std::to_string(ranks());
}

void HostComm::failAs(const std::string &what) { region->fail(name(ownRank) + " " + what); }

Error HostComm::failure(const std::string &where) const {
  if (!region->hasFailed())
    return {};
  return Error(ErrorKind::Rank, where + ": " + region->failureText() +
                                    "; see what that rank reports, then make new communicators on all ranks");
}

//===----------------------------------------------------------------------===//
// Waiting
//===----------------------------------------------------------------------===//

static const char *nameOf(const Collective &collective) {
  static constexpr const char *names[] = {"mla_all_reduce", "mla_all_gather", "mla_all_to_all"};
  return names[collective.kind];
}

static std::string textOf(const Collective &collective) {
  const char *unit = collective.kind == Collective::AllReduce ? " elements of type " : " bytes";
  return std::string(nameOf(collective)) + " of " + std::to_string(collective.size) + unit +
         (collective.kind == Collective::AllReduce ? std::to_string(collective.element) : "") + " among " +
         std::to_string(collective.ranks) + " ranks";
}

void HostComm::advance() {
  RankSlot &slot = region->slot(ownRank);
  slot.progress.store(++progress); // seq_cst, with sleepers: either they see the progress, or we see them
  if (slot.sleepers.load())
    wakeSleepers(slot);
}

static bool hasReached(const RankSlot &slot, uint32_t target) {
  return static_cast<int32_t>(slot.progress.load() - target) >= 0;
}

/// Sleeps until the progress may have changed, for a short time at most, so that other reasons to go on are seen too.
static void sleepUntilProgress(RankSlot &slot, uint32_t target) {
  slot.sleepers.fetch_add(1);
  uint32_t seen = slot.progress.load();
  timespec slice = {0, 20'000'000};
  if (static_cast<int32_t>(seen - target) < 0)
    syscall(SYS_futex, &slot.progress, FUTEX_WAIT, seen, &slice, nullptr, 0);
  slot.sleepers.fetch_sub(1);
}

/// Fails the region if a rank that has not arrived never will.
void HostComm::judgeAbsence(int64_t peer, uint32_t target, Clock::time_point start, const Collective &collective) {
  const RankSlot &slot = region->slot(peer);
  bool hasLeft = slot.presence.load() == Presence::Left, isDead = region->isDead(peer);
  char limit[32];
  std::snprintf(limit, sizeof(limit), "%g", timeout);
  if (hasReached(slot, target)) // and then left
    return;
  if (hasLeft)
    region->fail(name(peer) + " has left: its communicator was destroyed");
  else if (isDead)
    region->fail(name(peer) + " has left: its process has ended");
  else if (std::chrono::duration<double>(Clock::now() - start).count() > timeout)
    region->fail(name(peer) + " did not come to " + nameOf(collective) + " within " + limit + " seconds");
}

bool HostComm::await(int64_t peer, uint32_t target, Clock::time_point start, const Collective &collective) {
  RankSlot &slot = region->slot(peer);
  if (spinUntil([&] { return hasReached(slot, target); }))
    return true;
  while (!hasReached(slot, target)) {
    judgeAbsence(peer, target, start, collective);
    if (region->hasFailed())
      return false;
    sleepUntilProgress(slot, target);
  }
  return true;
}

bool HostComm::awaitGroup(const RankGroup &group, uint32_t target, const Collective &collective) {
  Clock::time_point start = Clock::now();
  for (int64_t peer = group.first; peer < group.end(); ++peer)
    if (!await(peer, target, start, collective))
      return false;
  return !region->hasFailed();
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

bool HostComm::findGroup(const Collective &collective, RankGroup &group) {
  int64_t count = collective.ranks;
  if (count < 1 || ranks() % count != 0 || collective.size < 0)
    failAs("called " + textOf(collective) + ", which is no part of " + std::to_string(ranks()));
  group = {ownRank / std::max<int64_t>(count, 1) * count, count};
  return !region->hasFailed();
}

/// Waits until all who read the buffer last have done so.
bool HostComm::beginChunk(const Collective &collective) {
  if (readers[buffer].count && !awaitGroup(readers[buffer], finished[buffer], collective))
    return false;
  region->slot(ownRank).collectives[buffer] = collective;
  return true;
}

/// Waits until all buffers of the group are written, by the same collective.
bool HostComm::shareChunk(const Collective &collective, const RankGroup &group) {
  advance();
  if (!awaitGroup(group, progress, collective))
    return false;
  for (int64_t peer = group.first; peer < group.end(); ++peer) {
    Collective other = region->slot(peer).collectives[buffer];
    if (!(other == collective))
      region->fail(name(peer) + " calls " + textOf(other) + ", but rank " + std::to_string(ownRank) + " " +
                   textOf(collective));
  }
  return !region->hasFailed();
}

void HostComm::endChunk(const RankGroup &group) {
  advance();
  readers[buffer] = group;
  finished[buffer] = progress;
  buffer = (buffer + 1) % SharedRegion::numBuffers;
}

/// Sums one part of the chunk into the own buffer, and collects the parts of others once they have.
bool HostComm::reduceChunk(const RankGroup &group, void *data, uint64_t bytes, int32_t element) {
  const uint64_t width = bytesOfSummed(element), count = bytes / width;
  auto partOf = [&](int64_t peer) { return count * static_cast<uint64_t>(peer - group.first) / group.count * width; };
  uint64_t begin = partOf(ownRank), end = partOf(ownRank + 1);
  sumOfRanks(
      group.count, [&](int64_t i) { return bufferOf(group.first + i) + begin; }, bufferOf(ownRank) + begin,
      (end - begin) / width, element);
  advance();
  if (!awaitGroup(group, progress, region->slot(ownRank).collectives[buffer]))
    return false;
  for (int64_t peer = group.first; peer < group.end(); ++peer)
    std::memcpy(static_cast<char *>(data) + partOf(peer), bufferOf(peer) + partOf(peer),
                partOf(peer + 1) - partOf(peer));
  return true;
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

void HostComm::allReduce(int64_t groupRanks, void *data, int64_t count, int32_t element) {
  Collective collective = {Collective::AllReduce, element, groupRanks, count};
  RankGroup group;
  if (!bytesOfSummed(element))
    failAs("called mla_all_reduce of elements of type " + std::to_string(element) + ", which has no sum");
  if (!findGroup(collective, group) || group.count == 1)
    return;
  uint64_t bytes = static_cast<uint64_t>(count) * bytesOfSummed(element), most = region->bufferBytes();
  for (uint64_t done = 0; done < bytes; done += most) {
    char *chunk = static_cast<char *>(data) + done;
    uint64_t size = std::min(most, bytes - done);
    if (!beginChunk(collective))
      return;
    std::memcpy(bufferOf(ownRank), chunk, size);
    if (!shareChunk(collective, group) || !reduceChunk(group, chunk, size, element))
      return;
    endChunk(group);
  }
}

void HostComm::allGather(int64_t groupRanks, const void *in, void *out, int64_t bytes) {
  Collective collective = {Collective::AllGather, 0, groupRanks, bytes};
  RankGroup group;
  if (!findGroup(collective, group))
    return;
  auto all = static_cast<uint64_t>(bytes), most = region->bufferBytes();
  char *to = static_cast<char *>(out);
  if (all)
    std::memmove(to + (ownRank - group.first) * all, in, all); // it may be there already
  for (uint64_t done = 0; done < all && group.count > 1; done += most) {
    uint64_t size = std::min(most, all - done);
    if (!beginChunk(collective))
      return;
    std::memcpy(bufferOf(ownRank), to + (ownRank - group.first) * all + done, size);
    if (!shareChunk(collective, group))
      return;
    for (int64_t peer = group.first; peer < group.end(); ++peer)
      std::memcpy(to + (peer - group.first) * all + done, bufferOf(peer), size);
    endChunk(group);
  }
}

void HostComm::allToAll(int64_t groupRanks, const void *in, void *out, int64_t bytes) {
  Collective collective = {Collective::AllToAll, 0, groupRanks, bytes};
  RankGroup group;
  if (!findGroup(collective, group))
    return;
  const char *from = static_cast<const char *>(in);
  char *to = static_cast<char *>(out);
  auto all = static_cast<uint64_t>(bytes), most = region->bufferBytes() / group.count;
  for (uint64_t done = 0; done < all; done += most) {
    uint64_t size = std::min(most, all - done);
    if (!beginChunk(collective))
      return;
    for (int64_t i = 0; i < group.count; ++i)
      std::memcpy(bufferOf(ownRank) + i * most, from + i * all + done, size);
    if (!shareChunk(collective, group))
      return;
    for (int64_t i = 0; i < group.count; ++i)
      std::memcpy(to + i * all + done, bufferOf(group.first + i) + (ownRank - group.first) * most, size);
    endChunk(group);
  }
}
