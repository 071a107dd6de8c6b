//===- Copies.h - Asynchronous copies of a block ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_COPIES_H
#define MLA_EMULATOR_COPIES_H

#include "Clock.h"
#include "TensorMap.h"

#include <deque>
#include <vector>

namespace mla::emulator {

/// One side of a bulk copy: a box of a tensor, or bytes.
struct GlobalSide {
  bool isTile = false;
  TensorMap map;
  int64_t coordinates[TensorMap::maxRank] = {};
  uint64_t address = 0; ///< Of bytes.
  uint32_t bytes = 0;   ///< In shared memory.

  /// A contiguous part of shared memory: its offset there before swizzling, and where it is in global memory; 0:
  /// outside of the tensor.
  struct Piece {
    uint32_t offset, bytes;
    uint64_t global;
  };
  std::vector<Piece> pieces() const;
  unsigned swizzle() const { return isTile ? map.swizzle : 0; }
};

/// A bulk copy from global to shared memory that counts on an mbarrier.
struct Load {
  uint32_t pc = 0;
  unsigned warp = 0;
  uint32_t shared = 0, barrier = 0; ///< Addresses.
  GlobalSide from;
  Clock clock; ///< What happened before it was issued, and so before its phase completes.
};

/// A bulk copy from shared to global memory, in groups of the thread that issued it.
struct Store {
  uint32_t pc = 0;
  unsigned warp = 0, lane = 0;
  uint32_t shared = 0;
  GlobalSide to;
  Time time = 0;                        ///< Of the agent that reads.
  std::vector<uint8_t> data, undefined; ///< What was read.
  bool isRead = false, isWritten = false;
  bool isAwaited = false; ///< The thread has waited for the read.
};

/// A copy of a word by one thread (cp.async).
struct WordCopy {
  uint32_t pc = 0;
  unsigned warp = 0, lane = 0;
  uint32_t shared = 0, bytes = 0;
  uint32_t read = 0; ///< Bytes that come from global memory; those behind them are 0.
  uint64_t global = 0;
  Time time = 0;
  bool isCounted = false; ///< An arrival follows it.
};

/// An arrival of one thread that follows its copies of words (cp.async.mbarrier.arrive).
struct WordArrival {
  uint32_t pc = 0;
  unsigned warp = 0, lane = 0;
  uint32_t barrier = 0; ///< An address.
  Time time = 0;        ///< Of the warp's last copy before it.
  Clock clock;          ///< What happened before it was issued, and so before its phase completes.
};

/// Groups of copies of one thread: those that are open, and those that are committed, oldest first.
template <typename Copy> struct CopyGroups {
  std::vector<Copy> open;
  std::deque<std::vector<Copy>> committed;
  void commit() {
    committed.push_back(std::move(open));
    open.clear();
  }
  /// Calls action(copy) of every copy of all but the `pending` newest groups.
  template <typename Action> void forOlder(size_t pending, Action action) {
    for (size_t i = 0; i + pending < committed.size(); ++i)
      for (Copy &copy : committed[i])
        action(copy);
  }
  void dropOlder(size_t pending) {
    while (committed.size() > pending)
      committed.pop_front();
  }
  /// Drops the copies for which isDone(copy), but not their groups.
  template <typename IsDone> void drop(IsDone isDone) {
    for (std::vector<Copy> &group : committed)
      std::erase_if(group, isDone);
    std::erase_if(open, isDone);
  }
  template <typename Action> void forAll(Action action) {
    forOlder(0, action);
    for (Copy &copy : open)
      action(copy);
  }
};

} // namespace mla::emulator

#endif // MLA_EMULATOR_COPIES_H
