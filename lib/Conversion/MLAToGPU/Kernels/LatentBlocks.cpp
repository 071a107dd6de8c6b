//===- LatentBlocks.cpp - Blocks of latent attention ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What happens to two blocks of cached tokens: copies, products, softmax. See
// LatentAttentionKernel.h for the order.
//
//===----------------------------------------------------------------------===//

#include "LatentAttentionKernel.h"

using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// The first query row of this block of threads, for a sequence.
Val LatentAttention::queryRow(Val sequence) {
  return k.loadInt(k.argument(cuArg), sequence) * k.argument(headsArg) + firstRow;
}

/// The query rows from `row`; those beyond the sequence's are the next's, or zero. One thread.
void LatentAttention::loadQueries(Val row) {
  Val barrier = k.shared(at.qBarrier);
  expectBytes(k, barrier, at.tiles * latentTile);
  for (int64_t i = 0; i < at.latentTiles; ++i)
    copyTile(k, k.shared(at.q + i * latentTile), k.argument(queriesArg), barrier, {k.i32(i * tileColumns), row},
             CacheHint::EvictNormal);
  if (shape.rope)
    copyTile(k, k.shared(at.q + at.latentTiles * latentTile), k.argument(ropeArg), barrier, {k.i32(0), row},
             CacheHint::EvictNormal);
}

/// The pages of a block of 64 tokens: one, or several small ones. Beyond `end` any will do.
Vals LatentAttention::pagesOf(Val sequence, Val block, Val end) {
  Val width = k.argument(widthArg), row = k.at(k.argument(tableArg), k.extend(sequence * width) * 4);
  Val safe = select(block < end, block, k.i32(0));
  Vals pages;
  if (shape.page >= blockTokens)
    return {k.loadInt(row, safe / (shape.page / blockTokens))};
  int64_t count = blockTokens / shape.page;
  for (int64_t j = 0; j < count; ++j)
    pages.push_back(k.loadInt(row, min(safe * count + j, width - 1)));
  return pages;
}

/// Copies tiles of one block of tokens into a stage; each tile has its barrier. One thread.
void LatentAttention::loadTiles(int64_t stage, llvm::ArrayRef<int64_t> order, llvm::ArrayRef<Val> pages, Val block) {
  int64_t rows = std::min(shape.page, blockTokens);
  Val token = shape.page > blockTokens ? (block % (shape.page / blockTokens)) * blockTokens : k.i32(0);
  for (int64_t i : order)
    for (auto [j, page] : llvm::enumerate(pages))
      copyTile(k, k.shared(at.k[stage] + i * latentTile + j * tileBytes(rows)), k.argument(cacheArg),
               k.shared(at.kBarrier[stage] + 8 * i), {k.i32(i * tileColumns), token, page}, shape.hint);
}

