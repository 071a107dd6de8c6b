//===- Copies.cpp - Asynchronous copies of a block ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A copy checks its operands where it is issued, and moves its bytes where it
// completes. In between its destination in shared memory holds 0xff that nobody
// wrote.
//
//===----------------------------------------------------------------------===//

#include "Block.h"

using namespace mla::emulator;

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

/// The rows of a box, clipped to the tensor. Rows and parts of rows outside have no address.
static std::vector<GlobalSide::Piece> piecesOfTile(const GlobalSide &side) {
  const TensorMap &map = side.map;
  uint32_t rowBytes = static_cast<uint32_t>(map.rowBytes());
  uint64_t rows = map.boxBytes() / rowBytes;
  std::vector<GlobalSide::Piece> pieces;
  int64_t first = side.coordinates[0], end = first + map.box[0], size = static_cast<int64_t>(map.dims[0]);
  int64_t from = std::clamp<int64_t>(0, first, end), to = std::clamp(size, from, end);
  uint32_t before = static_cast<uint32_t>((from - first) * map.elementBytes);
  uint32_t inside = static_cast<uint32_t>((to - from) * map.elementBytes);
  for (uint64_t row = 0; row < rows; ++row) {
    uint64_t address = map.address + static_cast<uint64_t>(from) * map.elementBytes, rest = row;
    bool isInside = inside > 0;
    for (unsigned i = 1; i < map.rank; ++i) {
      int64_t at = side.coordinates[i] + static_cast<int64_t>(rest % map.box[i]);
      rest /= map.box[i];
      isInside &= at >= 0 && at < static_cast<int64_t>(map.dims[i]);
      address += static_cast<uint64_t>(at) * map.strides[i - 1];
    }
    uint32_t offset = static_cast<uint32_t>(row) * rowBytes;
    if (!isInside) {
      pieces.push_back({offset, rowBytes, 0});
      continue;
    }
    if (before)
      pieces.push_back({offset, before, 0});
    pieces.push_back({offset + before, inside, address});
    if (before + inside < rowBytes)
      pieces.push_back({offset + before + inside, rowBytes - before - inside, 0});
  }
  return pieces;
}

std::vector<GlobalSide::Piece> GlobalSide::pieces() const {
  if (isTile)
    return piecesOfTile(*this);
  return {{0, bytes, address}};
}

/// Calls action(shared address, offset in the piece, bytes) for the runs of a piece that swizzling leaves together.
template <typename Action>
static void forRuns(const GlobalSide &side, uint32_t shared, const GlobalSide::Piece &piece, Action action) {
  constexpr uint32_t chunk = 16;
  uint32_t step = side.swizzle() ? chunk : piece.bytes;
  for (uint32_t done = 0; done < piece.bytes;) {
    uint32_t offset = piece.offset + done,
             bytes = std::min(step - (side.swizzle() ? offset % chunk : 0), piece.bytes - done);
    action(swizzled(shared + offset, side.swizzle()), done, bytes);
    done += bytes;
  }
}

static std::string checkPlace(uint32_t shared, const GlobalSide &side) {
  uint32_t alignment = !side.isTile ? 16 : side.map.swizzle ? side.map.swizzle * 8u : 128;
  if (shared % alignment != 0)
    return "shared memory at " + hex(shared) + "; expected a multiple of " + std::to_string(alignment);
  if (!side.isTile && (side.bytes % 16 != 0 || side.address % 16 != 0))
    return std::to_string(side.bytes) + " bytes at " + hex(side.address) + "; expected multiples of 16";
  return "";
}

