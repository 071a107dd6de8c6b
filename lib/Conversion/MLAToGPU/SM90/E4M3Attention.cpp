//===- E4M3Attention.cpp - Latent attention in e4m3 -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "E4M3.h"
#include "E4M3AttentionKernel.h"
#include "Rows.h"

using namespace mla;
using namespace mla::gpu;

static constexpr double lowest = -1e30; ///< the maximum of no scores
static constexpr int64_t rowBytes = 4 * queryRows, sharedLimit = 227 * 1024, mostStages = 4;

E4M3AttentionLayout::E4M3AttentionLayout(const LatentAttentionShape &shape, int64_t queryTerms)
    : row(shape.packedRow()), tiles(shape.latent / 128), groups(std::max<int64_t>(row.numScales, 1)) {
  int64_t scaleBytes = row.numScales ? 16 * blockTokens : 0;
  q = 0;
  ropeQ = q + queryTerms * tiles * e4m3Tile;
  p = ropeQ + (shape.rope ? e4m3Tile : 0);
  pBytes = llvm::divideCeil(groups, 2) * e4m3Tile;
  ropes = p + 2 * pBytes;
  ring = ropes + (shape.rope ? ropeStages * e4m3Tile : 0);
  scalesOfStage = tiles * e4m3Tile;
  stageBytes = scalesOfStage + scaleBytes;
  factorBytes = row.numScales ? E4M3Factors(groups).bytes() : 0;
  int64_t rest = 2 * factorBytes + 9 * rowBytes + 16 + 16 * mostStages + 8 * ropeStages;
  stages = std::min(mostStages, (sharedLimit - ring - rest) / stageBytes);
  factors = ring + stages * stageBytes;
  rowMax = factors + 2 * factorBytes;
  rowSum = rowMax + rowBytes;
  change = rowSum + 2 * rowBytes;
  queryUnit = change + 4 * rowBytes;
  ropeUnit = queryUnit + rowBytes;
  zeros = ropeUnit + rowBytes;
  full = zeros + 16;
  empty = full + 8 * stages;
  ropeEmpty = empty + 8 * stages;
  bytes = ropeEmpty + 8 * ropeStages;
}

int64_t mla::gpu::e4m3AttentionSharedBytes(const LatentAttentionShape &shape, int64_t queryTerms) {
  return E4M3AttentionLayout(shape, queryTerms).bytes;
}

std::string mla::gpu::e4m3AttentionName(const LatentAttentionShape &shape, int64_t queryTerms) {
  return (queryTerms == 2 ? "e4m3x2_" : "e4m3_") + shape.name();
}

E4M3Attention::E4M3Attention(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, int64_t queryTerms)
    : RingAttention(module, shape, e4m3AttentionName(shape, queryTerms), queryRows,
                    E4M3AttentionLayout(shape, queryTerms).tokenRing()),
      at(shape, queryTerms), queryTerms(queryTerms), ownTiles(shape.latent / tileColumns / 2) {}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void E4M3Attention::addPages() {
  pagesArg = k.addTensorMap();
  if (at.row.numScales)
    scalesArg = k.addTensorMap();
}

void E4M3Attention::initBarriers() {
  constexpr int64_t readers = 4; // warps
  for (int64_t i = 0; i < E4M3AttentionLayout::ropeStages; ++i)
    initBarrier(k, k.shared(at.ropeEmpty + 8 * i), readers);
}

