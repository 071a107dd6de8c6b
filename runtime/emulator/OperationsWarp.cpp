//===- OperationsWarp.cpp - Exchange between the lanes of a warp ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 8.6, 9.7.9.6 (shfl.sync), 9.7.13.10 (vote.sync), 9.7.13.13
// (redux.sync), 9.7.13.3 (bar.warp.sync). The lanes that the member mask names
// must execute the instruction together.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace mla::emulator;

static constexpr InstClass kind = InstClass::Warp;

/// Reports if the active lanes are not those of the member mask.
static bool checkMembers(Warp &warp, const Source &members, Mask mask) {
  u32 named = 0;
  if (!uniform(warp, members, mask, "the member mask", named))
    return false;
  if ((named & warp.alive) == mask)
    return true;
  warp.fail(FaultKind::Divergence, "the lanes that execute the instruction are not those of its member mask");
  return false;
}

bool mla::emulator::uniform(Warp &warp, const Source &source, Mask mask, const char *what, u32 &value) {
  if (warp.failIfUndefined(warp.undefinedOf(source), mask, what))
    return false;
  const u32 *values = warp.words(source);
  value = values[std::countr_zero(mask)];
  bool isSame = true;
  forLanes(mask, [&](unsigned lane) { isSame &= values[lane] == value; });
  if (!isSame)
    warp.fail(FaultKind::Divergence, std::string(what) + " differs between the threads");
  return isSame;
}

//===----------------------------------------------------------------------===//
// shfl.sync
//===----------------------------------------------------------------------===//

enum ShuffleMode : int64_t { Up, Down, Butterfly, Index };

namespace {
struct ShuffleSource {
  unsigned lane;
  bool isInside;
};
} // namespace

/// The lane that `lane` reads; if it is outside of the segment, its own.
static ShuffleSource sourceOf(int64_t mode, unsigned lane, u32 b, u32 c) {
  u32 segment = c >> 8 & 31, clamp = c & 31;
  u32 most = (lane & segment) | (clamp & ~segment), least = lane & segment, distance = b & 31;
  int64_t other = mode == Up          ? int64_t(lane) - distance
                  : mode == Down      ? lane + distance
                  : mode == Butterfly ? lane ^ distance
                                      : (least | (distance & ~segment));
  bool isInside = mode == Up ? other >= int64_t(most) : other <= int64_t(most);
  return {isInside ? static_cast<unsigned>(other) : lane, isInside};
}

static void shuffle(Warp &warp, const Inst &inst, Mask mask) {
  if (!checkMembers(warp, inst.sources[3], mask))
    return;
  const u32 *a = warp.words(inst.sources[0]), *b = warp.words(inst.sources[1]), *c = warp.words(inst.sources[2]);
  if (warp.failIfUndefined(warp.undefinedOf(inst.sources[1]) | warp.undefinedOf(inst.sources[2]), mask, "the lane"))
    return;
  Halves given = warp.undefinedHalves(inst.sources[0]), undefined{0, 0};
  Mask inside = 0, absent = ~mask; // lanes that do not take part give nothing
  u32 values[lanes];
  for (unsigned lane = 0; lane < lanes; ++lane) {
    ShuffleSource from = sourceOf(inst.values[0], lane, b[lane], c[lane]);
    values[lane] = a[from.lane];
    undefined.low |= ((given.low | absent) >> from.lane & 1) << lane;
    undefined.high |= ((given.high | absent) >> from.lane & 1) << lane;
    inside |= Mask(from.isInside) << lane;
  }
  writeWords(warp, inst.destination, values, mask, undefined);
  if (inst.predicate >= 0)
    writePredicate(warp, inst.predicate, mask, inside, 0);
}

static void decodeShuffle(Decoder &decoder, Inst &inst) {
  std::string mode = decoder.next();
  inst.values[0] = mode == "up" ? Up : mode == "down" ? Down : mode == "bfly" ? Butterfly : Index;
  if (decoder.next() != "b32" || (inst.values[0] == Index && mode != "idx"))
    return decoder.fail("this form is not emulated");
  size_t extra = decoder.numOperands() == 6 ? 1 : 0;
  if (!decoder.expectOperands(5, 6))
    return;
  inst.destination = decoder.destination(decoder.operand(0), 'w');
  if (extra)
    inst.predicate = decoder.destinationOrSink(decoder.operand(1), 'p');
  for (size_t i = 1; i < 5; ++i)
    decoder.addSource(inst, decoder.operand(i + extra), 'w');
  inst.run = shuffle;
}