/// Checks what both directions have in common. False: it was reported.
static bool check(Warp &warp, uint32_t shared, const GlobalSide &side, bool isWrite, int lane) {
  Block &block = warp.block;
  std::string misplaced = checkPlace(shared, side);
  if (!misplaced.empty())
    return warp.fail(FaultKind::Misaligned, "a copy with " + misplaced, lane), false;
  if (!block.shared.contains(shared, side.bytes))
    return warp.fail(FaultKind::OutOfBounds,
                     "a copy of " + std::to_string(side.bytes) + " bytes at shared address " + hex(shared) +
                         ", outside of the block's " + std::to_string(block.shared.size()) + " bytes",
                     lane),
           false;
  if (block.holdsMbarrier(shared, side.bytes))
    return warp.fail(FaultKind::Barrier, "a copy at shared address " + hex(shared) + " covers an mbarrier", lane),
           false;
  for (const GlobalSide::Piece &piece : side.pieces())
    if (piece.global && !block.checkGlobal(warp, piece.global, piece.bytes, isWrite, true, lane))
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Conflicts
//===----------------------------------------------------------------------===//

void Block::failConflict(Warp &warp, const Conflict &conflict, const char *what, int lane) {
  std::string text = std::string(what) + " shared memory at " + hex(conflict.address) + ", which ";
  std::string at = " at " + describeInst(conflict.pc);
  unsigned w = warps.size(), agent = conflict.agent;
  std::string ofWarp = " of warp " + std::to_string(agent % w);
  if (conflict.kind == Conflict::Read) {
    const char *readers[] = {"a load", "a wgmma", "a bulk store"};
    text += std::string(readers[agent / w]) + ofWarp + at + " reads; nothing orders the two";
    return warp.fail(FaultKind::Race, text, lane);
  }
  if (conflict.kind == Conflict::UnfencedWrite) {
    text += "warp " + std::to_string(agent % w) + " writes" + at +
            "; the asynchronous proxy sees it only behind a fence.proxy.async";
    return warp.fail(FaultKind::ProxyFence, text, lane);
  }
  if (agents.isWarp(agent))
    return warp.fail(FaultKind::Race,
                     text + "warp " + std::to_string(agent) + " writes" + at + "; nothing orders the two", lane);
  if (agent < agents.copies(0)) // cp.async
    return warp.fail(FaultKind::CopyPending,
                     text + "the copy" + ofWarp + at + " writes; the warp has not waited for it (cp.async.wait_group)",
                     lane);
  std::string barrier = "its mbarrier";
  for (const auto &[address, candidate] : mbarriers)
    if (agents.copies(candidate.number) == agent)
      barrier = describeMbarrier(candidate);
  warp.fail(FaultKind::CopyPending,
            text + "the copy" + at + " writes; " +
                (conflict.time == never ? "it has not completed on " + barrier
                                        : "the warp has not waited for the phase of " + barrier + " that it completed"),
            lane);
}

//===----------------------------------------------------------------------===//
// To shared memory, counted on an mbarrier
//===----------------------------------------------------------------------===//

void Block::issue(Warp &warp, Load load) {
  int lane = -1;
  Mbarrier *barrier = findMbarrier(warp, load.barrier, lane);
  if (!barrier || !check(warp, load.shared, load.from, /*isWrite=*/false, lane))
    return;
  if (!barrier->isVisibleToCopies)
    return warp.fail(FaultKind::ProxyFence, "the copy counts on the mbarrier at " + hex(load.barrier) +
                                                ", whose initialization at " + describeInst(barrier->initPc) +
                                                " it sees only behind a fence.mbarrier_init or fence.proxy.async");
  Accessor by{agents.copies(barrier->number), never, warp.clock, warp.pc, true};
  if (Conflict conflict = shared.write(load.shared, load.from.bytes, by))
    return failConflict(warp, conflict, "the copy overwrites", lane);
  // Asynchronous reads that the issuer has waited for came before the copy, and so before who waits for the copy.
  for (unsigned agent = agents.products(0); agent < agents.words(0); ++agent)
    barrier->arrived.all[agent] = std::max(barrier->arrived.all[agent], warp.clock.all[agent]);
  std::memset(shared.contents(load.shared), 0xff, load.from.bytes);
  std::memset(shared.undefined(load.shared), 1, load.from.bytes);
  counters.copiedIn += load.from.bytes;
  load.clock = warp.clock;
  warp.tick();
  if (isEager())
    complete(load);
  else
    loads.push_back(std::move(load));
}

void Block::complete(Load &load) {
  GlobalMemory &memory = globalMemory();
  for (const GlobalSide::Piece &piece : load.from.pieces())
    forRuns(load.from, load.shared, piece, [&](uint32_t to, uint32_t done, uint32_t bytes) {
      uint8_t *contents = shared.contents(to), *undefined = shared.undefined(to);
      if (!piece.global) {
        std::memset(contents, 0, bytes);
        std::memset(undefined, 0, bytes);
        return;
      }
      std::memcpy(contents, memory.contents(piece.global + done), bytes);
      const uint8_t *state = memory.state(piece.global + done);
      for (uint32_t i = 0; i < bytes; ++i)
        undefined[i] = !(state[i] & Written);
    });
  auto found = mbarriers.find(load.barrier);
  if (found == mbarriers.end())
    return failAt(load.pc, warps[load.warp], -1, FaultKind::Barrier,
                  "the mbarrier at " + hex(load.barrier) + " was invalidated before the copy completed");
  Mbarrier &barrier = found->second;
  // Whoever has observed that this phase completed has observed the copy.
  shared.complete(load.shared, load.from.bytes, static_cast<Time>(barrier.phase) + 1);
  barrier.arrived.join(load.clock);
  countBytes(barrier, load.from.bytes);
}

//===----------------------------------------------------------------------===//
// To global memory, in bulk groups per thread
//===----------------------------------------------------------------------===//

void Block::issue(Warp &warp, Store store) {
  int lane = static_cast<int>(store.lane);
  if (!check(warp, store.shared, store.to, /*isWrite=*/true, lane))
    return;
  store.time = ++warp.storesIssued;
  Accessor by{agents.stores(warp.index), store.time, warp.clock, warp.pc, true};
  if (Conflict conflict = shared.read(store.shared, store.to.bytes, by))
    return failConflict(warp, conflict, "the copy reads", lane);
  counters.copiedOut += store.to.bytes;
  if (isEager()) {
    readStore(store);
    writeStore(store);
  }
  warp.stores[store.lane].open.push_back(std::move(store));
}

void Block::readStore(Store &store) {
  if (store.isRead)
    return;
  store.isRead = true;
  const uint8_t *from = shared.contents(store.shared), *undefined = shared.undefined(store.shared);
  store.data.assign(from, from + store.to.bytes);
  store.undefined.assign(undefined, undefined + store.to.bytes);
}

/// Writes what was read, once.
void Block::writeStore(Store &store) {
  if (store.isWritten)
    return;
  store.isWritten = true;
  GlobalMemory &memory = globalMemory();
  for (const GlobalSide::Piece &piece : store.to.pieces()) {
    if (!piece.global)
      continue;
    forRuns(store.to, store.shared, piece, [&](uint32_t from, uint32_t done, uint32_t bytes) {
      uint32_t at = from - store.shared;
      std::memcpy(memory.contents(piece.global + done), &store.data[at], bytes);
      for (uint32_t i = 0; i < bytes; ++i) {
        uint8_t &state = *memory.state(piece.global + done + i);
        state = store.undefined[at + i] ? state & ~Written : state | Written;
      }
    });
  }
}

/// The time up to which all that lanes issued is complete, given what is pending.
template <typename Copy, typename IsPending>
static Time completedUpTo(CopyGroups<Copy> (&groups)[lanes], Time issued, IsPending isPending) {
  Time time = issued;
  for (CopyGroups<Copy> &group : groups)
    group.forAll([&](Copy &copy) {
      if (isPending(copy))
        time = std::min(time, copy.time - 1);
    });
  return time;
}

void Block::waitStores(Warp &warp, Mask mask, size_t pending, bool onlyReads) {
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    warp.stores[lane].forOlder(pending, [&](Store &store) {
      readStore(store);
      store.isAwaited = true;
    });
    if (onlyReads)
      continue;
    warp.stores[lane].forOlder(pending, [&](Store &store) { writeStore(store); });
    warp.stores[lane].dropOlder(pending);
  }
  warp.clock.all[agents.stores(warp.index)] =
      completedUpTo(warp.stores, warp.storesIssued, [](const Store &store) { return !store.isAwaited; });
}

