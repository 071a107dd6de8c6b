//===- BatchHandles.cpp - Handles of batches in the C API -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BatchHandles.h"
#include "Fork.h"

#include <mutex>
#include <vector>

using namespace mla;

// 2^40 steps of a slot take years.
static constexpr unsigned slotBits = 24;
static constexpr uint64_t mostSlots = uint64_t(1) << slotBits;
static_assert(sizeof(void *) == 8, "a handle has 64 bits");

namespace {
struct Slot {
  mla_batch *batch = nullptr; ///< null: free
  uint64_t step = 0;          ///< increases when another batch takes the slot
  bool open = false;
};

struct Slots {
  std::mutex mutex;
  std::vector<Slot> all;
  std::vector<size_t> free;

  /// Returns the slot of an open step, or null.
  Slot *find(const mla_batch *handle) {
    uint64_t value = reinterpret_cast<uint64_t>(handle), slot = value % mostSlots;
    if (slot >= all.size() || !all[slot].open || all[slot].step != value / mostSlots)
      return nullptr;
    return &all[slot];
  }
};
} // namespace

/// Never destroyed: caches may be destroyed when the process ends.
static Slots &slots() {
  static Slots *made = (keepForChildren<slots>(), new Slots);
  return *made;
}

std::optional<size_t> mla::takeBatchSlot(mla_batch *batch) {
  std::lock_guard<std::mutex> lock(slots().mutex);
  std::vector<size_t> &free = slots().free;
  if (free.empty()) {
    if (slots().all.size() == mostSlots)
      return std::nullopt;
    free.push_back(slots().all.size());
    slots().all.emplace_back();
  }
  size_t slot = free.back();
  free.pop_back();
  slots().all[slot].batch = batch;
  return slot;
}

void mla::giveBatchSlot(size_t slot) {
  std::lock_guard<std::mutex> lock(slots().mutex);
  slots().all[slot].batch = nullptr;
  slots().all[slot].open = false;
  slots().free.push_back(slot);
}

mla_batch *mla::openHandle(size_t slot) {
  std::lock_guard<std::mutex> lock(slots().mutex);
  Slot &opened = slots().all[slot];
  opened.open = true;
  // Steps count from 1, so that no handle is null.
  return reinterpret_cast<mla_batch *>(++opened.step * mostSlots + slot);
}

mla_batch *mla::findOpen(const mla_batch *handle) {
  std::lock_guard<std::mutex> lock(slots().mutex);
  const Slot *found = slots().find(handle);
  return found ? found->batch : nullptr;
}

mla_batch *mla::closeHandle(const mla_batch *handle) {
  std::lock_guard<std::mutex> lock(slots().mutex);
  Slot *found = slots().find(handle);
  if (!found)
    return nullptr;
  found->open = false;
  return found->batch;
}
