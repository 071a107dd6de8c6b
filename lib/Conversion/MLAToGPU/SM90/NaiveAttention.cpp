//===- NaiveAttention.cpp - Prefill attention: items, copies --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NaiveAttentionKernel.h"

using namespace mla::gpu;

static constexpr int64_t maxSharedBytes = 232448; ///< per CTA, on Hopper

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

void NaiveAttention::addArguments() {
  qNopeArg = k.addTensorMap();
  qRopeArg = shape.rope ? k.addTensorMap() : 0;
  kNopeArg = k.addTensorMap();
  kRopeArg = shape.rope ? k.addTensorMap() : 0;
  valuesArg = k.addTensorMap();
  cuQueriesArg = k.addPointer();
  cuKeysArg = k.addPointer();
  outArg = k.addPointer();
  lseArg = shape.lse ? k.addPointer() : 0;
  sinksArg = shape.scores.haveSinks ? k.addPointer() : 0;
  counterArg = k.addPointer();
  batchArg = k.addInt();
  headsArg = k.addInt();
  scaleArg = k.addFloat();
}

/// Initialises barriers: a copy completes a full one; the eight warps of both warpgroups (four, for queries) an empty
/// one.
void NaiveAttention::setUp() {
  thread = k.thread();
  lane = thread & 31;
  warp = (thread >> 5) & 3;
  quad = lane & 3;
  k.when(thread == 0, [&] {
    for (int64_t s = 0; s < naiveStages; ++s) {
      for (int64_t full : {at.kFull[s], at.vFull[s], at.qFull[s]})
        initBarrier(k, k.shared(full), 1);
      for (int64_t empty : {at.kEmpty[s], at.vEmpty[s]})
        initBarrier(k, k.shared(empty), warpsOfBoth);
      initBarrier(k, k.shared(at.qEmpty[s]), warpsOfBoth / 2);
    }
    initBarrier(k, k.shared(at.itemFull), 1);
    initBarrier(k, k.shared(at.itemEmpty), warpsOfBoth);
    fenceBarrierInit(k);
  });
  k.syncBlock();
}

void NaiveAttention::emit() {
  addArguments();
  k.begin();
  setUp();
  waitForPredecessors(k);
  Val warpgroup = k.shuffle(thread >> 7, k.i32(0));
  k.when(
      warpgroup == 2,
      [&] {
        decreaseRegisters(k, 40);
        k.when((warp == 0) & (lane == 0), [&] { copyItems(); });
      },
      [&] {
        increaseRegisters(k, 232);
        k.when(warpgroup == 0, [&] { computeItems(0); }, [&] { computeItems(1); });
      });
  k.finish();
}

//===----------------------------------------------------------------------===//
// Items
//===----------------------------------------------------------------------===//

/// Finds the sequence of an item, starting at a sequence that is not after it; `batch` if there is no such item.
NaiveAttention::Place NaiveAttention::findItem(Val index, Val sequence, Val itemsBefore) {
  Val batch = k.argument(batchArg);
  auto itemsOf = [&](Val s) {
    Val queries = k.loadInt(k.argument(cuQueriesArg), min(s + 1, batch)) - k.loadInt(k.argument(cuQueriesArg), s);
    return ceilDiv(queries, naiveTileQueries) * k.argument(headsArg);
  };
  Vals found = k.loopWhile(
      {sequence, itemsBefore, itemsOf(sequence)},
      [&](llvm::ArrayRef<Val> state) { return (state[0] < batch) & (index >= state[1] + state[2]); },
      [&](llvm::ArrayRef<Val> state) -> Vals {
        Val next = state[0] + 1;
        return {next, state[1] + state[2], itemsOf(next)};
      });
  return {index, found[0], found[1]};
}

/// Heads run in groups, so that concurrent items read K and V that L2 holds. In a group, all heads of a tile of queries
/// are consecutive, from the last and longest tile to the first, so that the shortest work is last.
NaiveItem NaiveAttention::itemAt(const Place &place) {
  NaiveItem item;
  auto range = [&](unsigned array) {
    Val first = k.loadInt(k.argument(array), place.sequence);
    return std::pair(first, k.loadInt(k.argument(array), place.sequence + 1) - first);
  };
  std::tie(item.sequenceRow, item.queries) = range(cuQueriesArg);
  std::tie(item.firstKey, item.keys) = range(cuKeysArg);
  Val heads = k.argument(headsArg), tiles = ceilDiv(item.queries, naiveTileQueries);
  Val cachedKeys = k.i32(shape.cachedBytes / (2 * (shape.nope + shape.value)));
  Val width = min(max(cachedKeys / max(item.keys, k.i32(1)), k.i32(shape.minGroupHeads)), heads);
  Val inSequence = place.index - place.itemsBefore, groupItems = width * tiles;
  Val headGroup = inSequence / groupItems, inGroup = inSequence % groupItems;
  Val firstHead = headGroup * width, own = min(width, heads - firstHead);
  item.head = firstHead + inGroup % own;
  item.firstQuery = (tiles - 1 - inGroup / own) * naiveTileQueries;
  item.unseen = item.keys - item.queries;
  Val end = borderOf(item, min(item.firstQuery + naiveTileQueries, item.queries) - 1);
  item.tiles = item.steps = ceilDiv(max(end, k.i32(0)), shape.tileKeys);
  if (int64_t window = shape.scores.window)
    item.steps = item.tiles - max(borderOf(item, item.firstQuery) - window, k.i32(0)) / shape.tileKeys;
  return item;
}

