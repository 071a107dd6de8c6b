//===- RingAttention.cpp - Kernels with a ring of cached tokens -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RingAttention.h"
#include "Hopper.h"

#include <cmath>

using namespace mla;
using namespace mla::gpu;

/// Registers per thread of the warpgroup that copies and of those that compute; 504 in all.
static constexpr int64_t registersOfThreads = 504;
static int64_t copyRegisters(const TokenRing &ring) { return ring.copiers == 1 ? 24 : ring.converts ? 72 : 40; }

//===----------------------------------------------------------------------===//
// Set-up
//===----------------------------------------------------------------------===//

RingAttention::RingAttention(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, llvm::StringRef name,
                             int64_t rowsOfBlock, const TokenRing &ring)
    : LatentFrame(module, shape, name, ringAttentionThreads), rowsOfBlock(rowsOfBlock), ring(ring) {}

void RingAttention::addArguments() {
  qArg = k.addPointer();
  if (shape.rope)
    ropeArg = k.addPointer();
  addPages();
  for (unsigned *arg : {&tableArg, &lengthsArg, &cuArg, &outArg, &partialArg, &partialLseArg, &slotsArg})
    *arg = k.addPointer();
  addOptionalArguments();
  for (unsigned *arg : {&batchArg, &partsArg, &widthArg, &headsArg, &rowsArg, &pageCountArg, &strideArg})
    *arg = k.addInt();
  if (shape.rope)
    ropeStrideArg = k.addInt();
  scaleArg = k.addFloat();
}

void RingAttention::setUp() {
  setUpThreads();
  warp = k.shuffle(inGroup >> 5, k.i32(0));
  warpOfBoth = k.shuffle(thread >> 5, k.i32(0));
  quad = lane & 3;
  firstRow = k.blockX() * rowsOfBlock;
  k.when(thread == 0, [&] {
    for (int64_t i = 0; i < ring.rings * ring.stages; ++i) {
      initBarrier(k, k.shared(ring.full + 8 * i), ring.copiers);
      initBarrier(k, k.shared(ring.empty + 8 * i), ring.readers);
    }
    initBarriers();
    fenceBarrierInit(k);
  });
  k.syncBlock();
}

void RingAttention::setRing(Val number) {
  ownRing = ring.rings == 1 ? k.i32(0) : number;
  ringBegin = ownRing * ring.stages;
}

/// Returns how many blocks of a split are in this thread's ring.
Val RingAttention::ownBlocks(const LatentSplit &split) {
  return (split.end - split.begin + (ring.rings - 1) - ownRing) / ring.rings;
}

