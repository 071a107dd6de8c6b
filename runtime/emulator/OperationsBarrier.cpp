//===- OperationsBarrier.cpp - Barriers, fences, grids --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 8.6, 9.7.13.1 (bar), 9.7.13.4 (membar, fence), 9.7.13.15 (mbarrier),
// 9.7.13.14 (griddepcontrol), 9.7.16 (setmaxnreg).
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace mla::emulator;

static constexpr InstClass kind = InstClass::Barrier;

//===----------------------------------------------------------------------===//
// bar
//===----------------------------------------------------------------------===//

template <bool waits> static void bar(Warp &warp, const Inst &inst, Mask mask) {
  u32 number = 0, threads = 0;
  if (!uniform(warp, inst.sources[0], mask, "the barrier", number))
    return;
  if (inst.numSources > 1 && !uniform(warp, inst.sources[1], mask, "the number of threads", threads))
    return;
  if (inst.numSources > 1 && threads == 0)
    return warp.fail(FaultKind::Invalid, "a barrier for 0 threads; expected a multiple of 32");
  warp.block.arrive(warp, number, threads, waits);
}

/// bar, or barrier with .aligned: bar is short for that.
static void decodeBar(Decoder &decoder, Inst &inst) {
  bool arrives = decoder.accept("arrive");
  if (!arrives && !decoder.accept("sync"))
    return decoder.fail("this form is not emulated");
  if (decoder.text->opcode.starts_with("barrier") && !decoder.accept("aligned"))
    return decoder.fail("only the aligned form is emulated");
  if (!decoder.expectOperands(arrives ? 2 : 1, 2))
    return;
  for (size_t i = 0; i < decoder.numOperands(); ++i)
    decoder.addSource(inst, decoder.operand(i), 'w');
  inst.isAligned = true;
  inst.run = arrives ? bar<false> : bar<true>;
}

//===----------------------------------------------------------------------===//
// mbarrier
//===----------------------------------------------------------------------===//

/// Returns the shared address of an mbarrier, which is source 0.
static u32 barrierAddress(Warp &warp, const Inst &inst, unsigned lane) {
  return static_cast<u32>(addressOf(warp, inst, 0, lane));
}

static void initBarrier(Warp &warp, const Inst &inst, Mask mask) {
  if (!areDefined(warp, inst, mask))
    return;
  forLanes(mask, [&](unsigned lane) {
    warp.block.initMbarrier(warp, barrierAddress(warp, inst, lane), warp.words(inst.sources[1])[lane],
                            static_cast<int>(lane));
  });
}

static void invalidateBarrier(Warp &warp, const Inst &inst, Mask mask) {
  if (areDefined(warp, inst, mask))
    forLanes(mask, [&](unsigned lane) {
      warp.block.invalidateMbarrier(warp, barrierAddress(warp, inst, lane), static_cast<int>(lane));
    });
}

/// values[0]: whether source 1 is a number of bytes to expect, values[1]: whether it also arrives. The state that
/// arriving gives is opaque, and nothing emulated takes it.
static void arriveBarrier(Warp &warp, const Inst &inst, Mask mask) {
  if (!areDefined(warp, inst, mask))
    return;
  forLanes(mask, [&](unsigned lane) {
    Mbarrier *barrier = warp.block.findMbarrier(warp, barrierAddress(warp, inst, lane), static_cast<int>(lane));
    if (!barrier)
      return;
    int64_t operand = inst.numSources > 1 ? warp.words(inst.sources[1])[lane] : inst.values[0] ? 0 : 1;
    int64_t arrivals = !inst.values[1] ? 0 : inst.values[0] ? 1 : operand;
    warp.block.arriveOn(warp, *barrier, arrivals, inst.values[0] ? operand : 0, static_cast<int>(lane));
  });
  if (inst.destination >= 0)
    warp.setUndefined(inst.destination, mask, allLanes);
}