Val NaiveAttention::borderOf(const NaiveItem &item, Val query) {
  return shape.scores.isCausal ? query + item.unseen + 1 : item.keys;
}

/// Passes the next item to both warpgroups. One thread.
Val NaiveAttention::announce(const Place &place, Val phases) {
  waitBarrier(k, k.shared(at.itemEmpty), bitOf(phases, k.i32(PhaseOfItem)) ^ 1);
  k.store(k.vectorOf({place.index, place.sequence, place.itemsBefore, place.index}), k.shared(at.item), 16);
  arrive(k, k.shared(at.itemFull));
  return phases ^ (1 << PhaseOfItem);
}

std::pair<NaiveAttention::Place, Val> NaiveAttention::nextAnnounced(Val phases) {
  waitBarrier(k, k.shared(at.itemFull), bitOf(phases, k.i32(PhaseOfItem)));
  Val place = k.load(k.shared(at.item), k.vectorType(4, k.i32Type()), 16);
  release(k.shared(at.itemEmpty));
  return {Place{k.element(place, 0), k.element(place, 1), k.element(place, 2)}, phases ^ (1 << PhaseOfItem)};
}

//===----------------------------------------------------------------------===//
// Copies: one thread
//===----------------------------------------------------------------------===//

/// Copies in the order of use, as far ahead as there are stages. Items are taken from a counter shared by all CTAs; the
/// next is requested before the copies of this one.
void NaiveAttention::copyItems() {
  for (unsigned map : {kNopeArg, kRopeArg, qNopeArg, qRopeArg, valuesArg})
    prefetchTensorMap(k, k.argument(map));
  Place first = findItem(k.blockX(), k.i32(0), k.i32(0));
  Val start = announce(first, k.i32(0));
  k.loopWhile(
      {first.index, first.sequence, first.itemsBefore, start},
      [&](llvm::ArrayRef<Val> state) { return state[1] < k.argument(batchArg); },
      [&](llvm::ArrayRef<Val> state) -> Vals {
        Val nextIndex = k.atomicAdd(k.argument(counterArg), k.i32(1)) + k.gridX();
        Val phases = copyItem(itemAt({state[0], state[1], state[2]}), state[3]);
        Place next = findItem(nextIndex, state[1], state[2]);
        phases = announce(next, phases);
        return {next.index, next.sequence, next.itemsBefore, phases};
      });
}

Val NaiveAttention::copyItem(const NaiveItem &item, Val phases) {
  return k.choose(
      item.steps > 0,
      [&]() -> Vals {
        Val before = copyQueries(item, copyKeys(item, k.i32(0), phases));
        Val after = k.loop(k.i32(1), item.steps, k.i32(1), {before}, [&](Val step, llvm::ArrayRef<Val> state) -> Vals {
          return {copyValues(item, step - 1, copyKeys(item, step, state[0]))};
        })[0];
        return {copyValues(item, item.steps - 1, after)};
      },
      [&]() -> Vals { return {phases}; })[0];
}

/// Returns the address of something with one offset per stage.
Val NaiveAttention::ofStage(const int64_t (&offsets)[naiveStages], Val stage) {
  return k.shared(offsets[0], stage * (offsets[1] - offsets[0]));
}

/// Returns the coordinates of a box, innermost first.
Vals NaiveAttention::coordinates(const NaiveItem &item, int64_t tile, Val row, bool perHead) {
  Val column = k.i32(tile * tileColumns);
  return perHead ? Vals{column, item.head, row} : Vals{column, row};
}

/// Copies `count` tiles of the rows from `row`, one after another, counted by `full`.
void NaiveAttention::copyTiles(unsigned map, int64_t count, const NaiveItem &item, Val row, bool perHead, Val to,
                               int64_t tileSize, Val full) {
  for (int64_t i = 0; i < count; ++i)
    copyTile(k, k.at(to, i * tileSize), k.argument(map), full, coordinates(item, i, row, perHead),
             CacheHint::EvictNormal);
}

