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

//===----------------------------------------------------------------------===//
// Set-up
//===----------------------------------------------------------------------===//

FewRows::FewRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape)
    : shape(shape), at(shape), k(module, fewRowsName(shape), fewRowsThreads, /*oneBlock=*/true) {}

void FewRows::addArguments() {
  qArg = k.addPointer();
  if (shape.rope)
    ropeArg = k.addPointer();
  for (unsigned *arg : {&pagesArg, &tableArg, &lengthsArg, &cuArg, &outArg, &partialArg, &partialLseArg, &slotsArg})
    *arg = k.addPointer();
  if (shape.lse)
    lseArg = k.addPointer();
  for (unsigned *arg : {&batchArg, &partsArg, &widthArg, &headsArg, &rowsArg, &pageCountArg, &strideArg})
    *arg = k.addInt();
  if (shape.rope)
    ropeStrideArg = k.addInt();
  scaleArg = k.addFloat();
}

void FewRows::setUp() {
  thread = k.thread();
  group = k.shuffle(thread >> 7, k.i32(0)); // known to be uniform in a warp
  inGroup = thread & 127;
  lane = thread & 31;
  warp = k.shuffle(inGroup >> 5, k.i32(0));
  warpOfBoth = k.shuffle(thread >> 5, k.i32(0));
  quad = lane & 3;
  firstRow = k.blockX() * fewRows;
  k.when(thread == 0, [&] {
    for (int64_t i = 0; i < FewRowsLayout::stages; ++i) {
      initBarrier(k, k.shared(at.full + 8 * i), 1);
      initBarrier(k, k.shared(at.empty + 8 * i), 4);
    }
    fenceBarrierInit(k);
  });
  k.syncBlock();
}

//===----------------------------------------------------------------------===//
// Splits
//===----------------------------------------------------------------------===//

LatentSplit FewRows::splitAt(Val sequence, Val begin) {
  return latentSplitAt(k, shape, part, k.argument(lengthsArg), sequence, begin);
}

/// Returns the sequence and the block that the next split begins with.
std::pair<Val, Val> FewRows::next(const LatentSplit &split) {
  Val same = shape.split.fixed ? split.end < split.limit : k.i1(false);
  return {select(same, split.sequence, split.sequence + 1), select(same, split.end, k.i32(0))};
}

void FewRows::beginSplit(const LatentSplit &split, Val ordinal) {
  auto uniform = [&](Val value) { return k.shuffle(value, k.i32(0)); };
  sequence = split.sequence, begin = split.begin, end = uniform(split.end);
  length = uniform(k.loadInt(k.argument(lengthsArg), sequence));
  Val heads = k.argument(headsArg), firstToken = k.loadInt(k.argument(cuArg), sequence);
  Val queries = k.loadInt(k.argument(cuArg), sequence + 1) - firstToken;
  sequenceRow = firstToken * heads;
  rows = queries * heads;
  isLast = end == blocksOfLength(k, length);
  Val own = shape.split.fixed ? ordinal : min(ordinal, k.i32(1));
  slot = select((begin == 0) & isLast, k.i32(-1), part.slot + own);
  border.clear();
  for (int64_t i = 0; i < ownRows; ++i) {
    Val query = (firstRow + (quad << 1) + (i / 2 * 8 + i % 2)) / heads;
    border.push_back(min(length - (queries - query - 1), length));
  }
}

//===----------------------------------------------------------------------===//
// The warp that copies
//===----------------------------------------------------------------------===//

Val FewRows::pageOf(Val sequence, Val token) {
  return loadPage(k, {k.argument(tableArg), k.argument(widthArg), k.argument(pageCountArg)}, sequence,
                  token / shape.page);
}

