//===- LatentMerge.cpp - Merging partial attention ------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Combines the partial results of sequences that were split (mla.merge):
//   l = log2 Σ 2^l_i     o = Σ 2^(l_i - l) o_i
// in the order of the splits, so that results repeat. A warp takes 16 rows and
// some columns, in the layout in which the attention kernel left them. With few
// splits it merges them alone; with many the eight warps of a block share the
// splits, and then add up. All loads of a round are in flight together, and one
// or two rounds are the rule. Sequences of one split are done already: their
// blocks of threads end at once.
//
//===----------------------------------------------------------------------===//

#include "LatentAttention.h"

using namespace mla::gpu;

static constexpr int64_t warps = 8;
static constexpr int64_t itemRows = 16;
/// What a warp takes at a time.
struct Way {
  int64_t quads;  ///< of 8 columns: four elements a lane, two rows and two columns
  int64_t splits; ///< whose loads are in flight together
};
static constexpr Way wide{4, 4}, deep{2, 8};
static constexpr int64_t fewSplits = 16;     ///< up to here a warp merges alone
static constexpr double nothingSeen = -1e30; ///< keeps differences of -inf from being NaN

Val LatentPartials::bytesTo(Val slot, Val rowBlock, Val group) {
  Val block = slot * ceilDiv(rows, queryRows) + rowBlock;
  return k.extend(block * 2 + group) * (quads() * quadBytes());
}

mlir::AffineExpr LatentPartials::bytes(const LatentAttentionShape &shape, mlir::AffineExpr slots,
                                       mlir::AffineExpr rows) {
  int64_t ownTiles = (shape.latent / tileColumns + 1) / 2;
  return slots * rows.ceilDiv(queryRows) * (2 * ownTiles * tileColumns * queryRows * 4);
}

std::string LatentAttentionShape::mergeName() const {
  return "latent_merge_l" + std::to_string(latent) + (lse ? "_lse" : "") + (split.fixed ? "_fixed" : "");
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
      : shape(shape), k(module, shape.mergeName(), 32 * warps, /*oneBlock=*/false) {}
  void emit();

private:
  struct Item {
    Val firstRow;                ///< of 16, in the sequence
    Val column;                  ///< of the lane's first element, in the latent
    Val rowBlock, group, offset; ///< in the partial results; bytes from a group's start
    Val row[2], isRow[2];        ///< this lane's rows, and whether the sequence has them
  };
  Val itemsOf(const Way &way) { return ceilDiv(rows, itemRows) * (shape.latent / (8 * way.quads)); }
  Item itemAt(Val index, const Way &way);
  Val slotOf(Val split);
  Val lseOf(Val slot, Val row);
  Merged mergeSplits(const Item &item, const Way &way, Val first, int64_t step);
  void addSplits(Merged &m, const Item &item, const Way &way, Val first, int64_t step);
  void store(const Item &item, int64_t row, int64_t quad, Val a, Val b);
  void storeLse(const Item &item, int64_t row, Val largest, Val total);
  void mergeByWarp(const Item &item, const Way &way);
  void mergeByBlock(const Item &item);
  Val shared(Val warp, int64_t value) { return k.shared(value * 128, warp * (valuesOfLane * 128) + lane * 4); }

  static constexpr int64_t valuesOfLane = 4 + 4 * deep.quads; ///< that warps exchange
  friend int64_t mla::gpu::latentMergeSharedBytes(const LatentAttentionShape &);

  const LatentAttentionShape &shape;
  KernelBuilder k;
  unsigned cuArg, partialArg, partialLseArg, slotsArg, outArg, lseArg, batchArg, partsArg, headsArg, rowsArg;
  Val lane, warp, sequenceRow, rows;
  WorkSplit::Splits splits;
};
} // namespace

