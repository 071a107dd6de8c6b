//===- LatentMerge.cpp - Merging partial attention ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Combines the partial results of sequences that were split (mla.merge):
//   l = log2 Σ 2^l_i     o = Σ 2^(l_i - l) o_i
// in an order that depends on their number alone, so that results repeat.
//
// An item is 16 rows of a sequence and some columns, in the layout in which the
// attention kernel left them. A sequence of few splits has wide items, one of
// many has narrow ones, whose splits up to eight warps share: whatever a warp
// reads for its share of an item is in flight together, in one round as a rule.
// A unit is what the eight warps of a block take together; the units of all
// sequences are numbered, and block i of n takes the units i, i + n, …: a long
// sequence lies on as many multiprocessors as its partial results are worth.
// Sequences of one split are done already and have no unit. Every block finds
// its units itself, by prefix sums over the sequences' slots.
//
//===----------------------------------------------------------------------===//

#include "LatentAttention.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mla::gpu;

static constexpr int64_t warps = 8, threads = 32 * warps;
static constexpr int64_t itemRows = 16;
/// How the items of a sequence are cut, by the number of its splits.
struct Way {
  int64_t quads;  ///< of 8 columns, in pairs: four elements a lane, two rows and two columns
  int64_t splits; ///< of an item, whose loads a warp has in flight together
  bool isShared;  ///< by several warps, where an item has more splits
};
static constexpr Way wide{4, 4, false}, deep{2, 8, true};
static constexpr double nothingSeen = -1e30; ///< keeps differences of -inf from being NaN

/// What a thread says of its sequence, and the warps' sums, in shared memory.
static constexpr int64_t unitsAt = 0, recordsAt = unitsAt + 4 * threads, recordBytes = 16;
static constexpr int64_t exchangeAt = recordsAt + recordBytes * threads;
static constexpr int64_t valuesOfLane = 4 + 4 * deep.quads; ///< that warps exchange

Val LatentPartials::bytesTo(Val slot, Val rowBlock, Val group) {
  Val block = slot * ceilDiv(rows, queryRows) + rowBlock;
  return k.extend(block * 2 + group) * (pairs() * pairBytes());
}

Val LatentPartials::slotBytes() { return ceilDiv(rows, queryRows) * (2 * pairs() * pairBytes()); }

Val LatentPartials::pack(llvm::ArrayRef<Val> elements) {
  Vals words;
  for (size_t i = 0; i < elements.size(); i += 2)
    words.push_back(packBF16(elements[i], elements[i + 1]));
  return elements.front().builder().vectorOf(words);
}

mlir::AffineExpr LatentPartials::bytes(const LatentAttentionShape &shape, mlir::AffineExpr slots,
                                       mlir::AffineExpr rows) {
  int64_t ownTiles = (shape.latentTiles() + 1) / 2;
  return slots * rows.ceilDiv(queryRows) * (2 * ownTiles * tileColumns * queryRows * 2);
}

std::string LatentAttentionShape::mergeName() const {
  return "latent_merge_l" + std::to_string(latent) + (lse ? "_lse" : "") + (scores.haveSinks ? "_sinks" : "") +
         (split.fixed ? "_fixed" : "");
}

namespace {
/// What a warp has merged so far: of each of a lane's two rows the largest lse, the sum of 2^(lse - largest), and the
/// sums of o with these weights.
struct Merged {
  Val largest[2], total[2];
  Vals sums;
};

class LatentMerge {
public:
  LatentMerge(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape)
      : shape(shape), k(module, shape.mergeName(), threads, /*oneBlock=*/false) {}
  void emit();

private:
  // Units
  int64_t columnItems(const Way &way) { return llvm::divideCeil(shape.latent, 8 * way.quads); }
  Val itemsOf(const Way &way, Val ofRows) { return ceilDiv(ofRows, itemRows) * columnItems(way); }
  Val logSharers(const Way &way, Val count);
  Val unitsOf(Val count, Val ofRows);
  void describe(Val sequence);
  Val addUpUnits();
  void numberUnits();
  Val findSequence(Val unit);
  Vals mergeUnits(Val first, Val all);
  void mergeUnit(Val unit);
  void mergeByWay(const Way &way, Val unit);
  // Items
  struct Item {
    Val column;              ///< of the lane's first element, in the latent
    Val row[2], isRow[2];    ///< this lane's rows, and whether the sequence has them
    Val partial, lse[2];     ///< where the lane's first quad, and the lse of its rows, lie in slot 0
    Val slotBytes, lseBytes; ///< from a slot to the next
    Val count;               ///< of its splits; 0 where the sequence has no such item
  };
  Item itemAt(Val index, const Way &way);
  Val slotOf(const Item &item, Val split, bool mayBeFirst);
  Merged mergeSplits(const Item &item, const Way &way, Val first, Val step);
  void addSplits(Merged &m, const Item &item, const Way &way, Val first, Val step);
  void store(const Item &item, Val row, Val isRow, Val quad, Val a, Val b);
  void storeLse(const Item &item, Val row, Val isRow, Val largest, Val total);
  Val inverseOf(Val row, Val largest, Val total);
  void finishAlone(const Item &item, const Way &way, const Merged &m);
  void finishShared(const Item &item, const Way &way, const Merged &m, Val share, Val log);
  void finishPiece(const Item &item, Val piece, Val share, int64_t sharers);
  Val exchanged(Val ofWarp, Val value) {
    return k.shared(exchangeAt, (ofWarp * valuesOfLane + value) * 128 + lane * 4);
  }

