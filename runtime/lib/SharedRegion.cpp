//===- SharedRegion.cpp - Memory that ranks on a CPU share ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SharedRegion.h"
#include "Memory.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace mla;

static_assert(std::atomic<uint32_t>::is_always_lock_free && sizeof(std::atomic<uint32_t>) == 4,
              "processes share atomics, and the kernel waits on them");

static constexpr uint64_t pageBytes = 4096;

/// Large enough that the barriers of a chunk do not matter, small enough to stay in caches; bounded for many ranks.
static uint64_t chooseBufferBytes(int64_t ranks) {
  constexpr uint64_t most = 256 << 10, mostOfAll = 128 << 20;
  uint64_t each = mostOfAll / SharedRegion::numBuffers / static_cast<uint64_t>(ranks);
  return std::min(most, each) / pageBytes * pageBytes;
}

static uint64_t slotsBytes(int64_t ranks) {
  uint64_t bytes = sizeof(RankSlot) * static_cast<uint64_t>(ranks);
  return (bytes + pageBytes - 1) / pageBytes * pageBytes;
}

static_assert(sizeof(RegionHead) <= pageBytes);

SharedRegion::SharedRegion(int64_t ranks) : numRanks(ranks), bytesOfBuffer(chooseBufferBytes(ranks)) {}

SharedRegion::~SharedRegion() { unmap(); }

void SharedRegion::unmap() {
  if (memory)
    munmap(memory, bytes());
  memory = nullptr;
}

uint64_t SharedRegion::bytes() const {
  return pageBytes + slotsBytes(numRanks) + numBuffers * bytesOfBuffer * static_cast<uint64_t>(numRanks);
}

RankSlot &SharedRegion::slot(int64_t rank) const { return reinterpret_cast<RankSlot *>(memory + pageBytes)[rank]; }

char *SharedRegion::buffer(int64_t rank, int index) const {
  return memory + pageBytes + slotsBytes(numRanks) + static_cast<uint64_t>(rank * numBuffers + index) * bytesOfBuffer;
}

void mla::wakeSleepers(RankSlot &slot) {
  // Not private to the process: the mapping may be shared.
  syscall(SYS_futex, &slot.progress, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void SharedRegion::fail(const std::string &text) {
  RegionFailure &failed = failure();
  uint32_t expected = RegionFailure::None;
  if (!failed.state.compare_exchange_strong(expected, RegionFailure::Writing))
    return;
  size_t length = std::min(text.size(), sizeof(failed.text) - 1);
  std::memcpy(failed.text, text.data(), length);
  failed.text[length] = 0;
  failed.state.store(RegionFailure::Written, std::memory_order_release);
  for (int64_t rank = 0; rank < numRanks; ++rank)
    wakeSleepers(slot(rank));
}

std::string SharedRegion::failureText() const {
  // Who writes it may be killed meanwhile.
  constexpr int tries = 1000;
  for (int i = 0; i < tries && failure().state.load(std::memory_order_acquire) == RegionFailure::Writing; ++i)
    sched_yield();
  if (failure().state.load(std::memory_order_acquire) == RegionFailure::Written)
    return {failure().text, strnlen(failure().text, sizeof(RegionFailure::text))};
  return hasFailed() ? "a rank failed" : "";
}

void SharedRegion::setPresence(int64_t rank, Presence presence) {
  slot(rank).presence.store(presence);
  wakeSleepers(slot(rank));
}

namespace {
class ThreadsRegion : public SharedRegion {
public:
  explicit ThreadsRegion(int64_t ranks) : SharedRegion(ranks) {}
  Error map(const char *where) {
    void *mapping = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
      return outOfMemory(where, "the buffers of " + std::to_string(ranks()) + " ranks");
    adopt(mapping);
    return {};
  }
};
} // namespace

Result<std::shared_ptr<SharedRegion>> SharedRegion::forThreads(const char *where, int64_t ranks) {
  auto region = std::make_shared<ThreadsRegion>(ranks);
  if (Error error = region->map(where))
    return error;
  for (int64_t rank = 0; rank < ranks; ++rank)
    region->slot(rank).presence.store(Presence::Present);
  return std::shared_ptr<SharedRegion>(std::move(region));
}
