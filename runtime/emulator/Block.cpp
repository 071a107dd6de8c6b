//===- Block.cpp - A block of threads: the order of things ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include <bit>

using namespace mla::emulator;

Block::Block(const GridInfo &grid, const uint32_t (&index)[3], const Settings &settings, uint64_t seed)
    : grid(grid), program(*grid.program), settings(settings), blockIndex{index[0], index[1], index[2]}, random(seed) {
  unsigned count = (grid.threads() + lanes - 1) / lanes;
  agents.warps = count;
  shared.begin(agents, program.staticShared + grid.dynamicShared);
  // Uninitialized memory is NaN as f32 and as bf16.
  size_t words = size_t(count) * program.cells * lanes + lanes;
  registers.reset(new uint32_t[words]);
  std::memset(registers.get(), 0xff, words * sizeof(uint32_t));
  warps.reserve(count);
  for (unsigned i = 0; i < count; ++i)
    warps.emplace_back(*this, i, grid.threads() - i * lanes);
  productLog.resize((count + 3) / 4);
  productsIssued.assign(count, 0);
  counters.blocks = 1;
}

std::string Block::describeInst(uint32_t pc) const {
  const ptx::Instruction &text = *program.code[std::min<size_t>(pc, program.code.size() - 1)].text;
  std::string source = text.sourceLine ? ", source line " + std::to_string(text.sourceLine) : "";
  return "PTX line " + std::to_string(text.line) + " (" + text.opcode + source + ")";
}

void Block::failAt(uint32_t pc, const Warp &warp, int lane, FaultKind kind, const std::string &what) {
  if (fault)
    return; // what follows from the first
  std::string where = program.name + ": " + describeInst(pc) + ", block (" + std::to_string(blockIndex[0]) + ", " +
                      std::to_string(blockIndex[1]) + ", " + std::to_string(blockIndex[2]) + "), warp " +
                      std::to_string(warp.index) + (lane >= 0 ? ", lane " + std::to_string(lane) : "");
  fault = Fault{kind, where + ": " + what};
}

//===----------------------------------------------------------------------===//
// One warp
//===----------------------------------------------------------------------===//

static void count(Counters &counters, const Inst &inst, Mask mask) {
  ++counters.warpInstructions[static_cast<size_t>(inst.kind)];
  counters.threadInstructions += std::popcount(mask);
}

/// Registers of products in flight must not be touched, and those that a product reads not be written.
static bool touchesProduct(Warp &warp, const Inst &inst) {
  auto isPending = [&](int32_t cell) { return cell >= 0 && warp.products.isPending(cell); };
  auto isPendingSource = [&](const Source &source) {
    return !source.constant && !source.isPredicate && isPending(static_cast<int32_t>(source.cell));
  };
  bool bad = false;
  for (unsigned i = 0; i < inst.numSources; ++i)
    bad |= isPendingSource(inst.sources[i]);
  for (const Source &input : inst.inputs)
    bad |= isPendingSource(input);
  auto written = [&](int32_t cell) { return isPending(cell) || (cell >= 0 && warp.products.isRead(cell)); };
  if (!inst.destinationIsPredicate)
    bad |= written(inst.destination);
  for (int32_t result : inst.results)
    bad |= written(result);
  if (bad)
    warp.fail(FaultKind::ProductPending,
              "touches a register of a wgmma that is in flight; wait for its group (wgmma.wait_group) before");
  return bad;
}

static void noteWrites(Warp &warp, const Inst &inst) {
  uint32_t step = ++warp.step;
  auto note = [&](int32_t cell) {
    warp.writtenAt[cell] = step;
    warp.isConstant[cell] = false;
  };
  if (inst.destination >= 0 && !inst.destinationIsPredicate)
    note(inst.destination);
  for (int32_t result : inst.results)
    if (result >= 0)
      note(result);
}

/// Executes up to `count` instructions. Returns false if the warp did not go on.
bool Block::step(Warp &warp, uint64_t limit) {
  const Inst *code = program.code.data();
  uint64_t before = warp.executed;
  limit = std::min(limit, settings.instructions - std::min(settings.instructions, before) + 1);
  warp.yields = false;
  for (uint64_t i = 0; i < limit && !warp.yields && warp.state == Warp::State::Ready; ++i) {
    const Inst &inst = code[warp.pc];
    Mask mask = warp.active;
    if (inst.guard >= 0) {
      if (warp.failIfUndefined(warp.undefinedPredicates[inst.guard], mask, "the predicate"))
        return true;
      mask &= warp.predicates[inst.guard] ^ (inst.guardIsNegated ? allLanes : 0);
    }
    count(counters, inst, mask);
    warp.nextPc = warp.pc + 1;
    if (inst.isAligned && mask && mask != warp.alive) {
      warp.fail(FaultKind::Divergence, "only some of the warp's threads execute an instruction that is .aligned");
      return true;
    }
    if (mask && inst.touchesProducts && touchesProduct(warp, inst))
      return true;
    if (mask)
      inst.run(warp, inst, mask);
    if (fault)
      return true;
    if (warp.state != Warp::State::Ready && warp.nextPc == warp.pc)
      break; // executed again when what it waits for is there
    if (inst.writesProductInput && mask)
      noteWrites(warp, inst);
    ++warp.executed;
    warp.pc = warp.nextPc;
    warp.converge();
    if (warp.state == Warp::State::Done) {
      if (!warp.hasTriggered)
        ++triggered;
      break;
    }
  }
  if (warp.executed > settings.instructions)
    warp.fail(FaultKind::Limit, "the warp has executed " + std::to_string(warp.executed) +
                                    " instructions, more than the limit; is this an endless loop?");
  return warp.executed != before;
}

