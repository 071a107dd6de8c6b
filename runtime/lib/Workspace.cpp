//===- Workspace.cpp - Scratch memory of CPU layers -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A step allocates its intermediate results from chunks, each from the system.
// The total is recorded: the next step gets one chunk of that size, and keeps it,
// so that the steps of a model reuse the same memory.
//
//===----------------------------------------------------------------------===//

#include "Array.h"
#include "Fork.h"

#pragma GCC visibility push(default)
#include "mla/abi.h"
#pragma GCC visibility pop

#include <cstdlib>
#include <memory>
#include <mutex>
#include <sys/mman.h>
#include <utility>
#include <vector>

using namespace mla;

/// A cache line, and a vector.
static constexpr uint64_t alignment = 64;

/// More than decode needs. A long prefill's memory is released: requesting it again costs that step little.
static constexpr uint64_t mostKept = uint64_t(256) << 20;

static constexpr uint64_t smallestChunk = uint64_t(1) << 20;

namespace {
struct Chunk {
  char *memory;
  uint64_t bytes;
};

class Workspace {
public:
  ~Workspace() { releaseChunks(); }
  /// Returns null if there is no memory.
  void *allocate(uint64_t bytes);
  bool hasFailed() const { return failed; }
  /// Ends a step.
  void reset();

private:
  Array<Chunk> chunks; ///< Only the last has free memory.
  uint64_t used = 0;   ///< of the last chunk
  uint64_t taken = 0;  ///< of all, by this step
  uint64_t wanted = smallestChunk;
  bool failed = false;

  bool addChunk(uint64_t bytes);
  void releaseChunks();
};
} // namespace

bool Workspace::addChunk(uint64_t bytes) {
  if (!chunks.reserve(chunks.size() + 1))
    return false;
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  chunks.push({static_cast<char *>(memory), bytes});
  used = 0;
  return true;
}

void Workspace::releaseChunks() {
  for (const Chunk &chunk : chunks)
    munmap(chunk.memory, chunk.bytes);
  chunks.clear();
}

void *Workspace::allocate(uint64_t bytes) {
  constexpr uint64_t page = 4096;
  failed |= bytes > UINT64_MAX / 2;
  if (failed)
    return nullptr;
  bytes = (bytes + alignment - 1) / alignment * alignment;
  if (chunks.empty() || chunks.back().bytes - used < bytes) {
    uint64_t whole = (bytes + page - 1) / page * page;
    // Retry with the minimum.
    failed = !addChunk(std::max({whole, wanted, taken})) && !addChunk(whole);
    if (failed)
      return nullptr;
  }
  void *memory = chunks.back().memory + used;
  used += bytes;
  taken += bytes;
  return memory;
}

void Workspace::reset() {
  bool keeps = chunks.size() == 1 && chunks.back().bytes <= mostKept;
  wanted = taken <= mostKept ? std::max(wanted, taken) : smallestChunk;
  used = taken = 0;
  failed = false;
  if (!keeps)
    releaseChunks();
}

namespace {
/// Unused workspaces. Never destroyed: layers may run while the process ends.
struct Idle {
  std::mutex mutex;
  std::vector<std::unique_ptr<Workspace>> list;
};
} // namespace

static Idle &idle() {
  static Idle *made = (keepForChildren<idle>(), new Idle);
  return *made;
}

static std::unique_ptr<Workspace> takeWorkspace() {
  std::lock_guard<std::mutex> lock(idle().mutex);
  if (idle().list.empty())
    return std::make_unique<Workspace>();
  std::unique_ptr<Workspace> workspace = std::move(idle().list.back());
  idle().list.pop_back();
  return workspace;
}

static void giveBack(std::unique_ptr<Workspace> workspace) {
  workspace->reset();
  std::lock_guard<std::mutex> lock(idle().mutex);
  idle().list.push_back(std::move(workspace));
}

/// The workspace of the entry that the thread runs.
static thread_local Workspace *current = nullptr;
/// Whether an allocation outside of an entry failed.
static thread_local bool failedOutside = false;

int32_t mla_call_entry(mla_entry_fn entry, void **descriptors) {
  std::unique_ptr<Workspace> workspace = takeWorkspace();
  Workspace *outer = std::exchange(current, workspace.get());
  entry(descriptors);
  current = outer;
  bool failed = workspace->hasFailed();
  giveBack(std::move(workspace));
  return failed;
}

void *mla_allocate(int64_t bytes) {
  if (current)
    return current->allocate(static_cast<uint64_t>(bytes));
  void *memory = nullptr;
  failedOutside = posix_memalign(&memory, alignment, static_cast<size_t>(bytes)) != 0;
  return failedOutside ? nullptr : memory;
}

void mla_release(void *memory) {
  if (!current)
    std::free(memory);
}

int32_t mla_out_of_memory(void) { return current ? current->hasFailed() : failedOutside; }
