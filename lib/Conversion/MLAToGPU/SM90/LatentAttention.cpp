//===- LatentAttention.cpp - Decode attention on the latent ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LatentUnpack.h"

using namespace mla::gpu;

LatentLayout::LatentLayout(const LatentAttentionShape &shape)
    : latentTiles(shape.latent / tileColumns), tiles(latentTiles + (shape.rope > 0)), ownTiles((latentTiles + 1) / 2) {
  q = 0;
  k[0] = q + tiles * latentTile;
  k[1] = k[0] + tiles * latentTile;
  staging = k[1];
  p[0] = llvm::alignTo(std::max(k[1] + tiles * latentTile, staging + 2 * queryRows * rowPitch()), 1024);
  p[1] = q + (tiles - 1) * latentTile;
  rowMax = p[0] + latentTile;
  rowSum = rowMax + 4 * queryRows;
  scale[0] = rowSum + 8 * queryRows;
  scale[1] = scale[0] + 4 * queryRows;
  qBarrier = scale[1] + 4 * queryRows;
  kBarrier[0] = qBarrier + 8;
  kBarrier[1] = kBarrier[0] + 8 * tiles;
  free[0] = kBarrier[1] + 8 * tiles;
  free[1] = free[0] + 16;
  next = free[1] + (shape.isPacked() ? 16 : -16);
  nextPages = next + 4;
  bytes = nextPages + 4 * maxSmallPages;
}

int64_t mla::gpu::latentAttentionSharedBytes(const LatentAttentionShape &shape) { return LatentLayout(shape).bytes; }

mla::schema::PackedRow LatentAttentionShape::packedRow() const {
  return schema::packedRow(static_cast<schema::CacheFormat>(format), latent, rope);
}

std::string LatentAttentionShape::name() const {
  return "latent_attention_l" + std::to_string(latent) + "_r" + std::to_string(rope) + "_page" + std::to_string(page) +
         (isPacked() ? "_" + stringifyCacheFormat(format).str() : "") + (lse ? "_lse" : "") + scores.suffix() +
         split.suffix();
}

//===----------------------------------------------------------------------===//
// Set-up
//===----------------------------------------------------------------------===//

LatentAttention::LatentAttention(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape)
    : LatentFrame(module, shape, shape.name(), shape.threads()), at(shape) {
  // Each warpgroup refills its half of both stages; the first scores of stage 1 start with the first tile to arrive.
  for (int64_t i = 0; i < at.tiles; ++i)
    order[0].push_back(i);
  for (int64_t i = 0; i < at.tiles; ++i)
    order[1].push_back((i + at.ownTiles) % at.tiles);
}

void LatentAttention::addArguments() {
  queriesArg = k.addTensorMap();
  if (shape.rope)
    ropeArg = k.addTensorMap();
  if (!shape.isPacked() || shape.copiesRope())
    cacheArg = k.addTensorMap();
  outMapArg = k.addTensorMap();
  if (shape.isPacked())
    rowsBaseArg = k.addPointer();
  for (unsigned *arg : {&tableArg, &lengthsArg, &cuArg, &outArg, &partialArg, &partialLseArg, &slotsArg})
    *arg = k.addPointer();
  addOptionalArguments();
  for (unsigned *arg : {&batchArg, &partsArg, &widthArg, &headsArg, &rowsArg})
    *arg = k.addInt();
  if (shape.isPacked())
    pagesArg = k.addInt();
  scaleArg = k.addFloat();
}

void LatentAttention::setUp() {
  setUpThreads();
  warp = inGroup >> 5;
  quad = lane & 3;
  row0 = warp * 16 + (lane >> 2);
  isFirst = thread == 0;
  isGroupFirst = inGroup == 0;
  for (int64_t j = 0; j < 4; ++j)
    fragment[j] = fragmentOffset(k, warp, lane, j);
  firstRow = k.blockX() * queryRows;
  k.when(isFirst, [&] {
    prefetchTensorMap(k, k.argument(queriesArg));
    if (shape.rope)
      prefetchTensorMap(k, k.argument(ropeArg));
    if (!shape.isPacked() || shape.copiesRope())
      prefetchTensorMap(k, k.argument(cacheArg));
    prefetchTensorMap(k, k.argument(outMapArg));
    initBarrier(k, k.shared(at.qBarrier), 1);
    for (int64_t i = 0; i < 2 * at.tiles; ++i)
      initBarrier(k, k.shared(at.kBarrier[0] + 8 * i), isCopied(i % at.tiles) ? 1 : 4);
    for (int64_t i = 0; shape.isPacked() && i < 4; ++i)
      initBarrier(k, k.shared(at.free[0] + 8 * i), 1);
    fenceBarrierInit(k);
  });
  k.syncBlock();
}

