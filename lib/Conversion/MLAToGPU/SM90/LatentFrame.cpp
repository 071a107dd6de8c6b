//===- LatentFrame.cpp - Threads and splits of latent attention -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LatentFrame.h"

using namespace mla::gpu;

void LatentFrame::setUpThreads() {
  thread = k.thread();
  group = k.shuffle(thread >> 7, k.i32(0)); // known to be uniform in a warp
  inGroup = thread & 127;
  lane = thread & 31;
}

//===----------------------------------------------------------------------===//
// Splits
//===----------------------------------------------------------------------===//

Val mla::gpu::blocksOfLength(KernelBuilder &k, Val length) { return max(ceilDiv(length, blockTokens), k.i32(1)); }

LatentSplit LatentFrame::splitAt(Val sequence, Val begin) {
  Val blocks = blocksOfLength(k, k.loadInt(k.argument(lengthsArg), sequence));
  Val limit = select(sequence == part.last, part.endBlock, blocks);
  Val end = shape.split.fixed ? min(begin + shape.split.fixed, limit) : limit;
  return {sequence, begin, limit, end};
}

std::pair<Val, Val> LatentFrame::next(const LatentSplit &split) {
  Val same = shape.split.fixed ? split.end < split.limit : k.i1(false);
  return {select(same, split.sequence, split.sequence + 1), select(same, split.end, k.i32(0))};
}

void LatentFrame::beginSplit(const LatentSplit &split, Val ordinal) {
  // Shuffled to be known as uniform in a warp.
  auto uniform = [&](Val value) { return k.shuffle(value, k.i32(0)); };
  sequence = split.sequence, begin = split.begin, end = uniform(split.end);
  length = uniform(k.loadInt(k.argument(lengthsArg), sequence));
  Val heads = k.argument(headsArg), firstToken = k.loadInt(k.argument(cuArg), sequence);
  queries = k.loadInt(k.argument(cuArg), sequence + 1) - firstToken;
  sequenceRow = firstToken * heads;
  rows = queries * heads;
  isLast = end == blocksOfLength(k, length);
  Val own = shape.split.fixed ? ordinal : min(ordinal, k.i32(1));
  Val whole = (begin == 0) & isLast;
  slot = select(whole, k.i32(-1), part.slot + own);
}

Val LatentFrame::borderOf(Val row) {
  Val query = row / k.argument(headsArg);
  return min(length - (queries - query - 1), length);
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void LatentFrame::writeSlots() {
  Val to = k.at(k.argument(slotsArg), k.extend(sequence) * 8);
  k.when(begin == 0, [&] { k.store(slot, to); });
  k.when((begin > 0) & isLast, [&] { k.store(slot, k.at(to, 4)); });
}

void LatentFrame::storeLseOfRow(Val row, Val lse, bool whole) {
  if (whole)
    k.store(lse * k.f32(0.6931471805599453), k.at(k.argument(lseArg), k.extend(sequenceRow + row) * 4));
  else
    k.store(lse, k.at(k.argument(partialLseArg), k.extend(slot * k.argument(rowsArg) + row) * 4));
}
