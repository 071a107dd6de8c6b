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

static std::string functionOf(schema::Collective kind) { return std::string("mla_") + nameOf(kind); }

static std::string textOf(const CollectiveRecord &collective) {
  bool isSum = collective.kind == schema::Collective::AllReduce;
  return functionOf(collective.kind) + " of " + std::to_string(collective.size) +
         (isSum ? " elements of type " + std::to_string(collective.element) : " bytes") + " among " +
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
void HostComm::judgeAbsence(int64_t peer, uint32_t target, const TimeLimit &limit, const CollectiveRecord &collective) {
  const RankSlot &slot = region->slot(peer);
  bool hasLeft = slot.presence.load() == Presence::Left, isDead = region->isDead(peer);
  if (hasReached(slot, target)) // and then left
    return;
  if (hasLeft)
    region->fail(name(peer) + " has left: its communicator was destroyed");
  else if (isDead)
    region->fail(name(peer) + " has left: its process has ended");
  else if (limit.hasPassed())
    region->fail(name(peer) + " did not come to " + functionOf(collective.kind) + " within " + limit.text());
}

bool HostComm::await(int64_t peer, uint32_t target, const TimeLimit &limit, const CollectiveRecord &collective) {
  RankSlot &slot = region->slot(peer);
  if (spinUntil([&] { return hasReached(slot, target); }))
    return true;
  while (!hasReached(slot, target)) {
    judgeAbsence(peer, target, limit, collective);
    if (region->hasFailed())
      return false;
    sleepUntilProgress(slot, target);
  }
  return true;
}

bool HostComm::awaitGroup(const RankGroup &group, uint32_t target, const CollectiveRecord &collective) {
  TimeLimit limit(timeout);
  for (int64_t peer = group.first; peer < group.end(); ++peer)
    if (!await(peer, target, limit, collective))
      return false;
  return !region->hasFailed();
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

bool HostComm::findGroup(const CollectiveRecord &collective, RankGroup &group) {
  int64_t count = collective.ranks;
  if (count < 1 || ranks() % count != 0 || collective.size < 0)
    failAs("called " + textOf(collective) + ", which is no part of " + std::to_string(ranks()));
  group = {ownRank / std::max<int64_t>(count, 1) * count, count};
  return !region->hasFailed();
}

/// Waits until all who read the buffer last have done so.
bool HostComm::beginChunk(const CollectiveRecord &collective) {
  if (readers[buffer].count && !awaitGroup(readers[buffer], finished[buffer], collective))
    return false;
  region->slot(ownRank).collectives[buffer] = collective;
  return true;
}

/// Waits until all buffers of the group are written, by the same collective.
bool HostComm::shareChunk(const CollectiveRecord &collective, const RankGroup &group) {
  advance();
  if (!awaitGroup(group, progress, collective))
    return false;
  for (int64_t peer = group.first; peer < group.end(); ++peer) {
    CollectiveRecord other = region->slot(peer).collectives[buffer];
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

/// Runs a collective, in chunks of at most `most` bytes: write(begin, size) fills the own
/// buffer, and read(begin, size) takes from those of the group; it returns false if a rank failed.
template <typename Write, typename Read>
void HostComm::runChunks(const CollectiveRecord &collective, const RankGroup &group, uint64_t bytes, uint64_t most,
                         Write write, Read read) {
  for (uint64_t begin = 0; begin < bytes; begin += most) {
    uint64_t size = std::min(most, bytes - begin);
    if (!beginChunk(collective))
      return;
    write(begin, size);
    if (!shareChunk(collective, group) || !read(begin, size))
      return;
    endChunk(group);
  }
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
  CollectiveRecord collective = {schema::Collective::AllReduce, element, groupRanks, count};
  RankGroup group;
  if (!bytesOfSummed(element))
    failAs("called mla_all_reduce of elements of type " + std::to_string(element) + ", which has no sum");
  if (!findGroup(collective, group) || group.count == 1)
    return;
  char *all = static_cast<char *>(data);
  runChunks(
      collective, group, static_cast<uint64_t>(count) * bytesOfSummed(element), region->bufferBytes(),
      [&](uint64_t begin, uint64_t size) { std::memcpy(bufferOf(ownRank), all + begin, size); },
      [&](uint64_t begin, uint64_t size) { return reduceChunk(group, all + begin, size, element); });
}

void HostComm::allGather(int64_t groupRanks, const void *in, void *out, int64_t bytes) {
  CollectiveRecord collective = {schema::Collective::AllGather, 0, groupRanks, bytes};
  RankGroup group;
  if (!findGroup(collective, group) || bytes == 0)
    return;
  auto blockOf = [&](int64_t peer) { return static_cast<char *>(out) + (peer - group.first) * bytes; };
  std::memmove(blockOf(ownRank), in, bytes); // it may be there already
  if (group.count == 1)
    return;
  runChunks(
      collective, group, bytes, region->bufferBytes(),
      [&](uint64_t begin, uint64_t size) { std::memcpy(bufferOf(ownRank), blockOf(ownRank) + begin, size); },
      [&](uint64_t begin, uint64_t size) {
        for (int64_t peer = group.first; peer < group.end(); ++peer)
          std::memcpy(blockOf(peer) + begin, bufferOf(peer), size);
        return true;
      });
}

void HostComm::allToAll(int64_t groupRanks, const void *in, void *out, int64_t bytes) {
  CollectiveRecord collective = {schema::Collective::AllToAll, 0, groupRanks, bytes};
  RankGroup group;
  if (!findGroup(collective, group))
    return;
  const char *from = static_cast<const char *>(in);
  char *to = static_cast<char *>(out);
  uint64_t most = region->bufferBytes() / group.count;
  runChunks(
      collective, group, bytes, most,
      [&](uint64_t begin, uint64_t size) {
        for (int64_t i = 0; i < group.count; ++i)
          std::memcpy(bufferOf(ownRank) + i * most, from + i * bytes + begin, size);
      },
      [&](uint64_t begin, uint64_t size) {
        for (int64_t i = 0; i < group.count; ++i)
          std::memcpy(to + i * bytes + begin, bufferOf(group.first + i) + (ownRank - group.first) * most, size);
        return true;
      });
}