/// Items of a sequence: column blocks of the first 16 rows, then of the next.
LatentMerge::Item LatentMerge::itemAt(Val index, const Way &way) {
  int64_t itemColumns = 8 * way.quads, columns = shape.latent / itemColumns, perTile = tileColumns / itemColumns;
  int64_t tiles = shape.latent / tileColumns, ownTiles = (tiles + 1) / 2;
  Val rowTile = index / columns, column = index % columns, tile = column / perTile;
  Item item;
  item.firstRow = rowTile * itemRows;
  item.column = column * itemColumns + (lane & 3) * 2;
  item.rowBlock = rowTile / (queryRows / itemRows);
  Val isSecond = tile >= ownTiles;
  item.group = k.toInt(isSecond, k.i32Type());
  Val ownTile = tile - select(isSecond, k.i32(tiles - ownTiles), k.i32(0));
  Val firstQuad = ownTile * (tileColumns / 8) + (column % perTile) * way.quads;
  Val warpOfTile = rowTile % (queryRows / itemRows);
  item.offset = (firstQuad * 128 + warpOfTile * 32 + lane) * 16;
  for (int64_t r : {0, 1}) {
    item.row[r] = item.firstRow + (lane >> 2) + 8 * r;
    item.isRow[r] = item.row[r] < rows;
  }
  return item;
}

Val LatentMerge::slotOf(Val split) {
  return select(split == 0, splits.firstSlot, splits.secondSlot + (split - 1) * splits.step);
}

Val LatentMerge::lseOf(Val slot, Val row) {
  return k.load(k.at(k.argument(partialLseArg), k.extend(slot * k.argument(rowsArg) + row) * 4), k.f32Type());
}

