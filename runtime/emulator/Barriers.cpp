//===- Barriers.cpp - Barriers of a block ---------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

using namespace mla::emulator;

//===----------------------------------------------------------------------===//
// Named barriers
//===----------------------------------------------------------------------===//

/// `threads` 0: all of the block.
void Block::arrive(Warp &warp, unsigned number, uint32_t threads, bool waits) {
  if (number >= 16 || threads % lanes != 0 || threads > warps.size() * lanes)
    return warp.fail(FaultKind::Invalid, "barrier " + std::to_string(number) + " with " + std::to_string(threads) +
                                             " threads; expected a barrier from 0 to 15 and a multiple of 32 threads "
                                             "of at most the block's");
  NamedBarrier &barrier = barriers[number];
  uint32_t expected = threads ? threads : static_cast<uint32_t>(warps.size()) * lanes;
  if (!barrier.expected) {
    barrier.expected = expected;
    barrier.clock = Clock(agents.count());
  } else if (barrier.expected != expected) {
    return warp.fail(FaultKind::Barrier, "arrives at barrier " + std::to_string(number) + " for " +
                                             std::to_string(expected) + " threads, where others have arrived for " +
                                             std::to_string(barrier.expected));
  }
  barrier.clock.join(warp.clock);
  warp.tick();
  barrier.arrived += lanes;
  if (waits) {
    warp.state = Warp::State::AtBarrier;
    warp.barrier = number;
    warp.barrierPc = warp.pc;
  }
  if (barrier.arrived < barrier.expected)
    return;
  for (Warp &other : warps)
    if (other.state == Warp::State::AtBarrier && other.barrier == number) {
      other.clock.join(barrier.clock);
      other.state = Warp::State::Ready;
    }
  barrier = NamedBarrier();
}

//===----------------------------------------------------------------------===//
// mbarriers
//===----------------------------------------------------------------------===//

std::string Block::describeMbarrier(const Mbarrier &barrier) const {
  return "the mbarrier at " + hex(barrier.address) + " (phase " + std::to_string(barrier.phase) + ", " +
         std::to_string(barrier.pending) + " of " + std::to_string(barrier.expected) + " arrivals and " +
         std::to_string(barrier.transactions) + " bytes pending)";
}

bool Block::holdsMbarrier(uint32_t address, uint32_t bytes) const {
  if (address >= mbarriersEnd || address + bytes <= mbarriersBegin)
    return false;
  for (uint32_t at = address & ~7u; at < address + bytes; at += 8)
    if (mbarriers.count(at))
      return true;
  return false;
}

void Block::initMbarrier(Warp &warp, uint32_t address, uint32_t count, int lane) {
  if (address % 8 != 0)
    return warp.fail(FaultKind::Misaligned, "an mbarrier at " + hex(address) + "; expected a multiple of 8", lane);
  if (!shared.contains(address, 8))
    return warp.fail(FaultKind::OutOfBounds, hex(address) + " is outside of shared memory", lane);
  if (count < 1 || count > Mbarrier::maxArrivals)
    return warp.fail(FaultKind::Invalid,
                     "an mbarrier of " + std::to_string(count) + " arrivals; expected 1 to 2^20 - 1", lane);
  if (mbarriers.count(address))
    return warp.fail(FaultKind::Barrier,
                     describeMbarrier(mbarriers[address]) + " is initialized again; invalidate it before", lane);
  unsigned number = mbarriersMade;
  if (number >= Agents::maxBarriers)
    return warp.fail(FaultKind::Unsupported, "more than 128 mbarriers of a block are not emulated", lane);
  Accessor by{agents.warp(warp.index), warp.now(), warp.clock, warp.pc, false};
  if (Conflict conflict = shared.write(address, 8, by))
    return failConflict(warp, conflict, "initializes an mbarrier in", lane);
  mbarriersBegin = std::min(mbarriersBegin, address);
  mbarriersEnd = std::max(mbarriersEnd, address + 8);
  ++mbarriersMade;
  Mbarrier &barrier = mbarriers[address];
  barrier.address = address;
  barrier.number = number;
  barrier.expected = barrier.pending = count;
  barrier.arrived = barrier.completed = Clock(agents.count());
  barrier.initWarp = warp.index;
  barrier.initTime = warp.now();
  barrier.initPc = warp.pc;
}