void RingAttention::storeLse(Val row, Val lse, bool whole) {
  k.when(row < rows, [&] { storeLseOfRow(row, lse, whole); });
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void RingAttention::waitFull(Val ordinal) {
  waitBarrier(k, k.shared(ring.full, stageOf(ordinal) << 3), (ordinal / ring.stages) & 1);
}

void RingAttention::release(Val ordinal, Val condition) {
  k.syncWarp();
  k.when((lane == 0) & condition, [&] { arrive(k, k.shared(ring.empty, stageOf(ordinal) << 3)); });
}

Val RingAttention::beginFilling(Val ordinal) {
  Val stage = stageOf(ordinal);
  waitBarrier(k, k.shared(ring.empty, stage << 3), ((ordinal / ring.stages) & 1) ^ 1);
  return k.shared(ring.full, stage << 3);
}

Vals RingAttention::pageNumbers(const LatentSplit &split, Val block) {
  BlockTable table = {k.argument(tableArg), k.argument(widthArg), k.argument(pageCountArg)};
  Vals numbers;
  for (int64_t first = 0; first < blockTokens; first += rowsAtOnce())
    numbers.push_back(loadPage(k, table, split.sequence, ((block << 6) + first) / shape.page));
  return numbers;
}

/// Copies this ring's blocks of a split, of which the first has this ordinal. A block's page numbers are loaded while
/// the one before it waits for an empty stage.
void RingAttention::copySplit(const LatentSplit &split, Val ordinal) {
  Val length = k.loadInt(k.argument(lengthsArg), split.sequence), firstOfAll;
  if (shape.scores.window)
    firstOfAll = seenBlocks().firstToken(split.sequence);
  auto copy = [&](Val block, llvm::ArrayRef<Val> numbers) -> Vals {
    Vals following = pageNumbers(split, block + ring.rings);
    Val before = firstOfAll ? firstOfAll - (block << 6) : Val();
    copyBlock({Vals(numbers), length - (block << 6), before}, block, ordinal + (block - split.begin) / ring.rings);
    return following;
  };
  Val first = split.begin + ownRing;
  k.loop(first, split.end, k.i32(ring.rings), pageNumbers(split, first), copy);
}

/// Copies this ring's blocks of all splits in order.
void RingAttention::copyAll() {
  Val zero = k.i32(0);
  k.loopWhile(
      {part.first, part.firstBlock, zero}, [&](llvm::ArrayRef<Val> state) { return state[0] <= part.last; },
      [&](llvm::ArrayRef<Val> state) -> Vals {
        LatentSplit split = splitAt(state[0], state[1]);
        copySplit(split, state[2]);
        auto [sequence, begin] = next(split);
        return {sequence, begin, state[2] + ownBlocks(split)};
      });
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

void RingAttention::forQueries(const QueryRows &queries,
                               llvm::function_ref<void(llvm::ArrayRef<Val> words, Val row, Val piece)> store) {
  int64_t rowPieces = queries.stored / 16;
  mlir::Type four = k.vectorType(4, k.i32Type());
  k.loop(thread, k.i32(rowsOfBlock * rowPieces), k.i32(256), {}, [&](Val i, llvm::ArrayRef<Val>) -> Vals {
    Val row = i / rowPieces, piece = i % rowPieces, source = firstRow + row;
    Val element = k.extend(sequenceRow + source) * k.extend(k.argument(queries.stride)) + k.extend(piece * 16);
    Val address = k.at(k.argument(queries.from), element * 2), zero = k.zeroVector(4, k.i32Type());
    Val exists = source < rows;
    if (queries.stored > queries.width)
      exists = exists & (piece < queries.width / 16);
    Vals halves = k.choose(
        exists, [&]() -> Vals { return {k.load(address, four, 16), k.load(k.at(address, 16), four, 16)}; },
        [&]() -> Vals { return {zero, zero}; });
    Vals words;
    for (Val half : halves)
      for (int64_t w = 0; w < 4; ++w)
        words.push_back(k.element(half, w));
    store(words, row, piece);
    return {};
  });
}

RingAttention::Normalized RingAttention::normalize(llvm::ArrayRef<Val> words, int64_t piecesOfRow, int64_t exponent) {
  constexpr int64_t one = 1 << 23, exponentMask = 0x7f800000; // of f32
  Normalized result;
  Val largest = k.f32(0);
  for (Val word : words)
    for (Val value : {lowBF16(word), highBF16(word)}) {
      result.values.push_back(value);
      largest = max(largest, max(value, -value));
    }
  for (int64_t distance = 1; distance < piecesOfRow; distance *= 2)
    largest = max(largest, k.shuffleXor(largest, distance));
  // A row of zeros stays one; what is below 2^-40 becomes zero, so that other numbers may be divided by the unit.
  Val power = k.bitcast(largest, k.i32Type()) & exponentMask;
  power = max(min(power, k.i32(252 * one)), k.i32(87 * one));
  double range = std::ldexp(1.0, static_cast<int>(exponent));
  Val factor = k.bitcast(k.i32(254 * one) - power, k.f32Type()) * k.f32(range);
  for (Val &value : result.values)
    value = value * factor;
  result.unit = k.bitcast(power, k.f32Type()) * k.f32(1 / range);
  return result;
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

void RingAttention::computeAll() {
  Val zero = k.i32(0);
  k.loopWhile(
      {part.first, part.firstBlock, zero, zero}, [&](llvm::ArrayRef<Val> state) { return state[0] <= part.last; },
      [&](llvm::ArrayRef<Val> state) -> Vals {
        LatentSplit own = splitAt(state[0], state[1]);
        beginSplit(own, state[2]);
        oneSplit(state[3]);
        auto [sequence, begin] = next(own);
        return {sequence, begin, state[2] + 1, state[3] + ownBlocks(own)};
      });
}

void RingAttention::emit() {
  addArguments();
  k.begin();
  setUp();
  WorkSplit split(k, shape.split, seenBlocks(), k.argument(batchArg), k.argument(partsArg));
  part = split.partOf(k.blockY());
  waitForPredecessors(k);
  k.when(dependentsMayComeEarly(k.argument(batchArg), k.argument(partsArg)), [&] { launchDependents(k); });
  k.when(
      group == 2,
      [&] {
        decreaseRegisters(k, copyRegisters(ring));
        if (ring.copiers == 1) {
          setRing(warp);
          k.when((lane == 0) & (warp < ring.rings), [&] { copyAll(); });
        } else {
          setRing(warp / (ring.copiers / 32));
          copyAll();
        }
      },
      [&] {
        increaseRegisters(k, (registersOfThreads - copyRegisters(ring)) / 2);
        setRing(group);
        computeAll();
      });
  launchDependents(k);
  k.finish();
}