/// Copies the keys of a step, when both warpgroups are done with the previous contents of its stage. Rows beyond the
/// sequence's are the next's, or zero.
Val NaiveAttention::copyKeys(const NaiveItem &item, Val step, Val phases) {
  Val stage = step & 1, bit = stage + PhaseOfK, row = item.firstKey + stepKey(item, step);
  Val full = ofStage(at.kFull, stage), to = ofStage(at.k, stage);
  waitBarrier(k, ofStage(at.kEmpty, stage), bitOf(phases, bit) ^ 1);
  expectBytes(k, full, at.keyBytes());
  copyTiles(kNopeArg, at.nopeTiles, item, row, shape.keysPerHead, to, at.tile, full);
  Val ropeTo = k.at(to, at.nopeTiles * at.tile);
  copyTiles(kRopeArg, at.keyTiles - at.nopeTiles, item, row, /*perHead=*/false, ropeTo, at.tile, full);
  return phases ^ (k.i32(1) << bit);
}

Val NaiveAttention::copyValues(const NaiveItem &item, Val step, Val phases) {
  Val stage = step & 1, bit = stage + PhaseOfV, row = item.firstKey + stepKey(item, step);
  Val full = ofStage(at.vFull, stage), to = ofStage(at.v, stage);
  waitBarrier(k, ofStage(at.vEmpty, stage), bitOf(phases, bit) ^ 1);
  expectBytes(k, full, at.valueBytes());
  copyTiles(valuesArg, at.valueTiles, item, row, shape.valuesPerHead, to, at.tile, full);
  return phases ^ (k.i32(1) << bit);
}

/// Copies the 64 queries of each warpgroup. Rows beyond the sequence's are the next's, or zero; their results are
/// dropped.
Val NaiveAttention::copyQueries(const NaiveItem &item, Val phases) {
  for (int64_t g = 0; g < 2; ++g) {
    Val row = item.sequenceRow + item.firstQuery + 64 * g, full = k.shared(at.qFull[g]);
    waitBarrier(k, k.shared(at.qEmpty[g]), bitOf(phases, k.i32(PhaseOfQ)) ^ 1);
    expectBytes(k, full, at.queryBytes());
    Val to = k.shared(at.q[g]), ropeTo = k.shared(at.q[g] + at.nopeTiles * tileBytes(64));
    copyTiles(qNopeArg, at.nopeTiles, item, row, /*perHead=*/true, to, tileBytes(64), full);
    copyTiles(qRopeArg, at.keyTiles - at.nopeTiles, item, row, /*perHead=*/true, ropeTo, tileBytes(64), full);
  }
  return phases ^ (1 << PhaseOfQ);
}

//===----------------------------------------------------------------------===//
// Public functions
//===----------------------------------------------------------------------===//

namespace mla::gpu {
std::string NaiveAttentionShape::name() const {
  return "naive_attention_p" + std::to_string(nope) + "_r" + std::to_string(rope) + "_v" + std::to_string(value) +
         "_k" + std::to_string(tileKeys) + (keysPerHead ? "" : "_sharedk") + (valuesPerHead ? "" : "_sharedv") +
         (lse ? "_lse" : "") + scores.suffix() + (turns ? "_turns" : "");
}

int64_t naiveAttentionSharedBytes(const NaiveAttentionShape &shape) { return NaiveLayout(shape).bytes; }

int64_t naiveAttentionTileKeys(int64_t nope, int64_t rope, int64_t value) {
  NaiveAttentionShape shape;
  shape.nope = nope, shape.rope = rope, shape.value = value;
  // Registers of a thread: accumulators of O and S, P, and others.
  auto fits = [&] {
    int64_t registers = accumulatorsOf(value) + accumulatorsOf(shape.tileKeys) + shape.tileKeys / 4;
    return registers <= 190 && naiveAttentionSharedBytes(shape) <= maxSharedBytes;
  };
  while (shape.tileKeys > 16 && !fits())
    shape.tileKeys -= 16;
  return shape.tileKeys;
}

void emitNaiveAttentionStart(mlir::gpu::GPUModuleOp module) {
  if (module.lookupSymbol(naiveStartName))
    return;
  KernelBuilder k(module, naiveStartName, naiveStartThreads, /*oneBlock=*/false);
  unsigned counter = k.addPointer();
  k.begin();
  waitForPredecessors(k); // an earlier launch may still use the counter
  k.when(k.thread() == 0, [&] { k.store(k.i32(0), k.argument(counter)); });
  k.finish();
}

void emitNaiveAttention(mlir::gpu::GPUModuleOp module, const NaiveAttentionShape &shape) {
  if (!module.lookupSymbol(shape.name()))
    NaiveAttention(module, shape).emit();
}
} // namespace mla::gpu
