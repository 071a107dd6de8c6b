//===- LatentFrame.cpp - Threads and splits of latent attention -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LatentFrame.h"

using namespace mla::gpu;

void LatentFrame::addOptionalArguments() {
  if (shape.lse)
    lseArg = k.addPointer();
  if (shape.scores.haveSinks)
    sinksArg = k.addPointer();
}

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
  Val sequence = split.sequence + 1;
  return {select(same, split.sequence, sequence), select(same, split.end, firstBlockOf(sequence))};
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
  firstBlock = firstBlockOf(sequence);
  if (shape.scores.window)
    firstSeen = seenBlocks().firstToken(sequence);
  isLast = end == blocksOfLength(k, length);
  Val own = shape.split.fixed ? ordinal : min(ordinal, k.i32(1));
  Val whole = (begin == firstBlock) & isLast;
  slot = select(whole, k.i32(-1), part.slot + own);
}

//===----------------------------------------------------------------------===//
// What queries see
//===----------------------------------------------------------------------===//

Val LatentFrame::firstBlockOf(Val sequence) {
  SeenBlocks seen = seenBlocks();
  return seen.startAt0() ? k.i32(0) : seen.first(min(sequence, k.argument(batchArg) - 1));
}

Val LatentFrame::borderOf(Val row) {
  if (!shape.scores.isCausal)
    return length;
  Val query = row / k.argument(headsArg);
  return min(length - (queries - query - 1), length);
}

Val LatentFrame::isSeen(Val token, Val border) {
  Val isBefore = token < border;
  return shape.scores.window ? isBefore & (token >= border - shape.scores.window) : isBefore;
}

void LatentFrame::findSeenByAll(int64_t count) {
  // Shuffled to be known as uniform in a warp.
  borderOfAll = k.shuffle(borderOf(firstRow), k.i32(0));
  if (shape.scores.window)
    startOfAll = k.shuffle(borderOf(firstRow + (count - 1)) - shape.scores.window, k.i32(0));
}

Val LatentFrame::hidesSome(Val start) {
  Val atEnd = start + blockTokens > borderOfAll;
  return shape.scores.window ? atEnd | (start < startOfAll) : atEnd;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void LatentFrame::writeSlots() {
  Val to = k.at(k.argument(slotsArg), k.extend(sequence) * 8);
  k.when(begin == firstBlock, [&] { k.store(slot, to); });
  k.when((begin > firstBlock) & isLast, [&] { k.store(slot, k.at(to, 4)); });
}

void LatentFrame::storeLseOfRow(Val row, Val lse, bool whole) {
  if (whole)
    k.store(lse * k.f32(0.6931471805599453), k.at(k.argument(lseArg), k.extend(sequenceRow + row) * 4));
  else
    k.store(lse, k.at(k.argument(partialLseArg), k.extend(slot * k.argument(rowsArg) + row) * 4));
}

Val LatentFrame::denominator(Val row, Val sum, Val maximum) {
  if (!shape.scores.haveSinks)
    return sum;
  Val share = sinkShare(k, k.argument(sinksArg), row % k.argument(headsArg), maximum);
  return sum + select(slot < 0, share, k.f32(0));
}
