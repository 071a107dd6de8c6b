//===- Warp.h - The state of a warp -----------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_WARP_H
#define MLA_EMULATOR_WARP_H

#include "Clock.h"
#include "Copies.h"
#include "Fault.h"
#include "Products.h"
#include "Program.h"

namespace mla::emulator {

class Block;

/// Lanes that go on together from an instruction until another.
struct Frame {
  uint32_t pc, reconvergence;
  Mask mask;
};

class Warp {
public:
  enum class State { Ready, AtBarrier, AtMbarrier, AtProducts, AtRegisters, AtGridDependency, Done };

  Warp(Block &block, unsigned index, uint32_t threads);

  //===- Control -----------------------------------------------------------===//
  Block &block;
  unsigned index;
  State state = State::Ready;
  uint32_t pc = 0, nextPc = 0, reconvergence = UINT32_MAX;
  Mask alive = 0, active = 0;
  std::vector<Frame> stack; ///< What comes after the current lanes meet the others.
  /// Lanes leave for `target`; the others go on behind the branch.
  void diverge(const Inst &inst, Mask taken, uint32_t target);
  void exit(Mask mask);
  /// Ends frames whose lanes have all met or exited.
  void converge();
  // What it waits for.
  unsigned barrier = 0;   ///< A named barrier.
  uint32_t barrierPc = 0; ///< The instruction that waits for it.
  uint32_t mbarrier = 0;  ///< An address.
  uint32_t parity = 0;
  uint64_t awaitedProduct = 0; ///< Of the other warps of its warpgroup.
  bool hasGivenUp = false;     ///< Its last try_wait returned false.
  bool wasReleased = false;    ///< The phase it waits for has completed; it has not gone on yet.
  bool yields = false;         ///< Has asked for a phase that is not complete: others go on before it asks again.
  uint64_t executed = 0;       ///< Instructions.

  //===- Registers ---------------------------------------------------------===//
  uint32_t *cells = nullptr;     ///< [program.cells][lanes]
  std::vector<Halves> undefined; ///< By cell.
  std::vector<Mask> predicates, undefinedPredicates;
  std::vector<uint32_t> writtenAt; ///< By cell: the step of its last write, for registers that a wgmma reads.
  std::vector<bool> isConstant;    ///< By cell: its last write was the move of a constant.
  uint32_t step = 0, fencedAt = 0; ///< Steps count writes and wgmma.fence, from 1 on.
  bool hasTriggered = false;       ///< Executed griddepcontrol.launch_dependents.
  uint32_t registersPerThread;     ///< The kernel's, or what setmaxnreg made of it.

  uint32_t *words(int32_t cell) { return cells + size_t(cell) * lanes; }
  uint64_t *longs(int32_t cell) { return reinterpret_cast<uint64_t *>(words(cell)); }
  const uint32_t *words(const Source &s) { return s.constant ? s.constant : words(s.cell); }
  const uint64_t *longs(const Source &s) { return reinterpret_cast<const uint64_t *>(words(s)); }
  Halves undefinedHalves(const Source &s) const { return s.constant ? Halves{0, 0} : undefined[s.cell]; }
  Mask undefinedOf(const Source &s) const { return undefinedHalves(s).low | undefinedHalves(s).high; }
  void setUndefined(int32_t cell, Mask mask, Mask which) { setUndefined(cell, mask, Halves{which, which}); }
  void setUndefined(int32_t cell, Mask mask, Halves which) {
    undefined[cell].low = (undefined[cell].low & ~mask) | (which.low & mask);
    undefined[cell].high = (undefined[cell].high & ~mask) | (which.high & mask);
  }

  //===- Order -------------------------------------------------------------===//
  Clock clock;
  Time now() const { return clock.all[index]; }
  /// What it does from here on is later than what a release, a fence or an arrival has published.
  void tick() { ++clock.all[index]; }

  //===- Asynchronous operations -------------------------------------------===//
  Products products;
  CopyGroups<Store> stores[lanes];
  CopyGroups<WordCopy> wordCopies[lanes];
  Time storesIssued = 0, wordsIssued = 0;

  //===- Errors ------------------------------------------------------------===//
  /// The instruction at which it waits: pc is that after it where the instruction is not executed again.
  uint32_t waitsAt() const { return state == State::AtBarrier ? barrierPc : pc; }
  /// Reports undefined behavior of the current instruction. `lane` -1: of the warp.
  void fail(FaultKind kind, const std::string &what, int lane = -1);
  /// Reports, and returns true, if a lane of `mask` has an undefined value in what decides: an address, a branch.
  bool failIfUndefined(Mask undefined, Mask mask, const char *what);
};

} // namespace mla::emulator

#endif // MLA_EMULATOR_WARP_H