  const LatentAttentionShape &shape;
  KernelBuilder k;
  unsigned cuArg, partialArg, partialLseArg, slotsArg, outArg, lseArg, sinksArg, batchArg, partsArg, headsArg, rowsArg;
  Val lane, warp;
  Val ends[threads / 32]; ///< of this lane's sequences: one more than their last unit's number
  Val sequenceRow, rows;  ///< of the unit's sequence
  WorkSplit::Splits splits;
};
} // namespace

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

/// How many warps share the splits of an item, a power of two: as many as let one round do.
Val LatentMerge::logSharers(const Way &way, Val count) {
  Val log = k.i32(0);
  for (int64_t sharers = 1; way.isShared && sharers < warps; sharers *= 2)
    log = log + k.toInt(count > sharers * way.splits, k.i32Type());
  return log;
}

/// Of a sequence that was split.
Val LatentMerge::unitsOf(Val count, Val ofRows) {
  auto units = [&](const Way &way) { return ceilDiv(itemsOf(way, ofRows) << logSharers(way, count), warps); };
  return select(count <= wide.splits, units(wide), units(deep));
}

/// One thread: leaves in shared memory how many units a sequence has, and what they need to know of it.
void LatentMerge::describe(Val sequence) {
  Val thread = k.thread(), heads = k.argument(headsArg);
  auto token = [&](Val i) { return k.load(k.at(k.argument(cuArg), k.extend(i) * 4), k.i32Type()); };
  k.store(k.i32(0), k.shared(unitsAt, thread * 4));
  k.when(sequence < k.argument(batchArg), [&] {
    Val slots = k.load(k.at(k.argument(slotsArg), k.extend(sequence) * 8), k.vectorType(2, k.i32Type()), 8);
    Val first = k.element(slots, 0), last = k.element(slots, 1), begin = token(sequence), end = token(sequence + 1);
    k.when(first >= 0, [&] {
      Val row = begin * heads, ofRows = end * heads - row;
      k.store(unitsOf(WorkSplit::splitsOf(k, shape.split, first, last).count, ofRows), k.shared(unitsAt, thread * 4));
      k.store(k.vectorOf({first, last, row, ofRows}), k.shared(recordsAt, thread * recordBytes), 16);
    });
  });
}

/// Every warp alike: a lane takes four neighbouring sequences of each 128. Returns how many units there are.
Val LatentMerge::addUpUnits() {
  Val all = k.i32(0);
  for (int64_t i = 0; i < threads / 32; i += 4) {
    Val units = k.load(k.shared(unitsAt + i * 128, lane * 16), k.vectorType(4, k.i32Type()), 16), own = k.i32(0);
    for (int64_t j = 0; j < 4; ++j)
      ends[i + j] = own = own + k.element(units, j);
    all = all + own;
  }
  return k.warpSum(all);
}

/// What was added up in each lane is now added up over the lanes before it.
void LatentMerge::numberUnits() {
  Val before = k.i32(0);
  for (int64_t i = 0; i < threads / 32; i += 4) {
    Val own = ends[i + 3], sum = own;
    for (int64_t distance : {1, 2, 4, 8, 16})
      sum = sum + select(lane >= distance, k.shuffleUp(sum, distance), k.i32(0));
    for (int64_t j = 0; j < 4; ++j)
      ends[i + j] = ends[i + j] + (before + sum - own);
    before = before + k.shuffle(sum, k.i32(31));
  }
}

