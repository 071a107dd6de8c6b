//===- FewRows.cpp - Latent attention of few query rows -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FewPackedRows.h"
#include "FewPlainRows.h"
#include "Hopper.h"

using namespace mla;
using namespace mla::gpu;

static constexpr double noMaximum = -1e30;

bool mla::gpu::multipliesPacked(const LatentAttentionShape &shape) {
  return shape.isPacked() && llvm::is_contained({128, 256, 512}, shape.latent) &&
         llvm::is_contained({0, 16, 32, 64}, shape.rope);
}

int64_t mla::gpu::fewRowsSharedBytes(const LatentAttentionShape &shape, int64_t rows) {
  return multipliesPacked(shape) ? FewPackedRowsLayout(shape).bytes : FewPlainRowsLayout(shape, rows).bytes;
}

std::string mla::gpu::fewRowsName(const LatentAttentionShape &shape, int64_t rows) {
  return "few_rows" + std::to_string(rows) + "_" + shape.name();
}

void mla::gpu::emitFewRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, int64_t rows) {
  if (module.lookupSymbol(fewRowsName(shape, rows)))
    return;
  if (multipliesPacked(shape))
    FewPackedRows(module, shape).emit();
  else
    FewPlainRows(module, shape, rows).emit();
}

FewRows::FewRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, int64_t rowsOfBlock,
                 const TokenRing &ring, const FewRowsAreas &areas, double probabilityUnit)
    : RingAttention(module, shape, fewRowsName(shape, rowsOfBlock), rowsOfBlock, ring),
      latentTiles(shape.latentTiles()), probabilityUnit(probabilityUnit), areas(areas) {}

//===----------------------------------------------------------------------===//
// The state
//===----------------------------------------------------------------------===//

Vals FewRows::State::flat(KernelBuilder &k) const {
  Vals values;
  for (const Vals &one : out)
    values.push_back(k.pack(one));
  values.append(sum);
  values.append(maximum);
  return values;
}

FewRows::State FewRows::stateOf(llvm::ArrayRef<Val> values) {
  State s;
  for (Val bundle : values.take_front(latentTiles))
    s.out.push_back(k.unpack(bundle));
  s.sum = Vals(values.slice(latentTiles, ownRows()));
  s.maximum = Vals(values.slice(latentTiles + ownRows(), ownRows()));
  return s;
}

FewRows::State FewRows::emptyState() {
  State s;
  s.out.assign(latentTiles, Vals(accumulators(), k.f32(0)));
  s.sum.assign(ownRows(), k.f32(0));
  s.maximum.assign(ownRows(), k.f32(noMaximum));
  return s;
}

//===----------------------------------------------------------------------===//
// Probabilities
//===----------------------------------------------------------------------===//

Vals FewRows::sharedMaxima(Vals largest) {
  Val own = k.shared(areas.maxima, warpOfBoth * (rowsOfBlock * 4) + (quad << 3));
  for (int64_t i = 0; i < ownRows(); ++i) {
    for (int64_t distance : {4, 8, 16})
      largest[i] = max(largest[i], k.shuffleXor(largest[i], distance));
    k.when(lane < 4, [&] { k.store(largest[i], k.at(own, 4 * ownRowOffset(i))); });
  }
  syncGroup();
  for (int64_t w = 0; w < 4; ++w)
    for (int64_t j = 0; j < ownRows() / 2; ++j) {
      Val from = k.shared(areas.maxima + w * rowsOfBlock * 4 + j * 32, (quad << 3) + group * (4 * rowsOfBlock * 4));
      Val pair = k.load(from, k.vectorType(2, k.f32Type()), 8);
      for (int64_t e : {0, 1})
        largest[2 * j + e] = max(largest[2 * j + e], k.element(pair, e));
    }
  return largest;
}

void FewRows::softmax(State &s, Vals &p, const Vals &largest) {
  Vals factors;
  for (int64_t i = 0; i < ownRows(); ++i) {
    Val maximum = max(s.maximum[i], largest[i]);
    factors.push_back(exp2(s.maximum[i] - maximum));
    s.maximum[i] = maximum;
    s.sum[i] = s.sum[i] * factors[i];
  }
  for (auto [i, value] : llvm::enumerate(p)) {
    value = exp2(value - s.maximum[rowIndexOf(i)]);
    s.sum[rowIndexOf(i)] = s.sum[rowIndexOf(i)] + value;
  }
  for (Vals &out : s.out)
    for (auto [i, value] : llvm::enumerate(out))
      value = value * factors[rowIndexOf(i)];
}

