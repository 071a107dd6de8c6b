//===- LatentBlocks.cpp - Blocks of latent attention ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The processing of two blocks of cached tokens: copies, products, softmax. See
// LatentAttentionKernel.h for the order.
//
//===----------------------------------------------------------------------===//

#include "LatentAttentionKernel.h"

using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// Returns the first query row of this CTA, for a sequence.
Val LatentAttention::queryRow(Val sequence) {
  return k.loadInt(k.argument(cuArg), sequence) * k.argument(headsArg) + firstRow;
}

/// Loads the query rows from `row`; those beyond the sequence's are the next's, or zero. One thread.
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

/// Returns the addresses of a block's page numbers: one, or several for small pages. Beyond the sequence they are
/// undefined.
Vals LatentAttention::entriesOf(Val sequence, Val block) {
  Val width = k.argument(widthArg), row = k.at(k.argument(tableArg), k.extend(sequence * width) * 4);
  Val first = shape.page >= blockTokens ? block / (shape.page / blockTokens) : block * pagesOfBlock(shape);
  Vals entries;
  for (int64_t j = 0; j < pagesOfBlock(shape); ++j)
    entries.push_back(k.at(row, k.extend(min(first + j, width - 1)) * 4));
  return entries;
}

Vals LatentAttention::pagesOf(Val sequence, Val block) {
  Vals pages;
  for (Val entry : entriesOf(sequence, block))
    pages.push_back(k.loadConstant(entry, k.i32Type()));
  return pages;
}

/// Copies tiles of one block of tokens into a stage; each tile has its barrier. One thread.
void LatentAttention::loadTiles(int64_t stage, llvm::ArrayRef<int64_t> order, llvm::ArrayRef<Val> pages, Val block) {
  int64_t rows = std::min(shape.page, blockTokens);
  Val token = shape.page > blockTokens ? (block % (shape.page / blockTokens)) * blockTokens : k.i32(0);
  for (int64_t i : order)
    for (auto [j, page] : llvm::enumerate(pages))
      copyTile(k, k.shared(at.k[stage] + i * latentTile + j * tileBytes(rows)), k.argument(cacheArg),
               k.shared(at.kBarrier[stage] + 8 * i), {k.i32(i * tileColumns), token, page}, hint);
}

/// Has a stage filled with a block. One thread.
void LatentAttention::loadStage(int64_t stage, llvm::ArrayRef<Val> pages, Val block) {
  if (!shape.isPacked())
    return loadTiles(stage, order[stage], pages, block);
  release(stage, 0);
  release(stage, 1);
}

/// Lets the warpgroup that converts fill a half of a stage with its next block. One thread.
void LatentAttention::release(int64_t stage, int64_t half) { arrive(k, k.shared(at.free[stage] + 8 * half)); }