/// Copies the rows of a block that are in pages of the sequence. One thread.
void FewRows::copyBlock(const LatentSplit &split, Val block, Val ordinal) {
  constexpr int64_t stages = FewRowsLayout::stages;
  int64_t rowsAtOnce = std::min(shape.page, blockTokens);
  Val stage = ordinal % stages, barrier = k.shared(at.full, stage << 3), token = block << 6;
  Val length = k.loadInt(k.argument(lengthsArg), split.sequence);
  Vals pages, isThere;
  for (int64_t first = 0; first < blockTokens; first += rowsAtOnce) {
    pages.push_back(pageOf(split.sequence, token + first));
    isThere.push_back((token + first < length) | (k.i32(first) == 0));
  }
  waitBarrier(k, k.shared(at.empty, stage << 3), ((ordinal / stages) & 1) ^ 1);
  Val count = k.i32(0);
  for (Val there : isThere)
    count = count + k.toInt(there, k.i32Type());
  expectBytes(k, barrier, count * (rowsAtOnce * at.row.bytes), Val());
  for (auto [i, page] : llvm::enumerate(pages)) {
    Val row = k.extend(page) * shape.page + k.extend((token + i * rowsAtOnce) % shape.page);
    Val from = k.at(k.argument(pagesArg), row * at.row.bytes);
    Val to = k.shared(at.ring + i * rowsAtOnce * at.row.bytes, stage * at.stageBytes);
    k.when(isThere[i], [&] { copyBytes(k, to, from, barrier, rowsAtOnce * at.row.bytes); });
  }
}

void FewRows::copyAll() {
  Val zero = k.i32(0);
  k.loopWhile(
      {part.first, part.firstBlock, zero}, [&](llvm::ArrayRef<Val> state) { return state[0] <= part.last; },
      [&](llvm::ArrayRef<Val> state) -> Vals {
        LatentSplit split = splitAt(state[0], state[1]);
        k.loop(split.begin, split.end, k.i32(1), {}, [&](Val block, llvm::ArrayRef<Val>) -> Vals {
          copyBlock(split, block, state[2] + (block - split.begin));
          return {};
        });
        auto [sequence, begin] = next(split);
        return {sequence, begin, state[2] + (split.end - split.begin)};
      });
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

/// Returns 16 columns of a row as f16: multiples of a power of two, which is stored as the row's unit. Consecutive
/// lanes have the row.
Vals FewRows::toHalves(llvm::ArrayRef<Val> words, const Queries &queries, Val row, Val piece) {
  constexpr int64_t exponent = 1 << 23, exponentMask = 0x7f800000; // of f32
  Vals values, halves;
  Val largest = k.f32(0);
  for (Val word : words)
    for (Val value : {lowBF16(word), highBF16(word)}) {
      values.push_back(value);
      largest = max(largest, max(value, -value));
    }
  for (int64_t distance = 1; distance < queries.width / 16; distance *= 2)
    largest = max(largest, k.shuffleXor(largest, distance));
  // The largest number of the row becomes 2^14 to 2^15, but a row of zeros stays one.
  Val power = k.bitcast(largest, k.i32Type()) & exponentMask;
  power = max(min(power, k.i32(252 * exponent)), k.i32(30 * exponent));
  Val factor = k.bitcast(k.i32(254 * exponent) - power, k.f32Type()) * k.f32(0x1p14);
  Val unit = k.bitcast(power, k.f32Type()) * k.f32(0x1p-14);
  k.when(piece == 0, [&] { k.store(unit, k.shared(queries.unit, row << 2)); });
  for (size_t i = 0; i < values.size(); i += 2)
    halves.push_back(packF16(k, values[i] * factor, values[i + 1] * factor));
  return halves;
}

/// Stores rows of queries as tiles of 64 columns; zeros beyond the sequence's rows. A thread takes 16 columns.
void FewRows::loadQueryRows(const Queries &queries) {
  int64_t rowPieces = queries.width / 16, pieces = fewRows * rowPieces;
  bool converts = queries.unit >= 0;
  mlir::Type four = k.vectorType(4, k.i32Type());
  auto body = [&](Val i) {
    Val row = i / rowPieces, piece = i % rowPieces, source = firstRow + row;
    Val element = k.extend(sequenceRow + source) * k.extend(k.argument(queries.stride)) + k.extend(piece * 16);
    Val address = k.at(k.argument(queries.from), element * 2), zero = k.zeroVector(4, k.i32Type());
    Vals halves = k.choose(
        source < rows, [&]() -> Vals { return {k.load(address, four, 16), k.load(k.at(address, 16), four, 16)}; },
        [&]() -> Vals { return {zero, zero}; });
    Vals words, order;
    for (Val half : halves)
      for (int64_t w = 0; w < 4; ++w)
        words.push_back(k.element(half, w));
    if (converts)
      words = toHalves(words, queries, row, piece);
    for (int64_t w = 0; w < 8; ++w)
      order.push_back(words[converts ? w % 4 * 2 + w / 4 : w]);
    Val base = k.shared(queries.to, (piece >> 2) * tile + (row << 7)), chunk = (piece & 3) << 1;
    for (int64_t h : {0, 1})
      k.store(k.vectorOf(llvm::ArrayRef(order).slice(4 * h, 4)), k.at(base, ((chunk + h) ^ (row & 7)) << 4), 16);
  };
  for (int64_t first = 0; first < pieces; first += 256) {
    if (first + 256 <= pieces)
      body(thread + first);
    else
      k.when(thread + first < pieces, [&] { body(thread + first); });
  }
}

Vals FewRows::loadUnits(int64_t offset) {
  Vals units;
  for (int64_t i = 0; i < ownRows; ++i)
    units.push_back(k.load(k.shared(offset + i / 2 * 32 + i % 2 * 4, quad << 3), k.f32Type(), 4));
  return units;
}

void FewRows::loadQueries() {
  loadQueryRows({qArg, strideArg, at.q, shape.latent, at.queryUnit});
  if (shape.rope)
    loadQueryRows({ropeArg, ropeStrideArg, at.ropeQ, shape.rope, shape.copiesRope() ? -1 : at.ropeUnit});
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
    for (int64_t i = 0; i < ownRows; ++i) {
      Val row = firstRow + (quad << 1) + (i / 2 * 8 + i % 2);
      Val lse = log2(s.sum[i]) + s.maximum[i];
      k.when(row < rows, [&] {
        if (whole)
          k.store(lse * k.f32(0.6931471805599453), k.at(k.argument(lseArg), k.extend(sequenceRow + row) * 4));
        else
          k.store(lse, k.at(k.argument(partialLseArg), k.extend(slot * k.argument(rowsArg) + row) * 4));
      });
    }
  });
}