/// Sets what is known of the sequence that has this unit; returns the unit's number in it.
Val LatentMerge::findSequence(Val unit) {
  Val before = k.i32(0), start = k.i32(0);
  for (Val end : ends) {
    before = before + k.toInt(end <= unit, k.i32Type());
    start = max(start, select(end <= unit, end, k.i32(0)));
  }
  Val from = k.shared(recordsAt, k.warpSum(before) * recordBytes);
  Val record = k.load(from, k.vectorType(4, k.i32Type()), 16);
  splits = WorkSplit::splitsOf(k, shape.split, k.element(record, 0), k.element(record, 1));
  sequenceRow = k.element(record, 2);
  rows = k.element(record, 3);
  return unit - k.warpMax(start);
}

/// This block's units from the first one on; returns the next, beyond all.
Vals LatentMerge::mergeUnits(Val first, Val all) {
  numberUnits();
  return k.loopWhile(
      {first}, [&](llvm::ArrayRef<Val> unit) { return unit[0] < all; },
      [&](llvm::ArrayRef<Val> unit) -> Vals {
        mergeUnit(unit[0]);
        return {unit[0] + k.gridX()};
      });
}

void LatentMerge::mergeUnit(Val unit) {
  Val own = findSequence(unit);
  k.when(splits.count <= wide.splits, [&] { mergeByWay(wide, own); }, [&] { mergeByWay(deep, own); });
}

/// The warps that share an item are neighbours.
void LatentMerge::mergeByWay(const Way &way, Val unit) {
  Val log = logSharers(way, splits.count), sharers = k.i32(1) << log, share = warp & (sharers - 1);
  Item item = itemAt((unit * warps + warp) >> log, way);
  Merged m = mergeSplits(item, way, share, sharers);
  auto alone = [&] { finishAlone(item, way, m); };
  if (way.isShared)
    k.when(log == 0, alone, [&] { finishShared(item, way, m, share, log); });
  else
    alone();
}

//===----------------------------------------------------------------------===//
// Items
//===----------------------------------------------------------------------===//

/// Items of a sequence: column blocks of the first 16 rows, then of the next.
LatentMerge::Item LatentMerge::itemAt(Val index, const Way &way) {
  int64_t itemColumns = 8 * way.quads, columns = columnItems(way), perTile = tileColumns / itemColumns;
  int64_t tiles = shape.latentTiles(), ownTiles = (tiles + 1) / 2;
  Val rowTile = index / columns, column = index % columns, tile = column / perTile;
  Val firstRow = rowTile * itemRows;
  Item item;
  item.column = column * itemColumns + (lane & 3) * 2;
  Val isSecond = tile >= ownTiles, group = k.toInt(isSecond, k.i32Type());
  Val ownTile = tile - select(isSecond, k.i32(tiles - ownTiles), k.i32(0));
  Val firstQuad = ownTile * (tileColumns / 8) + (column % perTile) * way.quads;
  Val warpOfTile = rowTile % (queryRows / itemRows);
  Val offset = ((firstQuad >> 1) * 128 + warpOfTile * 32 + lane) * 16;
  LatentPartials partials(k, shape, k.argument(rowsArg));
  Val toGroup = partials.bytesTo(k.i32(0), rowTile / (queryRows / itemRows), group);
  item.partial = k.at(k.argument(partialArg), toGroup + k.extend(offset));
  for (int64_t r : {0, 1}) {
    item.row[r] = firstRow + (lane >> 2) + 8 * r;
    item.isRow[r] = item.row[r] < rows;
    item.lse[r] = k.at(k.argument(partialLseArg), k.extend(select(item.isRow[r], item.row[r], k.i32(0))) * 4);
  }
  item.slotBytes = k.extend(partials.slotBytes());
  item.lseBytes = k.extend(k.argument(rowsArg) * 4);
  item.count = select(firstRow < rows, splits.count, k.i32(0));
  return item;
}

/// The last split's where there is no such split.
Val LatentMerge::slotOf(const Item &item, Val split, bool mayBeFirst) {
  Val later = splits.secondSlot + (min(split, item.count - 1) - 1) * splits.step;
  return mayBeFirst ? select(split == 0, splits.firstSlot, later) : later;
}