/// Refills this warpgroup's half of a stage. With an odd number of tiles, both warpgroups read the middle one: the
/// later reader of the stage refills it.
void LatentAttention::refill(int64_t stage, int64_t group, llvm::ArrayRef<Val> pages, Val block, Val predicate) {
  if (shape.isPacked())
    return k.when(predicate, [&] { release(stage, group); });
  llvm::ArrayRef<int64_t> all = order[0];
  int64_t ofGroup0 = stage == 0 ? at.latentTiles - at.ownTiles : at.ownTiles;
  llvm::ArrayRef<int64_t> own = group == 0 ? all.take_front(ofGroup0) : all.drop_front(ofGroup0);
  if (!own.empty())
    k.when(predicate, [&] { loadTiles(stage, own, pages, block); });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// S += Q K^T of one latentTile, as soon as it has arrived.
void LatentAttention::scoreTile(BlockState &s, int64_t stage, int64_t index, bool start) {
  Val barrier = k.shared(at.kBarrier[stage] + 8 * index);
  if (isCopied(index))
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

/// Computes the scores of the round's first block, by warpgroup 0. The previous round's last product, of the other
/// stage, is still in flight; that stage is refilled when it is done.
void LatentAttention::scoresOfFirst(BlockState &s, Val block, bool isNext) {
  Vals second = pagesOf(sequence, block + 1);
  s.scores.assign(accumulatorsOf(blockTokens), k.f32(0));
  for (int64_t i = 0; i < at.tiles; ++i) {
    scoreTile(s, 0, i, i == 0);
    if (i + 1 == at.ownTiles && isNext) {
      waitProducts(k, at.ownTiles);
      refill(1, 0, second, block + 1, isGroupFirst & (block + 1 < end));
    }
  }
  s.parity = s.parity ^ 1;
  waitProducts(k, 0);
}

/// Computes the scores of the round's second block, by warpgroup 1. A missing block is fully masked.
void LatentAttention::scoresOfSecond(BlockState &s, Val block) {
  Vals none(accumulatorsOf(blockTokens), k.f32(masked));
  Vals scored = k.choose(
      block + 1 < end,
      [&]() -> Vals {
        s.scores.assign(none.size(), k.f32(0));
        for (auto [n, index] : llvm::enumerate(order[1]))
          scoreTile(s, 1, index, n == 0);
        waitProducts(k, 0);
        return {k.pack(s.scores), s.parity ^ 1};
      },
      [&]() -> Vals { return {k.pack(none), s.parity}; });
  s.scores = k.unpack(scored[0]);
  s.parity = scored[1];
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

/// Returns the address of a value per row, for this thread's row 0 or 1 (8 rows further).
Val LatentAttention::rowValue(int64_t base, int64_t row) { return k.shared(base + 32 * row, row0 << 2); }

/// Masks tokens that a row does not see, if the block from token `start` has any.
void LatentAttention::maskUnseen(BlockState &s, Val start) {
  Val first = start + (quad << 1), hidden = k.f32(masked);
  auto maskAll = [&]() -> Vals {
    Vals scores = s.scores;
    for (auto [i, score] : llvm::enumerate(scores))
      score = select(isSeen(first + ((i / 4) * 8 + (i & 1)), border[rowOf(i)]), score, hidden);
    return {k.pack(scores)};
  };
  Val scores = k.choose(hidesSome(start), maskAll, [&]() -> Vals { return {k.pack(s.scores)}; })[0];
  s.scores = k.unpack(scores);
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

/// Turns scores into probabilities relative to the current maximum, rescales previous sums, and stores the factor for
/// the other warpgroup. Returns the probabilities as bf16, ready to be an operand.
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
    // Warpgroup 1's output also lacks the change of this round's block 0.
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

/// Zeroes rows of V from row `from` to before row `to`, of this warpgroup's half of a stage. With an odd number of
/// tiles, both warpgroups read the middle one: the warpgroup that owns stage `stage` zeroes it before it lets the other
/// read the stage.
void LatentAttention::zeroRows(int64_t stage, Val from, Val to, int64_t group) {
  bool leavesMiddle = at.latentTiles % 2 == 1 && stage != group;
  int64_t tiles = at.ownTiles - leavesMiddle, firstTile = at.firstTile(group) + (leavesMiddle && group == 1);
  if (tiles == 0)
    return;
  int64_t chunks = 8 * tiles, rowsAtOnce = 128 / chunks;
  Val chunk = inGroup % chunks, first = max(from, k.i32(0)) + inGroup / chunks;
  Val column = ((chunk >> 3) * latentTile) + ((chunk & 7) << 4);
  if (chunks * rowsAtOnce < 128) // threads without a whole row
    first = select(inGroup < chunks * rowsAtOnce, first, k.i32(blockTokens));
  k.loop(first, to, k.i32(rowsAtOnce), {}, [&](Val row, llvm::ArrayRef<Val>) -> Vals {
    k.store(k.zeroVector(4, k.i32Type()), k.shared(at.k[stage] + firstTile * latentTile, column + (row << 7)), 16);
    return {};
  });
}

/// Zeroes rows of V beyond the sequence or the split, and those before all windows: they may hold NaN, and a
/// probability of zero does not remove it. Stage i holds block + i; of a sequence's blocks, the first has rows before
/// windows.
void LatentAttention::zeroUnseen(Val block, llvm::ArrayRef<int64_t> stages, int64_t group) {
  Val left = min(length, end << 6) - (block << 6);
  Val areUnseen = left < blockTokens * (stages.back() + 1);
  bool mayBeBefore = shape.scores.window && stages.front() == 0;
  k.when(mayBeBefore ? areUnseen | (unseenBefore(block) > 0) : areUnseen, [&] {
    for (int64_t stage : stages)
      zeroRows(stage, left - stage * blockTokens, k.i32(blockTokens), group);
    if (mayBeBefore)
      zeroRows(0, k.i32(0), unseenBefore(block), group);
    fenceAsync(k);
    k.syncNamed(group == 0 ? ZeroedBy0 : ZeroedBy1, 128);
  });
}

//===----------------------------------------------------------------------===//
// A round: two blocks, the first for warpgroup 0, the second, if there is one, for warpgroup 1
//===----------------------------------------------------------------------===//

/// All rounds share one copy of this code: code that runs once per CTA is bound by instruction misses. The caller adds
/// the other warpgroup's block for warpgroup 0, and may compute the next scores meanwhile.
void LatentAttention::round0(BlockState &s, Val block) {
  Vals next = pagesOf(sequence, block + 2);
  maskUnseen(s, block << 6);
  Vals p = softmax(s, 0);
  k.arriveNamed(MaxOf0, 256);
  zeroUnseen(block, {0}, 0);
  addOwn(s, p, 0, 0);
  waitProducts(k, 0);
  refill(0, 0, next, block + 2, isGroupFirst & (block + 2 < end));
  k.syncNamed(MaxOf1, 256);
  Val change[2] = {k.load(rowValue(at.scale[1], 0), k.f32Type()), k.load(rowValue(at.scale[1], 1), k.f32Type())};
  for (size_t i = 0; i < s.scores.size(); i += 2)
    p[i / 2] = packBF16(s.scores[i] * change[rowOf(i)], s.scores[i + 1] * change[rowOf(i)]);
  storeProbabilities(p, 0);
  fenceAsync(k);
  k.arriveNamed(P0Stored, 256);
  zeroUnseen(block, {1}, 0);
  k.syncNamed(P1Stored, 256);
  for (int64_t row : {0, 1}) {
    scaleRow(s.out, row, change[row]);
    s.sum[row] = s.sum[row] * change[row];
  }
}

void LatentAttention::round1(BlockState &s, Val block) {
  Vals next0 = pagesOf(sequence, block + 2), next1 = pagesOf(sequence, block + 3);
  scoresOfSecond(s, block);
  k.syncNamed(MaxOf0, 256);
  maskUnseen(s, (block + 1) << 6);
  Vals p = softmax(s, 1);
  k.arriveNamed(MaxOf1, 256);
  storeProbabilities(p, 1);
  zeroUnseen(block, {0, 1}, 1);
  addOwn(s, p, 1, 1);
  fenceAsync(k);
  k.syncNamed(P0Stored, 256);
  addOther(s, 0, 1);
  // After the barrier, warpgroup 0 refills what both have read of stage 1.
  bool sharesTile = at.latentTiles % 2 == 1;
  if (sharesTile)
    waitProducts(k, 1);
  k.arriveNamed(P1Stored, 256);
  if (!sharesTile)
    waitProducts(k, 1);
  refill(1, 1, next1, block + 3, isGroupFirst & (block + 3 < end));
  waitProducts(k, 0);
  refill(0, 1, next0, block + 2, isGroupFirst & (block + 2 < end));
}