/// Tests whether the phase of a parity has completed. try_wait may wait for it: the instruction is executed again when
/// it has.
static void testBarrier(Warp &warp, const Inst &inst, Mask mask) {
  if (!areDefined(warp, inst, mask))
    return;
  Mask completed = 0;
  // try_wait may give up at any time, and a kernel must try again.
  bool givesUp = warp.block.isLazy() ? !warp.hasGivenUp : warp.block.sometimes(4);
  bool mayWait = inst.values[0] && !givesUp;
  unsigned first = static_cast<unsigned>(std::countr_zero(mask));
  forLanes(mask, [&](unsigned lane) {
    if (warp.block.fault)
      return;
    bool isSame = lane != first && barrierAddress(warp, inst, lane) == barrierAddress(warp, inst, first) &&
                  warp.words(inst.sources[1])[lane] == warp.words(inst.sources[1])[first];
    if (isSame) {
      completed |= (completed >> first & 1) << lane;
      return;
    }
    Mbarrier *barrier = warp.block.findMbarrier(warp, barrierAddress(warp, inst, lane), static_cast<int>(lane));
    u32 parity = warp.words(inst.sources[1])[lane];
    if (parity > 1)
      return warp.fail(FaultKind::Invalid, "the parity is " + std::to_string(parity) + "; expected 0 or 1",
                       static_cast<int>(lane));
    if (barrier)
      completed |= Mask(warp.block.testMbarrier(warp, *barrier, parity, mayWait)) << lane;
  });
  if (warp.state == Warp::State::AtMbarrier) {
    warp.nextPc = warp.pc;
    return;
  }
  warp.hasGivenUp = completed != mask;
  warp.yields = completed != mask;
  writePredicate(warp, inst.destination, mask, completed, 0);
}

static void decodeInit(Decoder &decoder, Inst &inst) {
  if (!(decoder.accept("shared") || decoder.accept("shared::cta")) || !decoder.accept("b64") ||
      !decoder.expectOperands(2, 2))
    return decoder.fail("this form is not emulated");
  decoder.addAddress(inst, decoder.operand(0));
  decoder.addSource(inst, decoder.operand(1), 'w');
  inst.run = initBarrier;
}

static void decodeInvalidate(Decoder &decoder, Inst &inst) {
  if (!(decoder.accept("shared") || decoder.accept("shared::cta")) || !decoder.accept("b64") ||
      !decoder.expectOperands(1, 1))
    return decoder.fail("this form is not emulated");
  decoder.addAddress(inst, decoder.operand(0));
  inst.run = invalidateBarrier;
}

static void decodeArrive(Decoder &decoder, Inst &inst, bool arrives) {
  bool expects = !arrives || decoder.accept("expect_tx");
  if (decoder.accept("relaxed"))
    return decoder.fail("an arrival without release is not emulated");
  decoder.accept("release");
  decoder.accept("cta");
  if (!(decoder.accept("shared") || decoder.accept("shared::cta")) || !decoder.accept("b64"))
    return decoder.fail("this form is not emulated");
  // [state,] [address] [, count]
  size_t first = arrives ? 1 : 0;
  if (!decoder.expectOperands(first + 1, first + 2))
    return;
  if (arrives)
    inst.destination = decoder.destinationOrSink(decoder.operand(0), 'd');
  decoder.addAddress(inst, decoder.operand(first));
  if (decoder.numOperands() == first + 2)
    decoder.addSource(inst, decoder.operand(first + 1), 'w');
  inst.values[0] = expects;
  inst.values[1] = arrives;
  inst.run = arriveBarrier;
}

static void decodeTest(Decoder &decoder, Inst &inst, bool mayWait) {
  bool isKnown = decoder.accept("parity");
  decoder.accept("acquire");
  decoder.accept("cta");
  isKnown &= (decoder.accept("shared") || decoder.accept("shared::cta")) && decoder.accept("b64");
  if (!isKnown || !decoder.expectOperands(3, 4))
    return decoder.fail("this form is not emulated");
  inst.destination = decoder.destination(decoder.operand(0), 'p');
  inst.destinationIsPredicate = true;
  decoder.addAddress(inst, decoder.operand(1));
  decoder.addSource(inst, decoder.operand(2), 'w');
  inst.values[0] = mayWait;
  inst.run = testBarrier;
}

//===----------------------------------------------------------------------===//
// Fences
//===----------------------------------------------------------------------===//

/// What happened before is visible to the asynchronous proxy from here on. If only some threads of the warp execute the
/// fence, what the others did counts only as far as something has ordered it before.
static void fenceProxy(Warp &warp, const Inst &, Mask mask) {
  Clock &clock = warp.clock;
  clock.fenced = clock.all;
  if (mask != warp.alive)
    clock.fenced[warp.index] = clock.all[warp.index] - 1;
  warp.tick();
  warp.block.showMbarriersToCopies(warp);
}

/// The same of global memory.
static void fenceGlobalProxy(Warp &warp, const Inst &inst, Mask mask) {
  fenceProxy(warp, inst, mask);
  warp.block.marks.clear(Generic, [&](unsigned other, Time time) { return warp.clock.fenced[other] >= time; });
}