/// Writes where this sequence's partial results begin and end. One thread.
void FewRows::writeSlots() {
  Val to = k.at(k.argument(slotsArg), k.extend(sequence) * 8);
  k.when(begin == 0, [&] { k.store(slot, to); });
  k.when((begin > 0) & isLast, [&] { k.store(slot, k.at(to, 4)); });
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
    Val inverse = select(sum > k.f32(0), reciprocal(sum) * k.f32(1 / probabilityUnit), k.f32(0));
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

/// Computes one split, whose first block is number `firstBlock` of this CTA's.
void FewRows::oneSplit(const LatentSplit &split, Val ordinal, Val firstBlock) {
  beginSplit(split, ordinal);
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

void FewRows::emit() {
  addArguments();
  k.begin();
  setUp();
  WorkSplit split(k, shape.split, k.argument(lengthsArg), k.argument(batchArg), k.argument(partsArg));
  part = split.partOf(k.blockY());
  waitForPredecessors(k);
  k.when(dependentsMayComeEarly(k.argument(batchArg), k.argument(partsArg)), [&] { launchDependents(k); });
  k.when(
      group == 2,
      [&] {
        decreaseRegisters(k, 24);
        k.when(inGroup == 0, [&] { copyAll(); });
      },
      [&] {
        increaseRegisters(k, 240);
        Val zero = k.i32(0);
        k.loopWhile(
            {part.first, part.firstBlock, zero, zero}, [&](llvm::ArrayRef<Val> state) { return state[0] <= part.last; },
            [&](llvm::ArrayRef<Val> state) -> Vals {
              LatentSplit own = splitAt(state[0], state[1]);
              oneSplit(own, state[2], state[3]);
              auto [sequence, begin] = next(own);
              return {sequence, begin, state[2] + 1, state[3] + (own.end - own.begin)};
            });
      });
  launchDependents(k);
  k.finish();
}

void mla::gpu::emitFewRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape) {
  if (!module.lookupSymbol(fewRowsName(shape)))
    FewRows(module, shape).emit();
}