/// Adds splits first, first + step, … of one round.
void LatentMerge::addSplits(Merged &m, const Item &item, const Way &way, Val first, Val step) {
  llvm::SmallVector<Vals> lse(way.splits), loaded(way.splits), columns(way.splits);
  for (int64_t p = 0; p < way.splits; ++p) {
    Val split = first + step * p, there = split < item.count;
    Val slot = k.extend(slotOf(item, split, /*mayBeFirst=*/p == 0));
    for (int64_t r : {0, 1}) {
      Val value = k.load(k.at(item.lse[r], slot * item.lseBytes), k.f32Type());
      lse[p].push_back(select(there & item.isRow[r], value, k.f32(nothingSeen)));
    }
    Val from = k.at(item.partial, slot * item.slotBytes);
    loaded[p] = k.choose(
        there,
        [&] {
          Vals pairs;
          for (int64_t j = 0; j < way.quads / 2; ++j)
            pairs.push_back(k.load(k.at(from, j * LatentPartials::pairBytes()), k.vectorType(4, k.i32Type()), 16));
          return pairs;
        },
        [&] { return Vals(way.quads / 2, k.zeroVector(4, k.i32Type())); });
  }
  for (int64_t p = 0; p < way.splits; ++p) // when all are on their way
    for (Val pair : loaded[p])
      for (int64_t e = 0; e < 4; ++e)
        columns[p].append({lowBF16(k.element(pair, e)), highBF16(k.element(pair, e))});
  for (int64_t r : {0, 1}) {
    Val before = m.largest[r];
    for (int64_t p = 0; p < way.splits; ++p)
      m.largest[r] = max(m.largest[r], lse[p][r]);
    Val change = exp2(before - m.largest[r]);
    m.total[r] = m.total[r] * change;
    for (size_t i = 0; i < m.sums.size(); ++i)
      if (rowOf(i) == r)
        m.sums[i] = m.sums[i] * change;
    for (int64_t p = 0; p < way.splits; ++p) {
      Val seen = lse[p][r] > k.f32(nothingSeen);
      Val weight = select(seen, exp2(lse[p][r] - m.largest[r]), k.f32(0));
      m.total[r] = m.total[r] + weight;
      for (size_t i = 0; i < m.sums.size(); ++i)
        if (rowOf(i) == r)
          m.sums[i] = fma(columns[p][i], weight, m.sums[i]);
    }
  }
}

static Vals packed(const Merged &m) {
  Vals values = {m.largest[0], m.largest[1], m.total[0], m.total[1]};
  values.append(m.sums);
  return values;
}
static Merged unpacked(llvm::ArrayRef<Val> values) {
  return {{values[0], values[1]}, {values[2], values[3]}, Vals(values.drop_front(4))};
}

/// Splits first, first + step, …
Merged LatentMerge::mergeSplits(const Item &item, const Way &way, Val first, Val step) {
  Val none = k.f32(nothingSeen), zero = k.f32(0);
  Merged start{{none, none}, {zero, zero}, Vals(4 * way.quads, zero)};
  return unpacked(k.loop(first, item.count, step * way.splits, packed(start), [&](Val i, llvm::ArrayRef<Val> state) {
    Merged m = unpacked(state);
    addSplits(m, item, way, i, step);
    return packed(m);
  }));
}

/// Two neighbouring columns of one of the lane's rows.
void LatentMerge::store(const Item &item, Val row, Val isRow, Val quad, Val a, Val b) {
  if (shape.latent % tileColumns) // an item may have columns of k_rope
    isRow = isRow & (item.column + quad * 8 < shape.latent);
  k.when(isRow, [&] {
    Val to = k.at(k.argument(outArg), k.extend(sequenceRow + row) * (2 * shape.latent));
    k.store(packBF16(a, b), k.at(to, item.column * 2 + quad * 16));
  });
}

/// By the lanes of a row's first column.
void LatentMerge::storeLse(const Item &item, Val row, Val isRow, Val largest, Val total) {
  if (!shape.lse)
    return;
  k.when(isRow & (item.column == 0), [&] {
    Val lse = (largest + log2(total)) * k.f32(0.6931471805599453);
    k.store(lse, k.at(k.argument(lseArg), k.extend(sequenceRow + row) * 4));
  });
}

/// Returns what a row's sums are multiplied by. Its sink joins here: partial results have none.
Val LatentMerge::inverseOf(Val row, Val largest, Val total) {
  Val whole = total;
  if (shape.scores.haveSinks)
    whole = total + sinkShare(k, k.argument(sinksArg), row % k.argument(headsArg), largest);
  return select(total > k.f32(0), reciprocal(whole), k.f32(0));
}