/// Synchronises the warpgroups that multiply.
void LatentAttention::syncMultiplying() {
  if (shape.isPacked())
    k.syncNamed(Multiplying, 256);
  else
    k.syncBlock();
}

//===----------------------------------------------------------------------===//
// Splits
//===----------------------------------------------------------------------===//

Val mla::gpu::loadPage(KernelBuilder &k, const BlockTable &table, Val sequence, Val entry) {
  Val line = k.extend(sequence) * k.extend(table.width) + k.extend(min(entry, table.width - 1));
  Val page = k.loadConstant(k.at(table.base, line * 4), k.i32Type());
  return max(min(page, table.pages - 1), k.i32(0));
}

/// Prefetches the query offsets, and the table's row of the sequence that this part probably begins with, to L2 while
/// the batch is divided.
void LatentAttention::prefetchIndices() {
  Val batch = k.argument(batchArg), width = k.argument(widthArg), line = thread << 7;
  Val sequence = k.blockY() * batch / k.argument(partsArg);
  k.when(line < batch * 4, [&] { prefetch(k, k.at(k.argument(cuArg), k.extend(line))); });
  k.when(line < width * 4,
         [&] { prefetch(k, k.at(k.argument(tableArg), k.extend(sequence * width) * 4 + k.extend(line))); });
}

/// Returns the priority of pages in L2. Where partial results are much of what a part writes and reads, they are kept
/// rather than the pages: if many sequences are split, into short parts.
Val LatentAttention::hintFor(const LatentSplit &own) {
  constexpr int64_t longSplit = 16;
  Val mostlyWhole = k.argument(batchArg) * 2 > k.argument(partsArg);
  Val mostlyPages = (own.end - own.begin >= longSplit) & (k.gridX() == 1);
  return select(mostlyWhole | mostlyPages, encode(k, CacheHint::EvictNormal), encode(k, CacheHint::EvictFirst));
}

/// Waits only for queries and the cache if lengths, tables and query offsets were complete before the predecessor
/// began.
void LatentAttention::beginPart() {
  prefetchIndices();
  WorkSplit split(k, shape.split, seenBlocks(), k.argument(batchArg), k.argument(partsArg));
  part = split.partOf(k.blockY());
  LatentSplit own = splitAt(min(part.first, k.argument(batchArg) - 1), part.firstBlock);
  hint = hintFor(own);
  Val row = queryRow(own.sequence);
  Vals pages = pagesOf(own.sequence, own.begin);
  waitForPredecessors(k);
  k.when(isFirst & (part.first <= part.last), [&] {
    loadQueries(row);
    loadStage(0, pages, own.begin);
  });
}

/// Loops over splits. The state is sequence, first block, ordinal, and the barriers' parities. The copies of a split's
/// queries and first two blocks are already in flight when its turn comes.
void LatentAttention::allSplits() {
  Val zero = k.i32(0);
  k.loopWhile(
      {part.first, part.firstBlock, zero, zero, zero, zero},
      [&](llvm::ArrayRef<Val> state) { return state[0] <= part.last; },
      [&](llvm::ArrayRef<Val> state) -> Vals {
        parity[0] = state[3], parity[1] = state[4], queryParity = state[5];
        LatentSplit own = splitAt(state[0], state[1]);
        Vals next = oneSplit(own, state[2]);
        Val blocks = end - begin;
        return {next[0],
                next[1],
                state[2] + 1,
                parity[0] ^ (((blocks + 1) >> 1) & 1),
                parity[1] ^ ((blocks >> 1) & 1),
                queryParity ^ 1};
      });
}