void Block::invalidateMbarrier(Warp &warp, uint32_t address, int lane) {
  if (!findMbarrier(warp, address, lane))
    return;
  for (const Warp &other : warps)
    if (other.state == Warp::State::AtMbarrier && other.mbarrier == address)
      return warp.fail(FaultKind::Barrier,
                       "invalidates the mbarrier at " + hex(address) + ", for which warp " +
                           std::to_string(other.index) + " waits",
                       lane);
  mbarriers.erase(address);
}

/// An mbarrier whose initialization happened before.
Mbarrier *Block::findMbarrier(Warp &warp, uint32_t address, int lane) {
  auto found = mbarriers.find(address);
  if (found == mbarriers.end()) {
    warp.fail(FaultKind::Barrier, "no mbarrier was initialized at " + hex(address), lane);
    return nullptr;
  }
  Mbarrier &barrier = found->second;
  if (warp.clock.all[agents.warp(barrier.initWarp)] >= barrier.initTime)
    return &barrier;
  warp.fail(FaultKind::Race,
            "nothing orders the initialization of the mbarrier at " + hex(address) + " by warp " +
                std::to_string(barrier.initWarp) + " at " + describeInst(barrier.initPc) + " before its use",
            lane);
  return nullptr;
}

void Block::showMbarriersToCopies(const Warp &warp) {
  for (auto &[address, barrier] : mbarriers)
    if (warp.clock.all[agents.warp(barrier.initWarp)] >= barrier.initTime)
      barrier.isVisibleToCopies = true;
}

void Block::arriveOn(Warp &warp, Mbarrier &barrier, int64_t count, int64_t transactions, int lane) {
  barrier.transactions += transactions;
  if (count > barrier.pending)
    return warp.fail(FaultKind::Barrier, "more arrivals than expected at " + describeMbarrier(barrier), lane);
  if (std::abs(barrier.transactions) > Mbarrier::maxArrivals)
    return warp.fail(FaultKind::Barrier, "more pending bytes than 2^20 - 1 at " + describeMbarrier(barrier), lane);
  if (count > 0) { // expecting bytes alone orders nothing
    barrier.arrived.join(warp.clock);
    warp.tick();
  }
  barrier.pending -= count;
  completePhase(barrier);
}

void Block::countBytes(Mbarrier &barrier, int64_t bytes) {
  barrier.transactions -= bytes;
  completePhase(barrier);
}

/// Completes the phase if nothing is pending.
void Block::completePhase(Mbarrier &barrier) {
  if (barrier.pending != 0 || barrier.transactions != 0)
    return;
  for (Warp &warp : warps) {
    if (warp.mbarrier != barrier.address || !warp.wasReleased)
      continue;
    // It waits for the phase before, and would not see it any more.
    failAt(warp.pc, warp, -1, FaultKind::Barrier,
           "phase overrun: phase " + std::to_string(barrier.phase) + " of " + describeMbarrier(barrier) +
               " completes while the warp may still wait for the phase before");
  }
  ++barrier.phase;
  barrier.pending = barrier.expected;
  barrier.completed.join(barrier.arrived);
  barrier.completed.all[agents.copies(barrier.number)] = static_cast<Time>(barrier.phase);
  for (Warp &warp : warps)
    if (warp.state == Warp::State::AtMbarrier && warp.mbarrier == barrier.address &&
        barrier.hasCompleted(warp.parity)) {
      warp.state = Warp::State::Ready;
      warp.wasReleased = true;
    }
}

bool Block::testMbarrier(Warp &warp, Mbarrier &barrier, uint32_t parity, bool waits) {
  if (barrier.hasCompleted(parity)) {
    warp.clock.join(barrier.completed);
    warp.wasReleased = false;
    warp.mbarrier = 0;
    return true;
  }
  if (warp.wasReleased && warp.mbarrier == barrier.address) {
    warp.fail(FaultKind::Barrier, "phase overrun: the warp waits for a phase of " + describeMbarrier(barrier) +
                                      " after which another has completed");
    return false;
  }
  warp.mbarrier = barrier.address;
  warp.parity = parity;
  if (waits)
    warp.state = Warp::State::AtMbarrier;
  return false;
}
