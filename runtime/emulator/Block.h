//===- Block.h - A block of threads -----------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_BLOCK_H
#define MLA_EMULATOR_BLOCK_H

#include "Counters.h"
#include "GlobalMemory.h"
#include "Mbarrier.h"
#include "Settings.h"
#include "SharedMemory.h"
#include "Warp.h"

#include <memory>
#include <optional>
#include <random>
#include <unordered_map>

namespace mla::emulator {

/// State shared by all CTAs of a launch.
struct GridInfo {
  const Program *program = nullptr;
  uint32_t grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
  uint32_t dynamicShared = 0;
  DeviceAddress parameters = 0; ///< Where the launch's parameters lie.
  uint32_t threads() const { return block[0] * block[1] * block[2]; }
};

class Block {
public:
  Block(const GridInfo &grid, const uint32_t (&index)[3], const Settings &settings, uint64_t seed);

  enum class Outcome { Done, Waiting, Failed };
  /// Runs until all warps are done. With `isEarly` it stops, Waiting, where all that could go on wait for the preceding
  /// grid (griddepcontrol.wait); the next call goes on there.
  Outcome run(bool isEarly);

  const GridInfo &grid;
  const Program &program;
  const Settings &settings;
  uint32_t blockIndex[3];
  bool isEarly = false; ///< The preceding grid is not complete.
  bool hasTriggered() const { return triggered == warps.size(); }
  unsigned triggered = 0; ///< Warps that executed griddepcontrol.launch_dependents, or are done.
  Agents agents;
  SharedMemory shared;
  Counters counters;
  std::optional<Fault> fault;
  Marks marks; ///< State bits of global memory that this block set.
  std::mt19937_64 random;
  std::vector<Warp> warps;

  bool isLazy() const { return settings.policy == Policy::Lazy; }
  bool isEager() const { return settings.policy == Policy::Eager; }
  /// True once in `n` times under Policy::Random.
  bool sometimes(unsigned n) { return settings.policy == Policy::Random && random() % n == 0; }

  /// Registers per thread of a kernel that uses setmaxnreg: all that a multiprocessor has, in units of 8.
  static uint32_t registersAtLaunch(uint32_t threads) { return std::min<uint32_t>(65536 / threads / 8 * 8, 255); }

  //===- Named barriers (Barriers.cpp) -------------------------------------===//
  void arrive(Warp &warp, unsigned barrier, uint32_t threads, bool waits);

  //===- mbarriers (Barriers.cpp) ------------------------------------------===//
  Mbarrier *findMbarrier(Warp &warp, uint32_t address, int lane);
  void initMbarrier(Warp &warp, uint32_t address, uint32_t count, int lane);
  void invalidateMbarrier(Warp &warp, uint32_t address, int lane);
  void arriveOn(Warp &warp, Mbarrier &barrier, int64_t count, int64_t transactions, int lane);
  /// Returns whether the phase of `parity` has completed; the warp then acquires its clock. Otherwise the warp may
  /// wait.
  bool testMbarrier(Warp &warp, Mbarrier &barrier, uint32_t parity, bool waits);
  void countBytes(Mbarrier &barrier, int64_t bytes);
  void showMbarriersToCopies(const Warp &warp);
  bool holdsMbarrier(uint32_t address, uint32_t bytes) const;
  std::string describeMbarrier(const Mbarrier &barrier) const;

  //===- Copies (Copies.cpp) -----------------------------------------------===//
  void issue(Warp &warp, Load load);
  void issue(Warp &warp, Store store);
  void issue(Warp &warp, WordCopy copy);
  /// `isExpected`: among the arrivals that the mbarrier expects; else it expects one more.
  void issue(Warp &warp, WordArrival arrival, bool isExpected);
  void waitStores(Warp &warp, Mask mask, size_t pending, bool onlyReads);
  void waitWords(Warp &warp, Mask mask, size_t pending);
  /// Reports an access of shared memory that races with an earlier one.
  void failConflict(Warp &warp, const Conflict &conflict, const char *what, int lane);

  //===- Global memory (OperationsMemory.cpp) ----------------------------------------===//
  /// Checks an access and marks what it means for other grids. False: it was reported.
  bool checkGlobal(Warp &warp, DeviceAddress address, uint32_t bytes, bool isWrite, bool isAsync, int lane);

  /// "PTX line N (OPCODE)"
  std::string describeInst(uint32_t pc) const;

private:
  bool step(Warp &warp, uint64_t limit);
  Warp *pick();
  bool anyIsBusy() const;
  bool completeSomething();
  void complete(Load &load);
  void readStore(Store &store);
  void writeStore(Store &store);
  void completeWord(const WordCopy &copy);
  void complete(const WordArrival &arrival);
  bool failUnfinished();
  void finish();
  void failDeadlock();
  void failAt(uint32_t pc, const Warp &warp, int lane, FaultKind kind, const std::string &what);
  void completePhase(Mbarrier &barrier);
  std::string waitsFor(const Warp &warp) const;

  friend class Warp;
  std::unique_ptr<uint32_t[]> registers;
  NamedBarrier barriers[16];
  std::unordered_map<uint32_t, Mbarrier> mbarriers;
  uint32_t mbarriersBegin = UINT32_MAX, mbarriersEnd = 0; ///< All lie between.
  unsigned mbarriersMade = 0; ///< Also those that were invalidated: a number is an agent's, and not used again.
  std::deque<Load> loads;
  std::deque<WordArrival> arrivals;

public:
  struct ProductRecord {
    uint32_t pc;
    uint64_t a, b;
    bool operator==(const ProductRecord &o) const { return pc == o.pc && a == o.a && b == o.b; }
  };
  std::vector<std::vector<ProductRecord>> productLog; ///< By warpgroup: what its first warp to come there executed.
  std::vector<uint64_t> productsIssued;               ///< By warp.
};

} // namespace mla::emulator

#endif // MLA_EMULATOR_BLOCK_H