//===----------------------------------------------------------------------===//
// Words (cp.async)
//===----------------------------------------------------------------------===//

void Block::issue(Warp &warp, WordCopy copy) {
  int lane = static_cast<int>(copy.lane);
  if (copy.shared % copy.bytes != 0 || copy.global % copy.bytes != 0)
    return warp.fail(FaultKind::Misaligned,
                     "a copy of " + std::to_string(copy.bytes) + " bytes from " + hex(copy.global) + " to " +
                         hex(copy.shared),
                     lane);
  if (!shared.contains(copy.shared, copy.bytes))
    return warp.fail(FaultKind::OutOfBounds, hex(copy.shared) + " is outside of shared memory", lane);
  if (holdsMbarrier(copy.shared, copy.bytes))
    return warp.fail(FaultKind::Barrier, "the copy covers the mbarrier at " + hex(copy.shared & ~7u), lane);
  if (copy.read > copy.bytes)
    return warp.fail(FaultKind::Invalid,
                     "reads " + std::to_string(copy.read) + " bytes for a copy of " + std::to_string(copy.bytes), lane);
  if (copy.read && !checkGlobal(warp, copy.global, copy.read, false, false, lane))
    return;
  copy.time = ++warp.wordsIssued;
  Accessor by{agents.words(warp.index), copy.time, warp.clock, warp.pc, false};
  if (Conflict conflict = shared.write(copy.shared, copy.bytes, by))
    return failConflict(warp, conflict, "the copy overwrites", lane);
  std::memset(shared.contents(copy.shared), 0xff, copy.bytes);
  std::memset(shared.undefined(copy.shared), 1, copy.bytes);
  counters.copiedIn += copy.bytes;
  if (isEager())
    completeWord(copy);
  warp.wordCopies[copy.lane].open.push_back(copy);
}

