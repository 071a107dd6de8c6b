//===- FewRows.cpp - Latent attention of few query rows -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "E4M3.h"
#include "FewRowsKernel.h"

using namespace mla;
using namespace mla::gpu;

static constexpr int64_t tile = fewRows * tileRowBytes;
static constexpr double noMaximum = -1e30;

FewRowsLayout::FewRowsLayout(const LatentAttentionShape &shape)
    : row(shape.packedRow()), latentTiles(shape.latent / tileColumns), ropeSteps(shape.rope / 16),
      groups(std::max<int64_t>(row.numScales, 1)) {
  q = 0;
  ropeQ = q + latentTiles * tile;
  p[0] = ropeQ + (shape.rope ? tile : 0);
  p[1] = p[0] + groups * tile;
  staging = q;
  stagingPitch = shape.latent * 4 + 32; // rows 8 banks apart
  ring = llvm::alignTo(std::max(p[1] + groups * tile, staging + fewRows * stagingPitch), 1024);
  stageBytes = blockTokens * row.bytes;
  maxima = ring + stages * stageBytes;
  sums = maxima + 8 * fewRows * 4;
  queryUnit = sums + 8 * fewRows * 4;
  ropeUnit = queryUnit + fewRows * 4;
  full = ropeUnit + fewRows * 4;
  empty = full + 8 * stages;
  bytes = empty + 8 * stages;
}

int64_t mla::gpu::fewRowsSharedBytes(const LatentAttentionShape &shape) { return FewRowsLayout(shape).bytes; }

std::string mla::gpu::fewRowsName(const LatentAttentionShape &shape) { return "few_rows_" + shape.name(); }

FewRows::FewRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape)
    : PackedAttention(module, shape, fewRowsName(shape), fewRows, FewRowsLayout(shape).packedRing()), at(shape) {}

void FewRows::addPages() { pagesArg = k.addPointer(); }