void E4M3Attention::copyBlock(const Pages &pages, Val block, Val ordinal) {
  constexpr int64_t pair = 2; // bytes of the maps' elements
  Val barrier = beginFilling(ordinal), stage = stageOf(ordinal) * at.stageBytes, ropeStage = ordinal & 1;
  expectBytes(k, barrier, at.stageBytes + (shape.rope ? e4m3Tile : 0));
  auto forPages = [&](llvm::function_ref<void(int64_t first, Val token, Val page)> copy) {
    for (size_t i = 0; i < pages.numbers.size(); ++i) {
      int64_t first = static_cast<int64_t>(i) * rowsAtOnce();
      copy(first, ((block << 6) + first) % shape.page, pages.numbers[i]);
    }
  };
  forPages([&](int64_t first, Val token, Val page) {
    auto copy = [&](unsigned map, int64_t to, int64_t column) {
      copyTile(k, k.shared(at.ring + to, stage), k.argument(map), barrier, {k.i32(column / pair), token, page},
               CacheHint::EvictNormal);
    };
    for (int64_t tile = 0; tile < at.tiles; ++tile)
      copy(pagesArg, tile * e4m3Tile + first * tileRowBytes, tile * 128);
    if (at.row.numScales)
      copy(scalesArg, at.scalesOfStage + first * 16, at.row.scales);
  });
  if (!shape.rope)
    return;
  waitBarrier(k, k.shared(at.ropeEmpty, ropeStage << 3), ((ordinal >> 1) & 1) ^ 1);
  forPages([&](int64_t first, Val token, Val page) {
    copyTile(k, k.shared(at.ropes + first * tileRowBytes, ropeStage * e4m3Tile), k.argument(pagesArg), barrier,
             {k.i32(at.row.rope / pair), token, page}, CacheHint::EvictNormal);
  });
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

/// Stores 16 columns of a row as e4m3, term after term, and the row's unit.
void E4M3Attention::storeTerms(llvm::ArrayRef<Val> words, const Queries &queries, Val row, Val piece) {
  constexpr int64_t exponent = 7;
  Normalized normalized = normalize(words, queries.rows.stored / 16, exponent);
  k.when(piece == 0, [&] { k.store(normalized.unit, k.shared(queries.unit, row << 2)); });
  for (int64_t term = 0; term < queryTerms; ++term) {
    Vals packed;
    for (int64_t i = 0; i < 16; i += 4)
      packed.push_back(packE4M3(k, llvm::ArrayRef(normalized.values).slice(i, 4)));
    int64_t tile = queries.termBytes / e4m3Tile * e4m3Tile * term, chunks = queries.termBytes % e4m3Tile / 16 * term;
    Val base = k.shared(queries.to + tile, (piece >> 3) * e4m3Tile + (row << 7)), chunk = (piece & 7) + chunks;
    k.store(k.vectorOf(packed), k.at(base, (chunk ^ (row & 7)) << 4), 16);
    normalized.values = restOfE4M3(k, normalized.values);
  }
}

/// Stores 16 columns of a row as bf16, over the unit of its latent queries. This is exact: the unit is a power of two.
void E4M3Attention::storeWords(llvm::ArrayRef<Val> words, const Queries &queries, Val row, Val piece) {
  Val factor = reciprocal(k.load(k.shared(at.queryUnit, row << 2), k.f32Type(), 4));
  Vals scaled;
  for (Val word : words)
    scaled.push_back(packBF16(lowBF16(word) * factor, highBF16(word) * factor));
  for (int64_t h : {0, 1}) {
    Val chunk = (piece << 1) + h, to = k.shared(queries.to, (row << 7) + ((chunk ^ (row & 7)) << 4));
    k.store(k.vectorOf(llvm::ArrayRef(scaled).slice(4 * h, 4)), to, 16);
  }
}

void E4M3Attention::loadQueryRows(const Queries &queries) {
  forQueries(queries.rows, [&](llvm::ArrayRef<Val> words, Val row, Val piece) {
    if (queries.unit < 0)
      storeWords(words, queries, row, piece);
    else
      storeTerms(words, queries, row, piece);
  });
}

void E4M3Attention::loadQueries() {
  constexpr int64_t depth = 32, ropeTerm = 64; // of a product; bytes
  loadQueryRows({{qArg, strideArg, shape.latent, shape.latent}, at.q, at.queryUnit, at.tiles * e4m3Tile});
  if (shape.copiesRope())
    sync(); // before units are read
  if (shape.copiesRope())
    loadQueryRows({{ropeArg, ropeStrideArg, shape.rope, shape.rope}, at.ropeQ, -1, 0});
  else if (shape.rope)
    loadQueryRows({{ropeArg, ropeStrideArg, shape.rope, static_cast<int64_t>(llvm::alignTo(shape.rope, depth))},
                   at.ropeQ,
                   at.ropeUnit,
                   ropeTerm});
  k.when(thread < queryRows, [&] {
    k.store(k.f32(lowest), k.shared(at.rowMax, thread << 2));
    k.store(k.f32(1), k.shared(at.change + 3 * rowBytes, thread << 2)); // of the block before the first
  });
  k.when(thread == 0, [&] { k.store(k.zeroVector(4, k.i32Type()), k.shared(at.zeros), 16); });
  fenceAsync(k);
  sync();
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Shares the sums of probabilities, and returns what results are multiplied by, for the rows of this thread's
/// accumulators of O^T: 8j + 2(lane % 4) + e, of index 2j + e. Fully masked rows are zero.
Vals E4M3Attention::inverseSums(const State &s) {
  for (int64_t half : {0, 1}) {
    Val sum = s.sum[half] + k.shuffleXor(s.sum[half], 1);
    sum = sum + k.shuffleXor(sum, 2);
    k.when(quad == 0, [&] { k.store(sum, k.at(rowValue(at.rowSum, half), group * rowBytes)); });
  }
  sync();
  Vals inverse;
  for (int64_t j = 0; j < queryRows / 8; ++j) {
    Val sums[2];
    for (int64_t w : {0, 1})
      sums[w] = k.load(k.shared(at.rowSum + w * rowBytes + 32 * j, quad << 3), k.vectorType(2, k.f32Type()), 8);
    for (int64_t e : {0, 1}) {
      Val sum = k.element(sums[0], e) + k.element(sums[1], e), whole = sum;
      if (shape.scores.haveSinks) {
        Val maximum = k.load(k.shared(at.rowMax + 32 * j + 4 * e, quad << 3), k.f32Type(), 4);
        whole = denominator(firstRow + (quad << 1) + (8 * j + e), sum, maximum - k.f32(e4m3ProbabilityExponent));
      }
      inverse.push_back(select(sum > k.f32(0), reciprocal(whole), k.f32(0)));
    }
  }
  if (shape.scores.haveSinks)
    sync(); // before the next split resets the maxima
  return inverse;
}

/// Stores final rows as bf16: two neighbouring columns at once, 32 bytes of a row by a warp.
void E4M3Attention::sendWhole(const State &s) {
  Val column = group * (ownTiles * tileColumns) + (warp << 4) + ((lane >> 2) << 1);
  for (int64_t j = 0; j < queryRows / 8; ++j)
    for (int64_t e : {0, 1}) {
      Val row = firstRow + (quad << 1) + (8 * j + e);
      k.when(row < rows, [&] {
        Val to = k.at(k.argument(outArg), (k.extend(sequenceRow + row) * shape.latent + k.extend(column)) * 2);
        for (auto [m, out] : llvm::enumerate(s.out))
          k.store(packBF16(out[4 * j + e], out[4 * j + 2 + e]), k.at(to, static_cast<int64_t>(m) * tileRowBytes), 4);
      });
    }
}

/// Stores partial results in the layout of LatentPartials.
void E4M3Attention::sendPartial(const State &s) {
  LatentPartials partials(k, shape, k.argument(rowsArg));
  Val pair = lane >> 2, base = k.at(k.argument(partialArg), partials.bytesTo(slot, k.blockX(), group));
  for (int64_t j = 0; j < queryRows / 16; ++j)
    k.when(firstRow + 16 * j < rows, [&] {
      for (int64_t e : {0, 1}) {
        Val owner = (quad << 3) + (pair & 3) + (32 * j + 4 * e);
        Val to = k.at(base, k.extend(warp * partials.pairBytes() + (owner << 4) + (pair >> 2 << 3)));
        for (auto [m, out] : llvm::enumerate(s.out)) {
          Val four = partials.pack({out[8 * j + e], out[8 * j + 2 + e], out[8 * j + 4 + e], out[8 * j + 6 + e]});
          k.store(four, k.at(to, static_cast<int64_t>(m) * 4 * partials.pairBytes()), 8);
        }
      }
    });
}

void E4M3Attention::sendLse(bool whole) {
  if (whole && !shape.lse)
    return;
  k.when(thread < queryRows, [&] {
    auto value = [&](int64_t base) { return k.load(k.shared(base, thread << 2), k.f32Type(), 4); };
    Val sum = value(at.rowSum) + value(at.rowSum + rowBytes);
    storeLse(firstRow + thread, log2(sum) - k.f32(e4m3ProbabilityExponent) + value(at.rowMax), whole);
  });
}

//===----------------------------------------------------------------------===//
// A split
//===----------------------------------------------------------------------===//

void E4M3Attention::oneSplit(Val firstBlock) {
  firstOrdinal = firstBlock;
  row0 = warp * 16 + (lane >> 2);
  fragment = fragmentOffset(k, warp, lane, 0);
  findSeenByAll(queryRows);
  loadQueries();
  State none;
  none.out.assign(ownTiles, Vals(accumulatorsOf(queryRows), k.f32(0)));
  none.sum[0] = none.sum[1] = k.f32(0);
  Vals last = k.loop(begin + group, end, k.i32(2), none.flat(k), [&](Val block, llvm::ArrayRef<Val> values) -> Vals {
    State s = State::of(k, values, ownTiles);
    ownBlock(s, block);
    return s.flat(k);
  });
  Val lastIsOther = ((end - begin - 1) & 1) != group;
  last = k.choose(
      lastIsOther,
      [&] {
        State s = State::of(k, last, ownTiles);
        addLast(s);
        return s.flat(k);
      },
      [&] { return last; });
  State s = State::of(k, last, ownTiles);
  Vals inverse = inverseSums(s);
  for (Vals &out : s.out)
    for (auto [i, value] : llvm::enumerate(out))
      value = value * inverse[i / 4 * 2 + (i & 1)];
  auto send = [&](bool whole) {
    whole ? sendWhole(s) : sendPartial(s);
    sendLse(whole);
  };
  k.when(slot < 0, [&] { send(true); }, [&] { send(false); });
  k.when((thread == 32) & (k.blockX() == 0), [&] { writeSlots(); });
}

void mla::gpu::emitE4M3Attention(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, int64_t queryTerms) {
  if (!module.lookupSymbol(e4m3AttentionName(shape, queryTerms)))
    E4M3Attention(module, shape, queryTerms).emit();
}