void LatentMerge::finishAlone(const Item &item, const Way &way, const Merged &m) {
  for (int64_t r : {0, 1}) {
    Val inverse = inverseOf(item.row[r], m.largest[r], m.total[r]);
    for (int64_t j = 0; j < way.quads; ++j)
      store(item, item.row[r], item.isRow[r], k.i32(j), m.sums[4 * j + 2 * r] * inverse,
            m.sums[4 * j + 2 * r + 1] * inverse);
    storeLse(item, item.row[r], item.isRow[r], m.largest[r], m.total[r]);
  }
}

/// The warps of an item add up what each of them has merged.
void LatentMerge::finishShared(const Item &item, const Way &way, const Merged &m, Val share, Val log) {
  for (auto [i, value] : llvm::enumerate(packed(m)))
    k.store(value, k.at(exchanged(warp, k.i32(0)), static_cast<int64_t>(i) * 128));
  k.syncBlock();
  for (int64_t sharers = 2, l = 1; sharers <= warps; sharers *= 2, ++l)
    k.when(log == l, [&] {
      k.loop(share, k.i32(2 * way.quads), k.i32(sharers), {}, [&](Val piece, llvm::ArrayRef<Val>) -> Vals {
        finishPiece(item, piece, share, sharers);
        return {};
      });
    });
  k.syncBlock();
}

/// A row and a quad of an item.
void LatentMerge::finishPiece(const Item &item, Val piece, Val share, int64_t sharers) {
  Val second = piece & 1, quad = piece >> 1;
  Val rowAt = exchanged(warp - share, second), sumsAt = exchanged(warp - share, quad * 4 + second * 2 + 4);
  auto of = [&](Val at, int64_t sharer, int64_t value) {
    return k.load(k.at(at, (sharer * valuesOfLane + value) * 128), k.f32Type());
  };
  Vals largest;
  for (int64_t i = 0; i < sharers; ++i)
    largest.push_back(of(rowAt, i, 0));
  Val most = largest[0], total = k.f32(0), a = k.f32(0), b = k.f32(0);
  for (Val one : largest)
    most = max(most, one);
  for (int64_t i = 0; i < sharers; ++i) {
    Val weight = exp2(largest[i] - most);
    total = fma(of(rowAt, i, 2), weight, total);
    a = fma(of(sumsAt, i, 0), weight, a);
    b = fma(of(sumsAt, i, 1), weight, b);
  }
  Val row = item.row[0] + second * 8, isRow = row < rows, inverse = inverseOf(row, most, total);
  store(item, row, isRow, quad, a * inverse, b * inverse);
  storeLse(item, row, isRow & (quad == 0), most, total);
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

void LatentMerge::emit() {
  for (unsigned *arg : {&cuArg, &partialArg, &partialLseArg, &slotsArg, &outArg})
    *arg = k.addPointer();
  if (shape.lse)
    lseArg = k.addPointer();
  if (shape.scores.haveSinks)
    sinksArg = k.addPointer();
  for (unsigned *arg : {&batchArg, &partsArg, &headsArg, &rowsArg})
    *arg = k.addInt();
  k.begin();
  k.function()->setAttr(mlir::NVVM::NVVMDialect::getMinctasmAttrName(), k.getI32IntegerAttr(latentMergeBlocks));
  lane = k.thread() & 31;
  warp = k.shuffle(k.thread() >> 5, k.i32(0));
  // With more sequences the product that follows is slower if it starts early (docs/performance-layers.md).
  Val processors = k.argument(partsArg) * ceilDiv(k.argument(rowsArg), queryRows);
  k.when(k.argument(batchArg) * 2 <= processors, [&] { launchDependents(k); });
  waitForPredecessors(k);
  k.loop(k.i32(0), k.argument(batchArg), k.i32(threads), {k.blockX()}, [&](Val first, llvm::ArrayRef<Val> state) {
    describe(first + k.thread());
    k.syncBlock();
    Val all = addUpUnits();
    Vals next = k.choose(state[0] < all, [&] { return mergeUnits(state[0], all); }, [&] { return Vals(state); });
    k.when(first + threads < k.argument(batchArg), [&] { k.syncBlock(); }); // before others are described
    return Vals{next[0] - all};
  });
  launchDependents(k);
  k.finish();
}

int64_t mla::gpu::latentMergeSharedBytes(const LatentAttentionShape &) {
  return exchangeAt + warps * valuesOfLane * 128;
}

void mla::gpu::emitLatentMerge(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape) {
  if (!module.lookupSymbol(shape.mergeName()))
    LatentMerge(module, shape).emit();
}