/// Copies the rows of a block that are in pages of the sequence.
void FewRows::copyBlock(const Pages &pages, Val block, Val ordinal, Val barrier) {
  Val count = k.i32(0), token = block << 6, begin = offsetOf(ordinal);
  for (Val there : pages.exist)
    count = count + k.toInt(there, k.i32Type());
  expectBytes(k, barrier, count * (rowsAtOnce() * at.row.bytes), Val());
  for (auto [i, page] : llvm::enumerate(pages.numbers)) {
    Val row = k.extend(page) * shape.page + k.extend((token + i * rowsAtOnce()) % shape.page);
    Val from = k.at(k.argument(pagesArg), row * at.row.bytes);
    Val to = k.shared(at.ring + i * rowsAtOnce() * at.row.bytes, begin);
    k.when(pages.exist[i], [&] { copyBytes(k, to, from, barrier, rowsAtOnce() * at.row.bytes); });
  }
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

/// Returns 16 columns of a row as f16: multiples of a power of two, which is stored as the row's unit.
Vals FewRows::toHalves(llvm::ArrayRef<Val> words, const Queries &queries, Val row, Val piece) {
  constexpr int64_t exponent = 14;
  Normalized normalized = normalize(words, queries.rows.width / 16, exponent);
  k.when(piece == 0, [&] { k.store(normalized.unit, k.shared(queries.unit, row << 2)); });
  Vals halves;
  for (size_t i = 0; i < normalized.values.size(); i += 2)
    halves.push_back(packF16(k, normalized.values[i], normalized.values[i + 1]));
  return halves;
}

/// Stores rows of queries as tiles of 64 columns.
void FewRows::loadQueryRows(const Queries &queries) {
  bool converts = queries.unit >= 0;
  forQueries(queries.rows, [&](llvm::ArrayRef<Val> given, Val row, Val piece) {
    Vals words = converts ? toHalves(given, queries, row, piece) : Vals(given), order;
    for (int64_t w = 0; w < 8; ++w)
      order.push_back(words[converts ? w % 4 * 2 + w / 4 : w]);
    Val base = k.shared(queries.to, (piece >> 2) * tile + (row << 7)), chunk = (piece & 3) << 1;
    for (int64_t h : {0, 1})
      k.store(k.vectorOf(llvm::ArrayRef(order).slice(4 * h, 4)), k.at(base, ((chunk + h) ^ (row & 7)) << 4), 16);
  });
}

Vals FewRows::loadUnits(int64_t offset) {
  Vals units;
  for (int64_t i = 0; i < ownRows; ++i)
    units.push_back(k.load(k.shared(offset + i / 2 * 32 + i % 2 * 4, quad << 3), k.f32Type(), 4));
  return units;
}

void FewRows::loadQueries() {
  loadQueryRows({{qArg, strideArg, shape.latent, shape.latent}, at.q, at.queryUnit});
  if (shape.rope)
    loadQueryRows({{ropeArg, ropeStrideArg, shape.rope, shape.rope}, at.ropeQ, shape.copiesRope() ? -1 : at.ropeUnit});
  fenceAsync(k);
  sync();
  queryUnit = loadUnits(at.queryUnit);
  if (shape.rope && !shape.copiesRope())
    ropeUnit = loadUnits(at.ropeUnit);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Stores O as [row, column], f32, or adds it to what is there.
void FewRows::stage(const State &s, bool adds) {
  Val base = k.shared(at.staging, (quad << 1) * at.stagingPitch + ((warp << 4) + (lane >> 2) * 2) * 4);
  for (auto [m, out] : llvm::enumerate(s.out))
    for (auto [index, value] : llvm::enumerate(out)) {
      int64_t i = static_cast<int64_t>(index), column = static_cast<int64_t>(m) * 64 + (i >> 1 & 1);
      Val to = k.at(base, (i / 4 * 8 + (i & 1)) * at.stagingPitch + column * 4);
      k.store(adds ? value + k.load(to, k.f32Type(), 4) : value, to, 4);
    }
}

/// Stores final rows as bf16: a warp per row, eight columns per lane.
void FewRows::sendWhole() {
  for (int64_t i = 0; i < fewRows / 8; ++i) {
    Val row = warpOfBoth + i * 8;
    k.when(firstRow + row < rows, [&] {
      Val from = k.shared(at.staging, row * at.stagingPitch);
      Val to = k.at(k.argument(outArg), k.extend(sequenceRow + firstRow + row) * (shape.latent * 2));
      for (int64_t column = 0; column < shape.latent; column += 128) {
        Val four = k.load(k.at(from, (lane << 4) + column * 4), k.vectorType(4, k.f32Type()), 16);
        Vals words = {packBF16(k.element(four, 0), k.element(four, 1)),
                      packBF16(k.element(four, 2), k.element(four, 3))};
        k.store(k.vectorOf(words), k.at(to, k.extend((lane << 3) + column * 2)), 8);
      }
    });
  }
}

/// Stores partial results in the layout of LatentPartials: the 16 rows are those of one of its warps.
void FewRows::sendPartial() {
  LatentPartials partials(k, shape, k.argument(rowsArg));
  Val inBlock = k.blockX() & 3, row = lane >> 2;
  k.when(firstRow < rows, [&] {
    Val to = k.at(k.argument(partialArg),
                  partials.bytesTo(slot, k.blockX() >> 2, group) + k.extend((inBlock * 32 + lane) * 16));
    for (int64_t i = 0; i < partials.quads() / 4; ++i) {
      Val j = warp + i * 4;
      Val from = k.shared(at.staging, row * at.stagingPitch + (group * (shape.latent / 2) + j * 8 + (quad << 1)) * 4);
      Val low = k.load(from, k.vectorType(2, k.f32Type()), 8);
      Val high = k.load(k.at(from, 8 * at.stagingPitch), k.vectorType(2, k.f32Type()), 8);
      k.store(k.vectorOf({k.element(low, 0), k.element(low, 1), k.element(high, 0), k.element(high, 1)}),
              k.at(to, k.extend(j * partials.quadBytes())), 16);
    }
  });
}

/// Stores the LSE: the natural logarithm for the user, to the base 2 between kernels. Lanes 0 to 3 of warp 0 have all
/// rows.
void FewRows::sendLse(const State &s, bool whole) {
  if (whole && !shape.lse)
    return;
  k.when((thread < 4), [&] {
    for (int64_t i = 0; i < ownRows; ++i)
      storeLse(firstRow + (quad << 1) + (i / 2 * 8 + i % 2), log2(s.sum[i]) + s.maximum[i], whole);
  });
}

/// Makes the maximum that of both warpgroups and the sum that of all warps, and divides this one's part of O by the
/// sum. Fully masked rows are zero.
void FewRows::joinGroups(State &s) {
  auto offset = [](int64_t i) { return i / 2 * 32 + i % 2 * 4; };
  Val lanePart = quad << 3;
  for (int64_t i = 0; i < ownRows; ++i) {
    for (int64_t distance : {4, 8, 16})
      s.sum[i] = s.sum[i] + k.shuffleXor(s.sum[i], distance);
    k.when(lane < 4, [&] {
      Val own = warpOfBoth * (fewRows * 4) + lanePart;
      k.store(s.sum[i], k.shared(at.sums + offset(i), own));
      k.store(s.maximum[i], k.shared(at.maxima + offset(i), own));
    });
  }
  sync();
  auto load = [&](int64_t base, int64_t warp, int64_t i) {
    return k.load(k.shared(base + warp * fewRows * 4 + offset(i), lanePart), k.f32Type(), 4);
  };
  for (int64_t i = 0; i < ownRows; ++i) {
    Val maxima[2] = {load(at.maxima, 0, i), load(at.maxima, 4, i)}, maximum = max(maxima[0], maxima[1]), sum = k.f32(0);
    for (int64_t w = 0; w < 8; ++w)
      sum = fma(load(at.sums, w, i), exp2(maxima[w / 4] - maximum), sum);
    Val whole = denominator(firstRow + (quad << 1) + (i / 2 * 8 + i % 2), sum, maximum);
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
  k.when(group == 1, [&] { stage(s, /*adds=*/false); });
  sync();
  k.when(group == 0, [&] { stage(s, /*adds=*/true); });
  sync();
  k.when(
      slot < 0,
      [&] {
        sendWhole();
        sendLse(s, true);
      },
      [&] {
        sendPartial();
        sendLse(s, false);
      });
  k.when((thread == 32) & (k.blockX() == 0), [&] { writeSlots(); });
  sync(); // before queries replace what was staged
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

void FewRows::oneSplit(Val firstBlock) {
  border.clear();
  for (int64_t i = 0; i < ownRows; ++i)
    border.push_back(borderOf(firstRow + (quad << 1) + (i / 2 * 8 + i % 2)));
  loadQueries();
  State s;
  s.out.assign(at.latentTiles, Vals(accumulators, k.f32(0)));
  s.sum.assign(ownRows, k.f32(0));
  s.maximum.assign(ownRows, k.f32(noMaximum));
  Vals last = k.loop(begin + group, end, k.i32(2), s.flat(k), [&](Val block, llvm::ArrayRef<Val> values) -> Vals {
    State s = State::of(k, values, at.latentTiles);
    oneBlock(s, block, firstBlock + (block - begin));
    return s.flat(k);
  });
  s = State::of(k, last, at.latentTiles);
  finish(s);
}

void mla::gpu::emitFewRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape) {
  if (!module.lookupSymbol(fewRowsName(shape)))
    FewRows(module, shape).emit();
}