/// Loads the inputs of the next split's first copies to shared memory during this split: while all CTAs read their
/// first blocks, a load takes microseconds. One thread.
void LatentAttention::fetchNext() {
  copyWord(k, k.shared(at.next), k.at(k.argument(cuArg), k.extend(nextSequence) * 4));
  if (shape.isPacked())
    return;
  for (auto [j, entry] : llvm::enumerate(entriesOf(nextSequence, nextBegin)))
    copyWord(k, k.shared(at.nextPages + 4 * j), entry);
}

Val LatentAttention::fetched(int64_t offset) { return k.load(k.shared(offset), k.i32Type()); }

Vals LatentAttention::fetchedPages() {
  Vals pages;
  for (int64_t j = 0; j < pagesOfBlock(shape); ++j)
    pages.push_back(fetched(at.nextPages + 4 * j));
  return pages;
}

void LatentAttention::loadQueryFragments() {
  k.when(thread < queryRows, [&] { k.store(k.f32(lowest), k.shared(at.rowMax, thread << 2)); });
  Vals second = pagesOf(sequence, begin + 1);
  waitBarrier(k, k.shared(at.qBarrier), queryParity);
  k.when(isFirst & (begin + 1 < end), [&] { loadStage(1, second, begin + 1); });
  lastQueryTile.clear();
  for (int64_t j = 0; j < 4; ++j)
    lastQueryTile.append(loadMatrix(k, k.shared(at.p[1], fragment[j])));
  syncMultiplying();
}

/// Computes one split; returns where the next begins.
Vals LatentAttention::oneSplit(LatentSplit own, Val ordinal) {
  beginSplit(own, ordinal);
  for (int64_t row : {0, 1})
    border[row] = borderOf(firstRow + row0 + 8 * row);
  findSeenByAll(queryRows);
  std::tie(nextSequence, nextBegin) = next(own);
  hasNext = nextSequence <= part.last;
  k.when(hasNext & isFirst, [&] { fetchNext(); });
  loadQueryFragments();
  Vals state = k.choose(group == 0, [&] { return allBlocks0(); }, [&] { return allBlocks1(); });
  Vals out = k.unpack(state[0]);
  shareSums(llvm::MutableArrayRef(state).drop_front());
  k.when(hasNext & isFirst, [&] { loadNext(); });
  normalizeRows(out);
  Val whole = slot < 0;
  k.when(whole, [&] { sendWhole(out); }, [&] { sendPartial(out); });
  k.when((thread == 32) & (k.blockX() == 0), [&] { writeSlots(); });
  return {nextSequence, nextBegin};
}

/// Issues the next split's first copies at the end of this one, in the order of need: TMA has one queue, and later
/// copies wait. Results are staged in the place of the second block, which is copied once the queries have arrived. One
/// thread.
void LatentAttention::loadNext() {
  waitWords(k);
  loadQueries(fetched(at.next) * k.argument(headsArg) + firstRow);
  loadStage(0, shape.isPacked() ? Vals() : fetchedPages(), nextBegin);
}

//===----------------------------------------------------------------------===//
// The blocks of a split, two at a time
//===----------------------------------------------------------------------===//

BlockState LatentAttention::emptyState(int64_t group) {
  Vals scores(accumulatorsOf(blockTokens), k.f32(0)), out(accumulatorsOf(at.ownTiles * tileColumns), k.f32(0));
  return {out, {k.f32(0), k.f32(0)}, parity[group], scores};
}

static Vals packState(KernelBuilder &k, const BlockState &s, Val block) {
  return {k.pack(s.out), s.sum[0], s.sum[1], s.parity, k.pack(s.scores), block};
}
static BlockState unpackState(KernelBuilder &k, llvm::ArrayRef<Val> state) {
  return {k.unpack(state[0]), {state[1], state[2]}, state[3], k.unpack(state[4])};
}

