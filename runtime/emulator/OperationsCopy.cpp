//===- OperationsCopy.cpp - Asynchronous copies ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 8.6, 9.7.9.25: cp.async, cp.async.bulk, cp.async.bulk.tensor.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace mla::emulator;

static constexpr InstClass kind = InstClass::Copy;

u64 mla::emulator::addressOf(Warp &warp, const Inst &inst, unsigned i, unsigned lane) {
  u64 base = inst.addressIsWord[i] ? warp.words(inst.sources[i])[lane] : warp.longs(inst.sources[i])[lane];
  return base + static_cast<u64>(inst.offsets[i]);
}

bool mla::emulator::areDefined(Warp &warp, const Inst &inst, Mask mask) {
  for (unsigned i = 0; i < inst.numSources; ++i)
    if (warp.failIfUndefined(warp.undefinedOf(inst.sources[i]), mask, i ? "an operand" : "the address"))
      return false;
  for (const Source &input : inst.inputs)
    if (warp.failIfUndefined(warp.undefinedOf(input), mask, "a coordinate"))
      return false;
  return true;
}

/// The last operand, a policy of the L2 cache, which changes no value.
static void decodeHint(Decoder &decoder) { decoder.source(decoder.operand(decoder.numOperands() - 1), 'd'); }

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// Reads the tensor map at an address; false: it was reported.
static bool readMap(Warp &warp, const Inst &inst, unsigned source, unsigned lane, GlobalSide &side) {
  u64 address = addressOf(warp, inst, source, lane);
  int at = static_cast<int>(lane);
  if (address % 64 != 0)
    return warp.fail(FaultKind::Misaligned, "a tensor map at " + hex(address) + "; expected a multiple of 64", at),
           false;
  if (!globalMemory().contains(address, sizeof(TensorMap)))
    return warp.fail(FaultKind::OutOfBounds,
                     "a tensor map at " + hex(address) + "; " + globalMemory().describe(address), at),
           false;
  std::memcpy(&side.map, globalMemory().contents(address), sizeof(TensorMap));
  if (!side.map.isValid())
    return warp.fail(FaultKind::TensorMap, "there is no tensor map at " + hex(address), at), false;
  if (side.map.rank != inst.inputs.size())
    return warp.fail(FaultKind::TensorMap,
                     "the tensor map has rank " + std::to_string(side.map.rank) + ", the instruction " +
                         std::to_string(inst.inputs.size()) + " coordinates",
                     at),
           false;
  side.isTile = true;
  side.bytes = static_cast<u32>(side.map.boxBytes());
  for (size_t i = 0; i < inst.inputs.size(); ++i)
    side.coordinates[i] = static_cast<s32>(warp.words(inst.inputs[i])[lane]);
  return true;
}

/// Sources: the place in shared memory, the map, the mbarrier.
static void loadTile(Warp &warp, const Inst &inst, Mask mask) {
  if (areDefined(warp, inst, mask))
    forLanes(mask, [&](unsigned lane) {
      Load load;
      load.pc = warp.pc;
      load.warp = warp.index;
      load.shared = static_cast<u32>(addressOf(warp, inst, 0, lane));
      load.barrier = static_cast<u32>(addressOf(warp, inst, 2, lane));
      if (!warp.block.fault && readMap(warp, inst, 1, lane, load.from))
        warp.block.issue(warp, std::move(load));
    });
}

/// Sources: the map, the place in shared memory.
static void storeTile(Warp &warp, const Inst &inst, Mask mask) {
  if (areDefined(warp, inst, mask))
    forLanes(mask, [&](unsigned lane) {
      Store store;
      store.pc = warp.pc;
      store.warp = warp.index;
      store.lane = lane;
      store.shared = static_cast<u32>(addressOf(warp, inst, 1, lane));
      if (!warp.block.fault && readMap(warp, inst, 0, lane, store.to))
        warp.block.issue(warp, std::move(store));
    });
}