static void fenceInit(Warp &warp, const Inst &, Mask) { warp.block.showMbarriersToCopies(warp); }

/// CTAs do not wait for each other, and barriers order accesses in a CTA: an ordinary fence has no effect.
static void fence(Warp &, const Inst &, Mask) {}

//===----------------------------------------------------------------------===//
// Grids, registers
//===----------------------------------------------------------------------===//

/// Waits for the preceding grid.
static void waitForGrid(Warp &warp, const Inst &, Mask) {
  if (!warp.block.isEarly)
    return;
  warp.state = Warp::State::AtGridDependency;
  warp.nextPc = warp.pc;
}

/// The dependent grid may start when all blocks have executed this or ended; here it may have started anyway.
static void launchDependents(Warp &warp, const Inst &, Mask) {
  if (!warp.hasTriggered)
    ++warp.block.triggered;
  warp.hasTriggered = true;
}

/// The block's registers are divided among its warps anew. More are given when others have given some back, with
/// setmaxnreg.dec: the ISA does not say that a warp gives back its registers when it exits.
static void setRegisters(Warp &warp, const Inst &inst, Mask) {
  Block &block = warp.block;
  u32 count = static_cast<u32>(inst.values[0]);
  bool increases = inst.values[1];
  if (increases ? count < warp.registersPerThread : count > warp.registersPerThread)
    return warp.fail(FaultKind::Invalid, "changes the registers per thread from " +
                                             std::to_string(warp.registersPerThread) + " to " + std::to_string(count) +
                                             " in the wrong direction");
  u64 others = 0;
  for (const Warp &other : block.warps)
    others += &other == &warp ? 0 : other.registersPerThread;
  if (others + count > u64(block.warps.size()) * Block::registersAtLaunch(block.grid.threads())) {
    warp.state = Warp::State::AtRegisters;
    warp.nextPc = warp.pc;
    return;
  }
  warp.registersPerThread = count;
  for (Warp &other : block.warps) // who waits looks again
    if (other.state == Warp::State::AtRegisters)
      other.state = Warp::State::Ready;
}

static void decodeRegisters(Decoder &decoder, Inst &inst, bool increases) {
  if (!decoder.accept("sync") || !decoder.accept("aligned") || !decoder.accept("u32") || !decoder.expectOperands(1, 1))
    return decoder.fail("this form is not emulated");
  inst.values[0] = decoder.immediate(decoder.operand(0));
  inst.values[1] = increases;
  if (inst.values[0] < 24 || inst.values[0] > 256 || inst.values[0] % 8 != 0)
    return decoder.fail("expected a multiple of 8 from 24 to 256");
  inst.isAligned = true;
  inst.run = setRegisters;
}

std::vector<Row> mla::emulator::barrierRows() {
  std::vector<Row> rows = {
      {"bar", "", nullptr, kind, decodeBar},
      {"barrier", "", nullptr, kind, decodeBar},
      {"mbarrier.init", "", nullptr, kind, decodeInit},
      {"mbarrier.inval", "", nullptr, kind, decodeInvalidate},
      {"mbarrier.arrive", "", nullptr, kind, [](Decoder &d, Inst &i) { decodeArrive(d, i, true); }},
      {"mbarrier.expect_tx", "", nullptr, kind, [](Decoder &d, Inst &i) { decodeArrive(d, i, false); }},
      {"mbarrier.test_wait", "", nullptr, kind, [](Decoder &d, Inst &i) { decodeTest(d, i, false); }},
      {"mbarrier.try_wait", "", nullptr, kind, [](Decoder &d, Inst &i) { decodeTest(d, i, true); }},
      {"fence.proxy.async.shared::cta", "=", fenceProxy, kind},
      {"fence.proxy.async", "=", fenceGlobalProxy, kind},
      {"fence.proxy.async.global", "=", fenceGlobalProxy, kind},
      {"fence.mbarrier_init.release.cluster", "=", fenceInit, kind},
      {"griddepcontrol.wait", "=", waitForGrid, kind},
      {"griddepcontrol.launch_dependents", "=", launchDependents, kind},
      {"setmaxnreg.inc", "", nullptr, kind, [](Decoder &d, Inst &i) { decodeRegisters(d, i, true); }},
      {"setmaxnreg.dec", "", nullptr, kind, [](Decoder &d, Inst &i) { decodeRegisters(d, i, false); }},
  };
  for (const char *opcode : {"membar.cta", "membar.gl", "fence.acq_rel.cta", "fence.acq_rel.gpu", "fence.sc.gpu"})
    rows.push_back({opcode, "=", fence, kind});
  return rows;
}