//===----------------------------------------------------------------------===//
// vote, redux, barrier of a warp
//===----------------------------------------------------------------------===//

static void ballot(Warp &warp, const Inst &inst, Mask mask) {
  if (!checkMembers(warp, inst.sources[1], mask))
    return;
  u32 values[lanes];
  std::fill(values, values + lanes, warp.predicates[inst.sources[0].cell] & mask);
  Mask undefined = warp.undefinedPredicates[inst.sources[0].cell] & mask ? allLanes : 0;
  writeWords(warp, inst.destination, values, mask, undefined);
}

template <typename T, typename F> static void reduceLanes(Warp &warp, const Inst &inst, Mask mask) {
  if (!checkMembers(warp, inst.sources[1], mask))
    return;
  Lanes<T> from(warp, inst.sources[0]);
  T result = from[static_cast<unsigned>(std::countr_zero(mask))];
  forLanes(mask & (mask - 1), [&](unsigned lane) { result = F{}(result, from[lane]); });
  u32 values[lanes];
  std::fill(values, values + lanes, toStorage(result));
  writeWords(warp, inst.destination, values, mask, warp.undefinedOf(inst.sources[0]) & mask ? allLanes : 0);
}

template <typename T, typename F> static Row redux(const char *opcode, F) {
  return {opcode, "w=ww", reduceLanes<T, F>, kind};
}

/// A later fence by one lane covers what all did before.
static void syncWarp(Warp &warp, const Inst &inst, Mask mask) {
  if (checkMembers(warp, inst.sources[0], mask) && mask == warp.alive)
    warp.tick();
}

/// One lane that all agree on: the first of the members.
static void elect(Warp &warp, const Inst &inst, Mask mask) {
  if (!checkMembers(warp, inst.sources[0], mask))
    return;
  unsigned leader = static_cast<unsigned>(std::countr_zero(mask));
  u32 values[lanes];
  std::fill(values, values + lanes, leader);
  if (inst.destination >= 0)
    writeWords(warp, inst.destination, values, mask, 0);
  writePredicate(warp, inst.predicate, mask, Mask(1) << leader, 0);
}

static void decodeElect(Decoder &decoder, Inst &inst) {
  if (!decoder.expectOperands(3, 3))
    return;
  inst.destination = decoder.destinationOrSink(decoder.operand(0), 'w');
  inst.predicate = decoder.destination(decoder.operand(1), 'p');
  decoder.addSource(inst, decoder.operand(2), 'w');
  inst.run = elect;
}

std::vector<Row> mla::emulator::warpRows() {
  return {
      {"shfl.sync", "", nullptr, kind, decodeShuffle},
      {"vote.sync.ballot.b32", "w=pw", ballot, kind},
      redux<u32>("redux.sync.add.s32", [](u32 a, u32 b) { return a + b; }),
      redux<u32>("redux.sync.add.u32", [](u32 a, u32 b) { return a + b; }),
      redux<s32>("redux.sync.max.s32", [](s32 a, s32 b) { return std::max(a, b); }),
      redux<s32>("redux.sync.min.s32", [](s32 a, s32 b) { return std::min(a, b); }),
      redux<u32>("redux.sync.max.u32", [](u32 a, u32 b) { return std::max(a, b); }),
      redux<u32>("redux.sync.min.u32", [](u32 a, u32 b) { return std::min(a, b); }),
      redux<u32>("redux.sync.and.b32", [](u32 a, u32 b) { return a & b; }),
      redux<u32>("redux.sync.or.b32", [](u32 a, u32 b) { return a | b; }),
      redux<u32>("redux.sync.xor.b32", [](u32 a, u32 b) { return a ^ b; }),
      {"bar.warp.sync", "=w", syncWarp, kind},
      {"elect.sync", "", nullptr, kind, decodeElect},
  };
}