/// cp.async.bulk.tensor.Nd.shared::cta.global.tile.mbarrier::complete_tx::bytes [.L2::cache_hint] and
/// cp.async.bulk.tensor.Nd.global.shared::cta.tile.bulk_group
static void decodeTensor(Decoder &decoder, Inst &inst) {
  std::string rank = decoder.next();
  if (rank.size() != 2 || rank[0] < '1' || rank[0] > '5' || rank[1] != 'd')
    return decoder.fail("'" + rank + "' is no rank");
  bool isLoad = decoder.accept("shared::cta") || decoder.accept("shared::cluster");
  bool isKnown = isLoad ? decoder.accept("global") : decoder.accept("global") && decoder.accept("shared::cta");
  decoder.accept("tile");
  isKnown &= decoder.accept(isLoad ? "mbarrier::complete_tx::bytes" : "bulk_group");
  bool hasHint = decoder.accept("L2::cache_hint");
  size_t count = (isLoad ? 3 : 2) + hasHint;
  if (!isKnown || !decoder.expectOperands(count, count))
    return decoder.fail("this form is not emulated");
  if (hasHint)
    decodeHint(decoder);
  for (unsigned i = 0; i < (isLoad ? 3u : 2u); ++i)
    decoder.addAddress(inst, decoder.operand(i));
  const ptx::Operand &tensor = decoder.operand(isLoad ? 1 : 0);
  if (tensor.elements.size() != 2 || tensor.elements[1].elements.size() != size_t(rank[0] - '0'))
    return decoder.fail("expected as many coordinates as the rank");
  for (const ptx::Operand &coordinate : tensor.elements[1].elements)
    inst.inputs.push_back(decoder.source(coordinate, 'w'));
  inst.run = isLoad ? loadTile : storeTile;
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

/// Sources: the place in global memory, that in shared memory, and the number of bytes.
static void storeBytes(Warp &warp, const Inst &inst, Mask mask) {
  if (areDefined(warp, inst, mask))
    forLanes(mask, [&](unsigned lane) {
      Store store;
      store.pc = warp.pc;
      store.warp = warp.index;
      store.lane = lane;
      store.to.address = addressOf(warp, inst, 0, lane);
      store.shared = static_cast<u32>(addressOf(warp, inst, 1, lane));
      store.to.bytes = warp.words(inst.sources[2])[lane];
      if (!warp.block.fault)
        warp.block.issue(warp, std::move(store));
    });
}

/// Sources: the place in shared memory, that in global memory, the mbarrier, and the number of bytes.
static void loadBytes(Warp &warp, const Inst &inst, Mask mask) {
  if (areDefined(warp, inst, mask))
    forLanes(mask, [&](unsigned lane) {
      Load load;
      load.pc = warp.pc;
      load.warp = warp.index;
      load.shared = static_cast<u32>(addressOf(warp, inst, 0, lane));
      load.from.address = addressOf(warp, inst, 1, lane);
      load.barrier = static_cast<u32>(addressOf(warp, inst, 2, lane));
      load.from.bytes = warp.words(inst.sources[3])[lane];
      if (!warp.block.fault)
        warp.block.issue(warp, std::move(load));
    });
}

/// cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes [.L2::cache_hint] and
/// cp.async.bulk.global.shared::cta.bulk_group [.L2::cache_hint]
static void decodeBulk(Decoder &decoder, Inst &inst) {
  bool isLoad = decoder.accept("shared::cta") || decoder.accept("shared::cluster");
  bool isKnown = isLoad ? decoder.accept("global") : decoder.accept("global") && decoder.accept("shared::cta");
  isKnown &= decoder.accept(isLoad ? "mbarrier::complete_tx::bytes" : "bulk_group");
  bool hasHint = decoder.accept("L2::cache_hint");
  size_t count = (isLoad ? 4 : 3) + hasHint;
  if (!isKnown || !decoder.expectOperands(count, count))
    return decoder.fail("this form is not emulated");
  if (hasHint)
    decodeHint(decoder);
  decoder.addAddress(inst, decoder.operand(0));
  decoder.addAddress(inst, decoder.operand(1));
  if (isLoad)
    decoder.addAddress(inst, decoder.operand(3));
  decoder.addSource(inst, decoder.operand(2), 'w');
  inst.run = isLoad ? loadBytes : storeBytes;
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

/// Sources: the place in shared memory, that in global memory, and how many bytes are read, or a predicate by which
/// none is. values[2]: bytes.
static void copyWords(Warp &warp, const Inst &inst, Mask mask) {
  if (inst.predicate >= 0 && warp.failIfUndefined(warp.undefinedPredicates[inst.predicate], mask, "the predicate"))
    return;
  if (areDefined(warp, inst, mask))
    forLanes(mask, [&](unsigned lane) {
      WordCopy copy;
      copy.pc = warp.pc;
      copy.warp = warp.index;
      copy.lane = lane;
      copy.shared = static_cast<u32>(addressOf(warp, inst, 0, lane));
      copy.global = addressOf(warp, inst, 1, lane);
      copy.bytes = copy.read = static_cast<u32>(inst.values[2]);
      if (inst.numSources > 2)
        copy.read = warp.words(inst.sources[2])[lane];
      else if (inst.predicate >= 0 && warp.predicates[inst.predicate] >> lane & 1)
        copy.read = 0;
      if (!warp.block.fault)
        warp.block.issue(warp, copy);
    });
}

/// The operand behind the size: src-size, or ignore-src.
static void decodePartialRead(Decoder &decoder, Inst &inst, const ptx::Operand &operand) {
  if (operand.kind == ptx::Operand::Reg && operand.reg.type == ptx::RegisterType::Pred)
    inst.predicate = static_cast<int32_t>(decoder.source(operand, 'p').cell);
  else
    decoder.addSource(inst, operand, 'w');
}

/// cp.async.cg.shared.global [.L2::cache_hint] [.L2::128B] [to], [from], bytes [, src-size | ignore-src] [, policy]
static void decodeWords(Decoder &decoder, Inst &inst) {
  bool isWide = decoder.accept("cg");
  bool isKnown = isWide || decoder.accept("ca");
  isKnown &= decoder.accept("shared") || decoder.accept("shared::cta");
  isKnown &= decoder.accept("global");
  bool hasHint = decoder.accept("L2::cache_hint");
  decoder.acceptAnyOf({"L2::64B", "L2::128B", "L2::256B"});
  if (!isKnown || !decoder.expectOperands(3 + hasHint, 4 + hasHint))
    return decoder.fail("this form is not emulated");
  if (hasHint)
    decodeHint(decoder);
  decoder.addAddress(inst, decoder.operand(0));
  decoder.addAddress(inst, decoder.operand(1));
  inst.values[2] = decoder.immediate(decoder.operand(2));
  if (isWide ? inst.values[2] != 16 : inst.values[2] != 4 && inst.values[2] != 8 && inst.values[2] != 16)
    return decoder.fail("expected 4, 8 or 16 bytes with .ca, 16 with .cg");
  if (decoder.numOperands() == 4u + hasHint)
    decodePartialRead(decoder, inst, decoder.operand(3));
  inst.run = copyWords;
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

static void commitStores(Warp &warp, const Inst &, Mask mask) {
  forLanes(mask, [&](unsigned lane) { warp.stores[lane].commit(); });
}
static void commitWords(Warp &warp, const Inst &, Mask mask) {
  forLanes(mask, [&](unsigned lane) { warp.wordCopies[lane].commit(); });
}
static void waitStores(Warp &warp, const Inst &inst, Mask mask) {
  warp.block.waitStores(warp, mask, static_cast<size_t>(inst.values[0]), inst.values[1]);
}
static void waitWords(Warp &warp, const Inst &inst, Mask mask) {
  warp.block.waitWords(warp, mask, static_cast<size_t>(inst.values[0]));
}

/// All of the thread's, in a group or not.
static void waitAllWords(Warp &warp, const Inst &inst, Mask mask) {
  commitWords(warp, inst, mask);
  warp.block.waitWords(warp, mask, 0);
}

/// values[1]: whether the arrival is one that the mbarrier expects (.noinc).
static void arriveBehindWords(Warp &warp, const Inst &inst, Mask mask) {
  if (areDefined(warp, inst, mask))
    forLanes(mask, [&](unsigned lane) {
      WordArrival arrival;
      arrival.pc = warp.pc;
      arrival.warp = warp.index;
      arrival.lane = lane;
      arrival.barrier = static_cast<u32>(addressOf(warp, inst, 0, lane));
      if (!warp.block.fault)
        warp.block.issue(warp, std::move(arrival), inst.values[1]);
    });
}

static void decodeArriveBehindWords(Decoder &decoder, Inst &inst) {
  inst.values[1] = decoder.accept("noinc");
  decoder.acceptAnyOf({"shared", "shared::cta"});
  if (!decoder.accept("b64") || !decoder.expectOperands(1, 1))
    return decoder.fail("this form is not emulated");
  decoder.addAddress(inst, decoder.operand(0));
  inst.run = arriveBehindWords;
}

static void decodeWait(Decoder &decoder, Inst &inst, Handler run) {
  inst.values[1] = decoder.accept("read");
  if (!decoder.expectOperands(1, 1))
    return;
  inst.values[0] = decoder.immediate(decoder.operand(0));
  if (inst.values[0] < 0)
    return decoder.fail("expected a number of groups that is not negative");
  inst.run = run;
}

std::vector<Row> mla::emulator::copyRows() {
  return {
      {"cp.async.bulk.tensor", "", nullptr, kind, decodeTensor},
      {"cp.async.bulk", "", nullptr, kind, decodeBulk},
      {"cp.async.bulk.commit_group", "=", commitStores, kind},
      {"cp.async.bulk.wait_group", "", nullptr, kind, [](Decoder &d, Inst &i) { decodeWait(d, i, waitStores); }},
      {"cp.async", "", nullptr, kind, decodeWords},
      {"cp.async.commit_group", "=", commitWords, kind},
      {"cp.async.wait_all", "=", waitAllWords, kind},
      {"cp.async.mbarrier.arrive", "", nullptr, kind, decodeArriveBehindWords},
      {"cp.async.wait_group", "", nullptr, kind, [](Decoder &d, Inst &i) { decodeWait(d, i, waitWords); }},
  };
}