//===----------------------------------------------------------------------===//
// All warps
//===----------------------------------------------------------------------===//

Warp *Block::pick() {
  Warp *found = nullptr;
  unsigned candidates = 0;
  for (unsigned i = 0; i < warps.size(); ++i) {
    Warp &warp = warps[isLazy() ? warps.size() - 1 - i : i];
    if (warp.state != Warp::State::Ready)
      continue;
    if (settings.policy != Policy::Random && !warp.yields)
      return &warp;
    if (random() % ++candidates == 0)
      found = &warp;
  }
  return found;
}

/// Returns whether a warp can proceed other than by polling (mbarrier.test_wait).
bool Block::anyIsBusy() const {
  for (const Warp &warp : warps)
    if (warp.state == Warp::State::Ready && !warp.yields)
      return true;
  return false;
}

template <typename T> static T takeOut(std::deque<T> &from, size_t which) {
  T taken = std::move(from[which]);
  from.erase(from.begin() + static_cast<std::ptrdiff_t>(which));
  return taken;
}

/// Lets one asynchronous operation complete that nothing but time holds back.
bool Block::completeSomething() {
  size_t count = loads.size() + arrivals.size();
  if (!count)
    return false;
  // Copies complete in any order.
  size_t which = settings.policy == Policy::Random ? random() % count : isLazy() ? count - 1 : 0;
  if (which >= loads.size()) {
    complete(takeOut(arrivals, which - loads.size()));
    return true;
  }
  Load load = takeOut(loads, which);
  complete(load);
  return true;
}

/// Reports what must have completed when all warps are done.
bool Block::failUnfinished() {
  if (!loads.empty())
    failAt(loads.front().pc, warps[loads.front().warp], -1, FaultKind::CopyPending,
           "the block exits before this copy to shared memory has completed; wait for its mbarrier");
  else if (!arrivals.empty())
    failAt(arrivals.front().pc, warps[arrivals.front().warp], static_cast<int>(arrivals.front().lane),
           FaultKind::CopyPending, "the block exits before this arrival has come; wait for its mbarrier");
  return fault.has_value();
}

Block::Outcome Block::run(bool early) {
  isEarly = early;
  if (!early)
    for (Warp &warp : warps)
      if (warp.state == Warp::State::AtGridDependency)
        warp.state = Warp::State::Ready;
  while (!fault) {
    if (Warp *warp = pick()) {
      step(*warp, settings.policy == Policy::Random ? 1 + random() % 64 : UINT64_MAX);
      if (warp->yields && !anyIsBusy() && !completeSomething() && isEarly)
        return Outcome::Waiting;
      if (sometimes(4))
        completeSomething();
      if (sometimes(4))
        warp->products.computeOne(*warp);
      continue;
    }
    if (isEarly)
      return Outcome::Waiting;
    bool done = true;
    for (const Warp &warp : warps)
      done &= warp.state == Warp::State::Done;
    if (done && failUnfinished())
      break;
    if (completeSomething())
      continue;
    if (!done)
      failDeadlock();
    else
      finish();
    break;
  }
  return fault ? Outcome::Failed : Outcome::Done;
}

/// Reports operations that must have completed when a CTA ends.
void Block::finish() {
  for (Warp &warp : warps) {
    if (!warp.products.isEmpty())
      warp.fail(FaultKind::ProductPending, "the warp exits before its wgmma have completed (wgmma.wait_group)");
    for (unsigned lane = 0; lane < lanes; ++lane)
      warp.stores[lane].forAll([&](Store &store) {
        if (!store.isAwaited)
          failAt(store.pc, warp, static_cast<int>(lane), FaultKind::CopyPending,
                 "the thread exits before this copy has read shared memory (cp.async.bulk.wait_group.read)");
        else
          writeStore(store);
      });
  }
}

std::string Block::waitsFor(const Warp &warp) const {
  std::string where = "warp " + std::to_string(warp.index) + " at " + describeInst(warp.waitsAt()) + " ";
  switch (warp.state) {
  case Warp::State::AtBarrier: {
    const NamedBarrier &barrier = barriers[warp.barrier];
    return where + "for barrier " + std::to_string(warp.barrier) + ", where " + std::to_string(barrier.arrived) +
           " of " + std::to_string(barrier.expected) + " threads have arrived";
  }
  case Warp::State::AtMbarrier:
    return where + "for parity " + std::to_string(warp.parity) + " of " +
           describeMbarrier(mbarriers.find(warp.mbarrier)->second);
  case Warp::State::AtProducts:
    return where + "for the other warps of its warpgroup to execute wgmma " + std::to_string(warp.awaitedProduct);
  case Warp::State::AtRegisters:
    return where + "for registers that other warps do not give back (setmaxnreg.dec)";
  case Warp::State::AtGridDependency:
    return where + "for the preceding grid";
  default:
    return where;
  }
}

void Block::failDeadlock() {
  std::string text = "no warp can go on:";
  const Warp *first = nullptr;
  for (const Warp &warp : warps) {
    if (warp.state == Warp::State::Done)
      continue;
    text += std::string(first ? "; " : " ") + waitsFor(warp);
    first = first ? first : &warp;
  }
  failAt(first->waitsAt(), *first, -1, FaultKind::Deadlock, text);
}