/// Adds splits first, first + step, … of one round.
void LatentMerge::addSplits(Merged &m, const Item &item, const Way &way, Val first, int64_t step) {
  LatentPartials partials(k, shape, k.argument(rowsArg));
  llvm::SmallVector<Vals> lse(way.splits), columns(way.splits);
  for (int64_t p = 0; p < way.splits; ++p) {
    Val split = first + p * step, there = split < splits.count;
    Val slot = slotOf(select(there, split, splits.count - 1));
    for (int64_t r : {0, 1})
      lse[p].push_back(
          select(there & item.isRow[r], lseOf(slot, select(item.isRow[r], item.row[r], k.i32(0))), k.f32(nothingSeen)));
    Val from = k.at(k.argument(partialArg), partials.bytesTo(slot, item.rowBlock, item.group) + k.extend(item.offset));
    Vals quads = k.choose(
        there,
        [&] {
          Vals loaded;
          for (int64_t j = 0; j < way.quads; ++j)
            loaded.push_back(k.load(k.at(from, j * partials.quadBytes()), k.vectorType(4, k.f32Type()), 16));
          return loaded;
        },
        [&] { return Vals(way.quads, k.zeroVector(4, k.f32Type())); });
    for (Val quad : quads)
      for (int64_t e = 0; e < 4; ++e)
        columns[p].push_back(k.element(quad, e));
  }
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
Merged LatentMerge::mergeSplits(const Item &item, const Way &way, Val first, int64_t step) {
  Val none = k.f32(nothingSeen), zero = k.f32(0);
  Merged start{{none, none}, {zero, zero}, Vals(4 * way.quads, zero)};
  return unpacked(
      k.loop(first, splits.count, k.i32(step * way.splits), packed(start), [&](Val i, llvm::ArrayRef<Val> state) {
        Merged m = unpacked(state);
        addSplits(m, item, way, i, step);
        return packed(m);
      }));
}

/// Two neighbouring columns of one of the lane's rows.
void LatentMerge::store(const Item &item, int64_t row, int64_t quad, Val a, Val b) {
  k.when(item.isRow[row], [&] {
    Val to = k.at(k.argument(outArg), k.extend(sequenceRow + item.row[row]) * (2 * shape.latent));
    k.store(packBF16(a, b), k.at(to, item.column * 2 + 16 * quad));
  });
}

/// By the lanes of a row's first column.
void LatentMerge::storeLse(const Item &item, int64_t row, Val largest, Val total) {
  if (!shape.lse)
    return;
  k.when(item.isRow[row] & (item.column == 0), [&] {
    Val lse = (largest + log2(total)) * k.f32(0.6931471805599453);
    k.store(lse, k.at(k.argument(lseArg), k.extend(sequenceRow + item.row[row]) * 4));
  });
}

static Val inverseOf(KernelBuilder &k, Val total) { return select(total > k.f32(0), reciprocal(total), k.f32(0)); }

void LatentMerge::mergeByWarp(const Item &item, const Way &way) {
  Merged m = mergeSplits(item, way, k.i32(0), 1);
  for (int64_t r : {0, 1}) {
    Val inverse = inverseOf(k, m.total[r]);
    for (int64_t j = 0; j < way.quads; ++j)
      store(item, r, j, m.sums[4 * j + 2 * r] * inverse, m.sums[4 * j + 2 * r + 1] * inverse);
    storeLse(item, r, m.largest[r], m.total[r]);
  }
}

/// Each warp merges every eighth split; then the first four have a row and a quad each.
void LatentMerge::mergeByBlock(const Item &item) {
  Vals values = packed(mergeSplits(item, deep, warp, warps));
  for (auto [i, value] : llvm::enumerate(values))
    k.store(value, shared(warp, i));
  k.syncBlock();
  for (int64_t w = 0; w < 2 * deep.quads; ++w)
    k.when(warp == w, [&] {
      int64_t r = w % 2, quad = w / 2, first = 4 + 4 * quad + 2 * r;
      auto of = [&](int64_t other, int64_t value) { return k.load(shared(k.i32(other), value), k.f32Type()); };
      Val largest = of(0, r), total = k.f32(0), a = k.f32(0), b = k.f32(0);
      for (int64_t other = 1; other < warps; ++other)
        largest = max(largest, of(other, r));
      for (int64_t other = 0; other < warps; ++other) {
        Val weight = exp2(of(other, r) - largest);
        total = fma(of(other, 2 + r), weight, total);
        a = fma(of(other, first), weight, a);
        b = fma(of(other, first + 1), weight, b);
      }
      Val inverse = inverseOf(k, total);
      store(item, r, quad, a * inverse, b * inverse);
      if (quad == 0)
        storeLse(item, r, largest, total);
    });
  k.syncBlock();
}

void LatentMerge::emit() {
  for (unsigned *arg : {&cuArg, &partialArg, &partialLseArg, &slotsArg, &outArg})
    *arg = k.addPointer();
  if (shape.lse)
    lseArg = k.addPointer();
  for (unsigned *arg : {&batchArg, &partsArg, &headsArg, &rowsArg})
    *arg = k.addInt();
  k.begin();
  lane = k.thread() & 31;
  warp = k.shuffle(k.thread() >> 5, k.i32(0));
  Val sequence = k.blockY(), heads = k.argument(headsArg);
  auto token = [&](Val i) { return k.load(k.at(k.argument(cuArg), k.extend(i) * 4), k.i32Type()); };
  sequenceRow = token(sequence) * heads;
  rows = token(sequence + 1) * heads - sequenceRow;
  k.when(dependentsMayComeEarly(k.argument(batchArg), k.argument(partsArg)), [&] { launchDependents(k); });
  waitForPredecessors(k);
  Val slots = k.load(k.at(k.argument(slotsArg), k.extend(sequence) * 8), k.vectorType(2, k.i32Type()), 8);
  splits = WorkSplit::splitsOf(k, shape.split, k.element(slots, 0), k.element(slots, 1));
  auto byWarp = [&](const Way &way) {
    k.loop(k.blockX() * warps + warp, itemsOf(way), k.gridX() * warps, {}, [&](Val i, llvm::ArrayRef<Val>) -> Vals {
      mergeByWarp(itemAt(i, way), way);
      return {};
    });
  };
  auto byBlock = [&] {
    k.loop(k.blockX(), itemsOf(deep), k.gridX(), {}, [&](Val i, llvm::ArrayRef<Val>) -> Vals {
      mergeByBlock(itemAt(i, deep));
      return {};
    });
  };
  k.when(splits.count > 1, [&] {
    k.when(
        splits.count <= wide.splits, [&] { byWarp(wide); },
        [&] { k.when(splits.count <= fewSplits, [&] { byWarp(deep); }, byBlock); });
  });
  launchDependents(k);
  k.finish();
}

int64_t mla::gpu::latentMergeSharedBytes(const LatentAttentionShape &) {
  return warps * LatentMerge::valuesOfLane * 128;
}

void mla::gpu::emitLatentMerge(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape) {
  if (!module.lookupSymbol(shape.mergeName()))
    LatentMerge(module, shape).emit();
}