/// Refills this warpgroup's half of a stage.
void LatentAttention::refill(int64_t stage, int64_t group, llvm::ArrayRef<Val> pages, Val block, Val predicate) {
  llvm::ArrayRef<int64_t> all = order[0];
  k.when(predicate, [&] {
    loadTiles(stage, group == 0 ? all.take_front(at.ownTiles) : all.drop_front(at.ownTiles), pages, block);
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// S += Q K^T of one latentTile, as soon as it is there.
void LatentAttention::scoreTile(BlockState &s, int64_t stage, int64_t index, bool start) {
  Val barrier = k.shared(at.kBarrier[stage] + 8 * index);
  expectBytes(k, barrier, k.i32(latentTile), isGroupFirst);
  waitBarrier(k, barrier, s.parity);
  fenceProducts(k);
  for (int64_t step = 0; step < 4; ++step) {
    Val keys = k.i64(kMajorDescriptor(at.k[stage] + index * latentTile) + kMajorStep * step);
    if (index == at.tiles - 1)
      s.scores =
          multiplyRegisters(k, llvm::ArrayRef(lastQueryTile).slice(4 * step, 4), keys, s.scores, start && step == 0);
    else
      s.scores = multiply(k, k.i64(kMajorDescriptor(at.q + index * latentTile) + kMajorStep * step), keys, s.scores,
                          start && step == 0);
  }
  commitProducts(k);
}

void LatentAttention::firstScores(BlockState &s, int64_t stage, llvm::ArrayRef<int64_t> order) {
  s.scores.assign(accumulatorsOf(blockTokens), k.f32(0));
  for (auto [n, index] : llvm::enumerate(order))
    scoreTile(s, stage, index, n == 0);
  waitProducts(k, 0);
  s.parity = s.parity ^ 1;
}

static int64_t valuesDescriptor(const LatentLayout &at, int64_t stage, int64_t group, int64_t step) {
  return mnMajorDescriptor(at.k[stage] + at.firstTile(group) * latentTile, latentTile) + mnMajorStep * step;
}

/// O += P V with P of this warpgroup's block, from registers.
void LatentAttention::addOwn(BlockState &s, llvm::ArrayRef<Val> p, int64_t stage, int64_t group) {
  fenceProducts(k);
  for (int64_t step = 0; step < 4; ++step)
    s.out = multiplyRegisters(k, p.slice(4 * step, 4), k.i64(valuesDescriptor(at, stage, group, step)), s.out, false,
                              Major::MN);
  commitProducts(k);
}

/// O += P V with P of the other warpgroup's block, from shared memory.
void LatentAttention::addOther(BlockState &s, int64_t stage, int64_t group) {
  fenceProducts(k);
  for (int64_t step = 0; step < 4; ++step)
    s.out = multiply(k, k.i64(kMajorDescriptor(at.p[stage]) + kMajorStep * step),
                     k.i64(valuesDescriptor(at, stage, group, step)), s.out, false, Major::K, Major::MN);
  commitProducts(k);
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// The address of a value a row, for this thread's row 0 or 1 (8 rows on).
Val LatentAttention::rowValue(int64_t base, int64_t row) { return k.shared(base + 32 * row, row0 << 2); }

/// Hides tokens at and beyond each row's border; `start` is the block's first token.
void LatentAttention::mask(BlockState &s, Val start) {
  Val first = start + (quad << 1), hidden = k.f32(masked);
  for (auto [i, score] : llvm::enumerate(s.scores))
    score = select(first + ((i / 4) * 8 + (i & 1)) < border[rowOf(i)], score, hidden);
}

Val LatentAttention::rowMaximum(const BlockState &s, int64_t row) {
  Val maximum = max(s.scores[2 * row], s.scores[2 * row + 1]);
  for (size_t i = 2 * row + 4; i < s.scores.size(); i += 4)
    maximum = max(maximum, max(s.scores[i], s.scores[i + 1]));
  maximum = max(maximum, k.shuffleXor(maximum, 1));
  maximum = max(maximum, k.shuffleXor(maximum, 2));
  return maximum * k.argument(scaleArg);
}

static void scaleRow(Vals &values, int64_t row, Val factor) {
  for (auto [i, value] : llvm::enumerate(values))
    if (rowOf(i) == row)
      value = value * factor;
}

/// Turns scores into probabilities relative to the maximum so far, scales what was summed before, and leaves by how
/// much for the other warpgroup. Returns the probabilities as bf16, ready to be an operand.
Vals LatentAttention::softmax(BlockState &s, int64_t stage) {
  Vals packed(s.scores.size() / 2);
  Val scale = k.argument(scaleArg);
  for (int64_t row : {0, 1}) {
    Val here = rowMaximum(s, row), before = k.load(rowValue(at.rowMax, row), k.f32Type());
    Val maximum = max(before, here), change = exp2(before - maximum);
    k.syncWarp();
    k.when(quad == 0, [&] {
      k.store(change, rowValue(at.scale[stage], row));
      k.store(maximum, rowValue(at.rowMax, row));
    });
    // Warpgroup 1's output has not seen the change of this round's block 0 either.
    Val factor = stage == 0 ? change : change * k.load(rowValue(at.scale[0], row), k.f32Type());
    if (stage == 0)
      scaleRow(s.out, row, factor);
    Val negative = -maximum, sum;
    for (size_t i = 2 * row; i < s.scores.size(); i += 4) {
      for (size_t e : {i, i + 1}) {
        s.scores[e] = exp2(fma(s.scores[e], scale, negative));
        sum = sum ? sum + s.scores[e] : s.scores[e];
      }
      packed[i / 2] = packBF16(s.scores[i], s.scores[i + 1]);
    }
    if (stage == 1)
      scaleRow(s.out, row, factor);
    s.sum[row] = fma(s.sum[row], factor, sum);
  }
  return packed;
}

void LatentAttention::storeProbabilities(llvm::ArrayRef<Val> p, int64_t stage) {
  for (int64_t j = 0; j < 4; ++j)
    storeMatrix(k, k.shared(at.p[stage], fragment[j]), p.slice(4 * j, 4));
}

/// Rows of V beyond the sequence may hold NaN, which probability zero does not silence: they become zero. Of this
/// warpgroup's half of a stage.
void LatentAttention::zeroBeyond(int64_t stage, Val valid, int64_t group) {
  int64_t chunks = 8 * at.ownTiles, rowsAtOnce = 128 / chunks;
  Val chunk = inGroup % chunks;
  Val column = ((chunk >> 3) * latentTile) + ((chunk & 7) << 4);
  k.loop(max(valid, k.i32(0)) + inGroup / chunks, k.i32(blockTokens), k.i32(rowsAtOnce), {},
         [&](Val row, llvm::ArrayRef<Val>) -> Vals {
           k.store(k.zeroVector(4, k.i32Type()),
                   k.shared(at.k[stage] + at.firstTile(group) * latentTile, column + (row << 7)), 16);
           return {};
         });
  fenceAsync(k);
  k.syncNamed(group == 0 ? ZeroedBy0 : ZeroedBy1, 128);
}

//===----------------------------------------------------------------------===//
// Two blocks: warpgroup 0 has the first, warpgroup 1 the second
//===----------------------------------------------------------------------===//

void LatentAttention::body0(BlockState &s, Val block, BlocksLeft left) {
  bool more = left == BlocksLeft::More, one = left == BlocksLeft::One;
  Vals next0 = pagesOf(sequence, block + 2, end), next1 = pagesOf(sequence, block + 3, end);
  Val start = block << 6;
  if (!more)
    mask(s, start);
  Vals p = softmax(s, 0);
  k.arriveNamed(MaxOf0, 256);
  if (one)
    zeroBeyond(0, length - start, 0);
  addOwn(s, p, 0, 0);
  waitProducts(k, 0);
  k.syncNamed(MaxOf1, 256);
  if (more)
    refill(0, 0, next0, block + 2, isGroupFirst);
  Val change[2] = {k.load(rowValue(at.scale[1], 0), k.f32Type()), k.load(rowValue(at.scale[1], 1), k.f32Type())};
  for (size_t i = 0; i < s.scores.size(); i += 2)
    p[i / 2] = packBF16(s.scores[i] * change[rowOf(i)], s.scores[i + 1] * change[rowOf(i)]);
  storeProbabilities(p, 0);
  fenceAsync(k);
  k.arriveNamed(P0Stored, 256);
  if (!one) {
    if (left == BlocksLeft::Two)
      zeroBeyond(1, length - start - blockTokens, 0);
    k.syncNamed(P1Stored, 256);
    for (int64_t row : {0, 1})
      scaleRow(s.out, row, change[row]);
    addOther(s, 1, 0);
  }
  for (int64_t row : {0, 1})
    s.sum[row] = s.sum[row] * change[row];
  if (!more) {
    waitProducts(k, 0);
    return;
  }
  s.scores.assign(s.scores.size(), k.f32(0));
  for (int64_t i = 0; i < at.ownTiles; ++i)
    scoreTile(s, 0, i, i == 0);
  waitProducts(k, at.ownTiles);
  refill(1, 0, next1, block + 3, isGroupFirst & (block + 3 < end));
  for (int64_t i = at.ownTiles; i < at.tiles; ++i)
    scoreTile(s, 0, i, false);
  s.parity = s.parity ^ 1;
  waitProducts(k, 0);
}

void LatentAttention::body1(BlockState &s, Val block, BlocksLeft left) {
  bool more = left == BlocksLeft::More, one = left == BlocksLeft::One;
  Vals next0 = pagesOf(sequence, block + 2, end), next1 = pagesOf(sequence, block + 3, end);
  Val start = block << 6, ownStart = start + blockTokens;
  k.syncNamed(MaxOf0, 256);
  if (left == BlocksLeft::Two || left == BlocksLeft::Three)
    mask(s, ownStart);
  if (one)
    s.scores.assign(s.scores.size(), k.f32(masked));
  Vals p = softmax(s, 1);
  k.arriveNamed(MaxOf1, 256);
  if (!one) {
    storeProbabilities(p, 1);
    if (left == BlocksLeft::Two)
      zeroBeyond(1, length - ownStart, 1);
    addOwn(s, p, 1, 1);
    fenceAsync(k);
  }
  k.syncNamed(P0Stored, 256);
  if (one)
    zeroBeyond(0, length - start, 1);
  addOther(s, 0, 1);
  if (!one)
    k.arriveNamed(P1Stored, 256);
  if (more) {
    waitProducts(k, 1);
    refill(1, 1, next1, block + 3, isGroupFirst);
  }
  if (more || left == BlocksLeft::Three) {
    waitProducts(k, 0);
    refill(0, 1, next0, block + 2, isGroupFirst);
  }
  if (!more) {
    waitProducts(k, 0);
    return;
  }
  s.scores.assign(s.scores.size(), k.f32(0));
  for (auto [n, index] : llvm::enumerate(order[1]))
    scoreTile(s, 1, index, n == 0);
  s.parity = s.parity ^ 1;
  waitProducts(k, 0);
}