void FewRows::storeProbabilities(llvm::ArrayRef<Val> packed, int64_t tile) {
  Val row = (lane & 7) + ((lane >> 4) << 3), chunk = (warp << 1) + ((lane >> 3) & 1);
  Val offset = (row << 7) + ((chunk ^ (row & 7)) << 4) + group * areas.pBytes;
  for (int64_t rows = 0; rows < rowsOfBlock; rows += 16)
    storeMatrix(k, k.shared(areas.p + tile * tileBytes(rowsOfBlock) + tileBytes(rows), offset),
                packed.slice(rows / 4, 4), /*transposed=*/true);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Returns where a row's columns from a multiple of 4 on are staged. Groups of 8 columns are permuted by row: rows that
/// a warp accesses together, every second one or four neighbours, have theirs in different banks.
Val FewRows::stagedAt(Val row, Val column) {
  Val swizzle = ((row + (row >> 2)) & 3) << 3;
  return k.shared(areas.staging, row * areas.stagingPitch + ((column ^ swizzle) << 2));
}

/// Stores a half of O as [row, column], f32, or adds it to what is there.
void FewRows::stage(const State &s, int64_t half, bool adds) {
  Val columns[2] = {(warp << 4) + columnOf(0), (warp << 4) + columnOf(1)};
  for (int64_t i = 0; i < accumulators(); ++i) {
    Val row = (quad << 1) + ownRowOffset(rowIndexOf(i)), at = stagedAt(row, columns[i >> 1 & 1]);
    for (int64_t tile = 0; tile < halfTiles(); ++tile) {
      Val value = s.out[firstTile(half) + tile][i], to = k.at(at, tile * tileColumns * 4);
      k.store(adds ? value + k.load(to, k.f32Type(), 4) : value, to, 4);
    }
  }
}

/// Stores a half of the final rows as bf16: a warp per row, four columns at once per lane.
void FewRows::sendWhole(int64_t half) {
  for (int64_t i = 0; i < rowsOfBlock / 8; ++i) {
    Val row = warpOfBoth + i * 8;
    k.when(firstRow + row < rows, [&] {
      Val to = k.at(k.argument(outArg), k.extend(sequenceRow + firstRow + row) * (shape.latent * 2));
      for (int64_t column = 0; column < halfTiles() * tileColumns; column += 128) {
        int64_t first = firstTile(half) * tileColumns + column;
        int64_t width = std::min(halfTiles() * tileColumns - column, shape.latent - first);
        auto store = [&] {
          Val four = k.load(stagedAt(row, (lane << 2) + column), k.vectorType(4, k.f32Type()), 16);
          Vals words = {packBF16(k.element(four, 0), k.element(four, 1)),
                        packBF16(k.element(four, 2), k.element(four, 3))};
          k.store(k.vectorOf(words), k.at(to, k.extend((lane << 3) + first * 2)), 8);
        };
        if (width >= 128)
          store();
        else
          k.when(lane < width / 4, store);
      }
    });
  }
}

/// Stores a half of the partial results in the layout of LatentPartials: 16 rows are those of one of its warps.
void FewRows::sendPartial(int64_t half) {
  LatentPartials partials(k, shape, k.argument(rowsArg));
  auto pair = [&](Val row, Val column) { return k.load(stagedAt(row, column), k.vectorType(2, k.f32Type()), 8); };
  for (int64_t i = 0; i < rowsOfBlock / 16; ++i)
    k.when(firstRow + 16 * i < rows, [&] {
      Val rows16 = k.blockX() * (rowsOfBlock / 16) + i, fragment = (((rows16 & 3) << 5) + lane) << 4;
      Val to = k.at(k.argument(partialArg), partials.bytesTo(slot, rows16 >> 2, k.i32(half)) + k.extend(fragment));
      for (int64_t first = 0; first < partials.pairs(); first += 8) {
        Val j = warpOfBoth + first, row = (lane >> 2) + 16 * i;
        auto store = [&] {
          Vals elements;
          for (int64_t quadOfPair : {0, 1})
            for (int64_t half : {0, 8}) {
              Val two = pair(row + half, (j << 4) + ((quad << 1) + 8 * quadOfPair));
              elements.append({k.element(two, 0), k.element(two, 1)});
            }
          k.store(partials.pack(elements), k.at(to, k.extend(j * partials.pairBytes())), 16);
        };
        if (first + 8 <= partials.pairs())
          store();
        else
          k.when(j < partials.pairs(), store);
      }
    });
}

/// Stores the LSE: the natural logarithm for the user, to the base 2 between kernels. Lanes 0 to 3 of warp 0 have all
/// rows.
void FewRows::sendLse(const State &s, bool whole) {
  if (whole && !shape.lse)
    return;
  k.when(thread < 4, [&] {
    for (int64_t i = 0; i < ownRows(); ++i)
      storeLse(firstRow + (quad << 1) + ownRowOffset(i), log2(s.sum[i]) + s.maximum[i], whole);
  });
}

/// Makes the maximum that of both warpgroups and the sum that of all warps, and divides this one's part of O by the
/// sum. Fully masked rows are zero.
void FewRows::joinGroups(State &s) {
  Val lanePart = quad << 3;
  for (int64_t i = 0; i < ownRows(); ++i) {
    for (int64_t distance : {4, 8, 16})
      s.sum[i] = s.sum[i] + k.shuffleXor(s.sum[i], distance);
    k.when(lane < 4, [&] {
      Val own = warpOfBoth * (rowsOfBlock * 4) + lanePart;
      k.store(s.sum[i], k.shared(areas.sums + 4 * ownRowOffset(i), own));
      k.store(s.maximum[i], k.shared(areas.maxima + 4 * ownRowOffset(i), own));
    });
  }
  sync();
  auto load = [&](int64_t base, int64_t warp, int64_t i) {
    return k.load(k.shared(base + warp * rowsOfBlock * 4 + 4 * ownRowOffset(i), lanePart), k.f32Type(), 4);
  };
  for (int64_t i = 0; i < ownRows(); ++i) {
    Val maxima[2] = {load(areas.maxima, 0, i), load(areas.maxima, 4, i)};
    Val maximum = max(maxima[0], maxima[1]), sum = k.f32(0);
    for (int64_t w = 0; w < 8; ++w)
      sum = fma(load(areas.sums, w, i), exp2(maxima[w / 4] - maximum), sum);
    Val whole = denominator(firstRow + (quad << 1) + ownRowOffset(i), sum, maximum);
    Val inverse = select(sum > k.f32(0), reciprocal(whole) * k.f32(1 / probabilityUnit), k.f32(0));
    Val factor = inverse * exp2(s.maximum[i] - maximum);
    for (Vals &out : s.out)
      for (auto [a, value] : llvm::enumerate(out))
        if (rowIndexOf(a) == i)
          value = value * factor;
    s.sum[i] = sum;
    s.maximum[i] = maximum;
  }
}

/// Joins both warpgroups' parts of the results, and stores them.
void FewRows::finish(State &s) {
  joinGroups(s);
  for (int64_t half = 0; half < halves(); ++half) {
    k.when(group == 1, [&] { stage(s, half, /*adds=*/false); });
    sync();
    k.when(group == 0, [&] { stage(s, half, /*adds=*/true); });
    sync();
    k.when(slot < 0, [&] { sendWhole(half); }, [&] { sendPartial(half); });
    sync(); // before the next half, or queries, replace what was staged
  }
  k.when(slot < 0, [&] { sendLse(s, true); }, [&] { sendLse(s, false); });
  k.when((thread == 32) & (k.blockX() == 0), [&] { writeSlots(); });
}

//===----------------------------------------------------------------------===//
// The whole of a split
//===----------------------------------------------------------------------===//

void FewRows::oneSplit(Val firstBlock) {
  border.clear();
  for (int64_t i = 0; i < ownRows(); ++i)
    border.push_back(borderOf(firstRow + (quad << 1) + ownRowOffset(i)));
  loadQueries();
  Vals last =
      k.loop(begin + group, end, k.i32(2), emptyState().flat(k), [&](Val block, llvm::ArrayRef<Val> values) -> Vals {
        State s = stateOf(values);
        oneBlock(s, block, ordinalOf(firstBlock, block));
        return s.flat(k);
      });
  State s = stateOf(last);
  finish(s);
}