void Block::completeWord(const WordCopy &copy) {
  std::memset(shared.contents(copy.shared), 0, copy.bytes);
  std::memset(shared.undefined(copy.shared), 0, copy.bytes);
  if (!copy.read)
    return;
  std::memcpy(shared.contents(copy.shared), globalMemory().contents(copy.global), copy.read);
  const uint8_t *state = globalMemory().state(copy.global);
  for (uint32_t i = 0; i < copy.read; ++i)
    shared.undefined(copy.shared)[i] = !(state[i] & Written);
}

void Block::issue(Warp &warp, WordArrival arrival, bool isExpected) {
  int lane = static_cast<int>(arrival.lane);
  Mbarrier *barrier = findMbarrier(warp, arrival.barrier, lane);
  if (!barrier)
    return;
  if (!isExpected && ++barrier->pending > Mbarrier::maxArrivals)
    return warp.fail(FaultKind::Barrier, "more than 2^20 - 1 pending arrivals at " + describeMbarrier(*barrier), lane);
  warp.wordCopies[arrival.lane].forAll([](WordCopy &copy) { copy.isCounted = true; });
  arrival.time = warp.wordsIssued;
  arrival.clock = warp.clock;
  warp.tick();
  if (isEager())
    complete(arrival);
  else
    arrivals.push_back(std::move(arrival));
}

/// The copies of the thread complete at the latest now, and who has seen the phase complete has seen them.
void Block::complete(const WordArrival &arrival) {
  Warp &warp = warps[arrival.warp];
  int lane = static_cast<int>(arrival.lane);
  auto found = mbarriers.find(arrival.barrier);
  if (found == mbarriers.end())
    return failAt(arrival.pc, warp, lane, FaultKind::Barrier,
                  "the mbarrier at " + hex(arrival.barrier) + " was invalidated before this arrival");
  Mbarrier &barrier = found->second;
  if (barrier.pending < 1)
    return failAt(arrival.pc, warp, lane, FaultKind::Barrier,
                  "more arrivals than expected at " + describeMbarrier(barrier));
  warp.wordCopies[arrival.lane].drop([&](const WordCopy &copy) {
    if (copy.time > arrival.time)
      return false;
    completeWord(copy);
    return true;
  });
  barrier.arrived.join(arrival.clock);
  Time &seen = barrier.arrived.all[agents.words(arrival.warp)];
  Time completed = completedUpTo(warp.wordCopies, warp.wordsIssued, [](const WordCopy &) { return true; });
  seen = std::max(seen, std::min(completed, arrival.time));
  --barrier.pending;
  completePhase(barrier);
}

void Block::waitWords(Warp &warp, Mask mask, size_t pending) {
  for (unsigned lane = 0; lane < lanes; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    warp.wordCopies[lane].forOlder(pending, [&](const WordCopy &copy) { completeWord(copy); });
    warp.wordCopies[lane].dropOlder(pending);
  }
  Time &seen = warp.clock.all[agents.words(warp.index)];
  seen = std::max(seen, completedUpTo(warp.wordCopies, warp.wordsIssued, [](const WordCopy &) { return true; }));
}