/// Both return this warpgroup's half of the output and the sums of its probabilities.
Vals LatentAttention::allBlocks0() {
  BlockState first = emptyState(0);
  scoresOfFirst(first, begin, /*isNext=*/false);
  Vals last = k.repeat(
      packState(k, first, begin),
      [&](llvm::ArrayRef<Val> state) {
        BlockState s = unpackState(k, state);
        round0(s, state[5]);
        Vals next = packState(k, s, state[5] + 2);
        next.push_back(state[5] + 2 < end);
        return next;
      },
      [&](llvm::ArrayRef<Val> state) {
        BlockState s = unpackState(k, state);
        addOther(s, 1, 0);
        scoresOfFirst(s, state[5], /*isNext=*/true);
        return packState(k, s, state[5]);
      });
  BlockState s = unpackState(k, last);
  addOther(s, 1, 0);
  waitProducts(k, 0);
  return {k.pack(s.out), s.sum[0], s.sum[1]};
}

Vals LatentAttention::allBlocks1() {
  Vals last = k.repeat(
      packState(k, emptyState(1), begin),
      [&](llvm::ArrayRef<Val> state) {
        BlockState s = unpackState(k, state);
        round1(s, state[5]);
        Vals next = packState(k, s, state[5] + 2);
        next.push_back(state[5] + 2 < end);
        return next;
      },
      [](llvm::ArrayRef<Val> state) { return Vals(state); });
  return {last[0], last[1], last[2]};
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Shares the sums of this warpgroup's probabilities with both. After this all products of the split are done.
void LatentAttention::shareSums(llvm::MutableArrayRef<Val> sums) {
  Val own = k.shared(at.rowSum, (row0 + (group << 6)) << 2);
  for (int64_t row : {0, 1}) {
    sums[row] = sums[row] + k.shuffleXor(sums[row], 1);
    sums[row] = sums[row] + k.shuffleXor(sums[row], 2);
  }
  k.when(quad == 0, [&] {
    k.store(sums[0], own);
    k.store(sums[1], k.at(own, 32));
  });
  syncMultiplying();
}

/// Returns the denominator of this thread's row 0 or 1. Only whole results, behind which there is a barrier, read the
/// maximum.
Val LatentAttention::denominatorOf(int64_t row, Val sum) {
  if (!shape.scores.haveSinks)
    return sum;
  auto withSink = [&]() -> Vals {
    Val maximum = k.load(rowValue(at.rowMax, row), k.f32Type());
    return {denominator(firstRow + row0 + 8 * row, sum, maximum)};
  };
  return k.choose(slot < 0, withSink, [&]() -> Vals { return {sum}; })[0];
}

/// Divides by the sum of both warpgroups' probabilities. Fully masked rows are zero.
void LatentAttention::normalizeRows(Vals &out) {
  Val inverse[2];
  for (int64_t row : {0, 1}) {
    Val sum =
        k.load(rowValue(at.rowSum, row), k.f32Type()) + k.load(rowValue(at.rowSum + 4 * queryRows, row), k.f32Type());
    inverse[row] = select(sum > k.f32(0), reciprocal(denominatorOf(row, sum)), k.f32(0));
  }
  for (auto [i, value] : llvm::enumerate(out))
    value = value * inverse[rowOf(i)];
}

/// Stores final rows as bf16 through the place of K's second block: as whole tiles if all 64 rows are of this sequence,
/// else row by row, so that its neighbours' rows stay unchanged.
void LatentAttention::sendWhole(llvm::ArrayRef<Val> out) {
  Val full = firstRow + queryRows <= rows;
  k.when(full, [&] { stageTiles(out); }, [&] { stageRows(out); });
  fenceAsync(k);
  syncMultiplying();
  k.when(full, [&] { k.when(isFirst, [&] { sendTiles(); }); }, [&] { sendRows(); });
  waitStoresRead(k);
  k.when(full == k.i1(false), [&] { syncMultiplying(); });
  sendLse(true);
}

void LatentAttention::stageTiles(llvm::ArrayRef<Val> out) {
  int64_t skipped = at.firstStored(1) - at.firstTile(1);
  Val ownTile = group * (at.firstTile(1) * latentTile);
  for (int64_t j = 0; j < at.ownTiles * 4; ++j) {
    Vals packed;
    for (int64_t i = 8 * j; i < 8 * j + 8; i += 2)
      packed.push_back(packBF16(out[i], out[i + 1]));
    auto store = [&] { storeMatrix(k, k.shared(at.staging + j / 4 * latentTile, fragment[j % 4] + ownTile), packed); };
    if (j / 4 < skipped)
      k.when(group == 0, store);
    else
      store();
  }
}

void LatentAttention::sendTiles() {
  for (int64_t i = 0; i < at.latentTiles; ++i)
    storeTile(k, k.argument(outMapArg), k.shared(at.staging + i * latentTile),
              {k.i32(i * tileColumns), sequenceRow + firstRow});
  commitStores(k);
}

/// Returns the address of an unswizzled row; rows of warpgroup 1 are behind those of warpgroup 0.
static Val stagedRow(KernelBuilder &k, const LatentLayout &at, Val group, Val row) {
  return k.shared(at.staging, (group * queryRows + row) * at.rowPitch());
}

void LatentAttention::stageRows(llvm::ArrayRef<Val> out) {
  Val base = k.at(stagedRow(k, at, group, row0), quad * 4);
  for (size_t i = 0; i < out.size(); i += 2)
    k.store(packBF16(out[i], out[i + 1]), k.at(base, rowOf(i) * 8 * at.rowPitch() + static_cast<int64_t>(i / 4) * 16));
}

void LatentAttention::sendRows() {
  auto byGroup = [&](auto value) { return select(group == 0, k.i32(value(0)), k.i32(value(1))); };
  Val bytes = byGroup([&](int64_t g) { return at.storedTiles(g) * tileRowBytes; });
  Val skip = byGroup([&](int64_t g) { return (at.firstStored(g) - at.firstTile(g)) * tileRowBytes; });
  Val column = byGroup([&](int64_t g) { return at.firstStored(g) * tileRowBytes; });
  Val row = firstRow + inGroup;
  k.when((inGroup < queryRows) & (row < rows) & (bytes > 0), [&] {
    Val to = k.at(k.argument(outArg), k.extend(sequenceRow + row) * (at.latentTiles * tileRowBytes));
    storeBytes(k, k.at(to, column), k.at(stagedRow(k, at, group, inGroup), skip), bytes);
  });
  commitStores(k);
}

/// Stores partial results in the layout of the registers (LatentPartials): no exchange, all stores coalesced.
void LatentAttention::sendPartial(llvm::ArrayRef<Val> out) {
  LatentPartials partials(k, shape, k.argument(rowsArg));
  k.when(firstRow + warp * 16 < rows, [&] {
    Val to = k.at(k.argument(partialArg), partials.bytesTo(slot, k.blockX(), group) + k.extend(inGroup * 16));
    for (int64_t j = 0; j < partials.pairs(); ++j)
      k.store(partials.pack(out.slice(8 * j, 8)), k.at(to, j * partials.pairBytes()), 16);
  });
  sendLse(false);
}

/// Stores the LSE: the natural logarithm for the user, to the base 2 between kernels.
void LatentAttention::sendLse(bool whole) {
  if (whole && !shape.lse)
    return;
  Val row = firstRow + thread;
  k.when((thread < queryRows) & (row < rows), [&] {
    Val sums = k.shared(at.rowSum, thread << 2);
    Val sum = k.load(sums, k.f32Type()) + k.load(k.at(sums, 4 * queryRows), k.f32Type());
    Val lse = log2(sum) + k.load(k.shared(at.rowMax, thread << 2), k.f32Type());
    storeLseOfRow(row, lse, whole);
  });
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

/// Registers per thread of the warpgroup that converts and of those that multiply; 504 in all.
static constexpr int64_t unpackRegisters = 72, multiplyRegisterCount = 216;

void LatentAttention::emit() {
  addArguments();
  k.begin();
  setUp();
  beginPart();
  k.when(dependentsMayComeEarly(k.argument(batchArg), k.argument(partsArg)), [&] { launchDependents(k); });
  if (shape.isPacked())
    k.when(
        group == 2,
        [&] {
          decreaseRegisters(k, unpackRegisters);
          LatentUnpack(*this).run();
        },
        [&] {
          increaseRegisters(k, multiplyRegisterCount);
          allSplits();
        });
  else
    allSplits();
  launchDependents(k);
  waitStores(k);
  k.finish();
}

void mla::gpu::emitLatentAttention(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape) {
  if (!module.lookupSymbol(shape.name()))
    LatentAttention(module, shape).emit();
}
