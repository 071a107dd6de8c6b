//===- SharedRegion.h - Memory that ranks on a CPU share --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One mapping for all ranks: a header with the first failure, a slot of each rank
// for its progress, and two buffers of each rank for its data. Threads share an
// anonymous mapping, processes one of a file.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_SHAREDREGION_H
#define MLA_RUNTIME_SHAREDREGION_H

#include "mla/error.h"
#include "mla/launch_abi.h"

#include <atomic>
#include <memory>

namespace mla {

/// The first failure wins. Its text is written once, before `state` says so.
struct RegionFailure {
  enum State : uint32_t { None, Writing, Written };
  std::atomic<uint32_t> state;
  char text[500];
};

/// The beginning of a region.
struct RegionHead {
  static constexpr char expectedMagic[] = "mla-ranks-1";
  RegionFailure failure;
  char magic[sizeof(expectedMagic)]; ///< of one in a file
  int64_t ranks;                     ///< likewise
};

/// What a rank does, to be compared with what its peers do.
struct CollectiveRecord {
  schema::Collective kind;
  int32_t element;     ///< of a sum, else 0
  int64_t ranks, size; ///< of a group; elements of a sum, else bytes of a block

  bool operator==(const CollectiveRecord &other) const {
    return kind == other.kind && element == other.element && ranks == other.ranks && size == other.size;
  }
};

enum class Presence : uint32_t { Absent, Present, Left };

/// What others read of a rank. A cache line of its own, so that waiting for one does not slow down another.
struct alignas(128) RankSlot {
  std::atomic<uint32_t> progress; ///< steps of all collectives so far, modulo 2^32; also a futex
  std::atomic<uint32_t> sleepers; ///< that wait for progress
  std::atomic<Presence> presence;
  CollectiveRecord collectives[2]; ///< of the data in each buffer
};

class SharedRegion {
public:
  static constexpr int numBuffers = 2;

  /// Maps memory that only this process has, with all ranks present.
  static Result<std::shared_ptr<SharedRegion>> forThreads(const char *where, int64_t ranks);
  virtual ~SharedRegion();

  int64_t ranks() const { return numRanks; }
  uint64_t bufferBytes() const { return bytesOfBuffer; }
  RegionFailure &failure() const { return head().failure; }
  RankSlot &slot(int64_t rank) const;
  char *buffer(int64_t rank, int index) const;

  /// Whether a rank's process has ended without a word.
  virtual bool isDead(int64_t) const { return false; }

  bool hasFailed() const { return failure().state.load(std::memory_order_acquire) != RegionFailure::None; }
  /// Records the failure, if it is the first, and wakes all that wait.
  void fail(const std::string &text);
  std::string failureText() const;
  /// Marks a rank, and wakes all that wait for it.
  void setPresence(int64_t rank, Presence presence);

protected:
  explicit SharedRegion(int64_t ranks);
  SharedRegion(const SharedRegion &) = delete;
  RegionHead &head() const { return *reinterpret_cast<RegionHead *>(memory); }
  uint64_t bytes() const;
  /// Takes over a mapping of so many bytes, zeros or what other ranks wrote.
  void adopt(void *mapping) { memory = static_cast<char *>(mapping); }
  void unmap();

private:
  int64_t numRanks;
  uint64_t bytesOfBuffer;
  char *memory = nullptr;
};

/// Wakes all that sleep until a slot's progress changes.
void wakeSleepers(RankSlot &slot);

} // namespace mla

#endif // MLA_RUNTIME_SHAREDREGION_H
