//===- WorkSplit.cpp - Which part attends to which blocks -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WorkSplit.h"

using namespace mla::gpu;

std::string WorkSplitChoices::suffix() const {
  return fixed ? "_fixed" + std::to_string(fixed) : "_o" + std::to_string(overhead) + "m" + std::to_string(minBlocks);
}

/// a / b for 0 <= a < 2^22 and b >= 1, by way of floats: the approximation is off by one at most.
static Val quotient(Val a, Val b) {
  KernelBuilder &k = a.builder();
  Val q = k.toInt(k.toFloat(a) * reciprocal(k.toFloat(b)));
  Val rest = a - q * b;
  return q + k.toInt(rest >= b, k.i32Type()) - k.toInt(rest < 0, k.i32Type());
}

static Val roundedUp(Val a, Val b) { return quotient(a + b - 1, b); }

//===----------------------------------------------------------------------===//
// Over the batch: a lane sums its own run of sequences, the warp the lanes
//===----------------------------------------------------------------------===//

Val SeenBlocks::firstToken(Val sequence) {
  Val queries = k.loadInt(cu, sequence + 1) - k.loadInt(cu, sequence);
  return max(k.loadInt(lengths, sequence) - max(queries, k.i32(1)) - (window - 1), k.i32(0));
}

Val SeenBlocks::first(Val sequence) { return window ? firstToken(sequence) / blockTokens : k.i32(0); }

Val SeenBlocks::count(Val sequence) {
  Val length = k.load(k.at(lengths, sequence * 4), k.i32Type());
  Val blocks = max(ceilDiv(length, blockTokens), k.i32(1));
  return window ? blocks - first(sequence) : blocks;
}

/// Blocks of this lane's i-th sequence, or 0.
Val WorkSplit::blocksOfRun(Val i) {
  Val sequence = runBegin + i;
  return select(sequence < runEnd, seen.count(min(sequence, batch - 1)), k.i32(0));
}

/// Folds over this lane's run. All lanes go round equally often: where ptxas sees a warp that may have parted, it
/// guards every wait and every product of the kernel that follows.
Vals WorkSplit::overRun(llvm::ArrayRef<Val> initial,
                        llvm::function_ref<Vals(Val sequence, Val blocks, llvm::ArrayRef<Val> state)> step) {
  return k.loop(k.i32(0), run, k.i32(1), initial, [&](Val i, llvm::ArrayRef<Val> s) {
    Val blocks =
        k.choose(i == 0, [&]() -> Vals { return {firstBlocks}; }, [&]() -> Vals { return {blocksOfRun(i)}; })[0];
    return step(runBegin + i, blocks, s);
  });
}

/// What a sequence counts for in the way to divide that was chosen: its splits, or its length on the line.
Val WorkSplit::weightOf(Val blocks) {
  Val weight = evenSplits(blocks);
  return choices.fixed ? weight : select(isEven, weight, select(blocks > 0, blocks + choices.overhead, k.i32(0)));
}

/// The sequences whose weights cover two positions, both below the sum of all.
std::pair<WorkSplit::Place, WorkSplit::Place> WorkSplit::find(Val position0, Val position1) {
  Val zero = k.i32(0), positions[2] = {position0, position1};
  // Every lane looks for them in its own run; the holder is right.
  Vals found = overRun({zero, zero, zero, zero, zero, zero, prefix},
                       [&](Val sequence, Val blocks, llvm::ArrayRef<Val> s) -> Vals {
                         Vals next;
                         for (int64_t i : {0, 1}) {
                           Val starts = (s[6] <= positions[i]) & (blocks > 0);
                           next.append({select(starts, sequence, s[3 * i]), select(starts, s[6], s[3 * i + 1]),
                                        select(starts, blocks, s[3 * i + 2])});
                         }
                         next.push_back(s[6] + weightOf(blocks));
                         return next;
                       });
  auto place = [&](int64_t i) -> Place {
    Val holder = k.populationCount(k.ballot(prefix <= positions[i])) - 1;
    auto ofHolder = [&](int64_t field) { return k.shuffle(found[3 * i + field], holder); };
    return {ofHolder(0), ofHolder(1), ofHolder(2)};
  };
  return {place(0), place(1)};
}

//===----------------------------------------------------------------------===//
// The way to divide
//===----------------------------------------------------------------------===//

/// Of no blocks, none.
Val WorkSplit::evenSplits(Val blocks) { return roundedUp(blocks, splitBlocks); }

Val WorkSplit::splitsOfRun() {
  auto add = [&](Val, Val blocks, llvm::ArrayRef<Val> sum) -> Vals { return {sum[0] + evenSplits(blocks)}; };
  return overRun({k.i32(0)}, add)[0];
}

/// Returns the least blocks of even splits. Up to 64 splits of a sequence are merged at once: a few blocks more per
/// split cost less than another round.
Val WorkSplit::leastSplit(Val total, Val longest) {
  constexpr int64_t mergedAtOnce = 64, worth = 2;
  Val least = max(roundedUp(total, parts), k.i32(choices.minBlocks)), few = ceilDiv(longest, mergedAtOnce);
  return select(few <= least + worth, max(few, least), least);
}

/// Sets splitBlocks to the smallest t, in steps of a sixteenth, for which splits of t blocks are no more than there are
/// parts. Returns the splits of this lane's run.
Val WorkSplit::chooseEvenSplits(Val total, Val longest) {
  Val least = leastSplit(total, longest);
  auto tryBlocks = [&](llvm::ArrayRef<Val> t) -> Vals {
    splitBlocks = t[0];
    Val own = splitsOfRun();
    return {t[0], own, (batch <= parts) & (k.warpSum(own) > parts)};
  };
  auto larger = [&](llvm::ArrayRef<Val> t) -> Vals { return {t[0] + max(t[0] >> 4, k.i32(1)), t[1]}; };
  Vals chosen = k.repeat({least, k.i32(0)}, tryBlocks, larger);
  splitBlocks = chosen[0];
  return chosen[1];
}

Val WorkSplit::mergeCost(Val isWhole) { return select(isWhole, k.i32(0), k.i32(choices.merge)); }

/// Whether even splits are better, and the distance of cuts of the line. One that falls on the borders of equal
/// sequences is preferred to the shortest, as long as that costs no more than the splits it saves, and the merge if it
/// saves all of them.
Vals WorkSplit::chooseWay(Val total, Val longest) {
  Val shortest = roundedUp(total + batch * choices.overhead, parts), one = longest + choices.overhead;
  Val several = one * roundedUp(shortest, one), count = max(quotient(one, shortest), k.i32(1));
  Val holdsOne = shortest >= one, aligned = select(holdsOne, several, roundedUp(one, count));
  Val isWhole = (holdsOne | (count == 1)) & (total == longest * batch);
  Val cut = select(aligned + mergeCost(isWhole) <= shortest + (choices.overhead + choices.merge), aligned, shortest);
  isWhole = isWhole & (cut == aligned);
  Val lineCost = cut + select(isWhole, k.i32(0), k.i32(choices.overhead)) + mergeCost(isWhole);
  Val evenCost = min(splitBlocks, longest) + choices.overhead + mergeCost(splitBlocks >= longest);
  Val even = (batch <= parts) & (evenCost <= lineCost);
  return {even, cut};
}

WorkSplit::WorkSplit(KernelBuilder &k, const WorkSplitChoices &choices, const SeenBlocks &seen, Val batch, Val parts)
    : k(k), choices(choices), snap((choices.overhead + 1) / 2), seen(seen), batch(batch), parts(parts) {
  lane = k.thread() & 31;
  run = ceilDiv(batch, 32);
  runBegin = min(lane * run, batch);
  runEnd = min(runBegin + run, batch);
  firstBlocks = blocksOfRun(k.i32(0));
  if (choices.fixed) {
    splitBlocks = k.i32(choices.fixed);
    std::tie(prefix, all) = k.warpPrefix(splitsOfRun());
    return;
  }
  Val zero = k.i32(0);
  Vals sums = overRun(
      {zero, zero}, [&](Val, Val blocks, llvm::ArrayRef<Val> s) -> Vals { return {s[0] + blocks, max(s[1], blocks)}; });
  Val total = k.warpSum(sums[0]), longest = k.warpMax(sums[1]);
  Val own = chooseEvenSplits(total, longest);
  // With many parts for each sequence, even splits are as good as any, and quicker found.
  Vals way = k.choose(
      batch * 4 <= parts, [&]() -> Vals { return {k.i1(true), zero}; }, [&] { return chooseWay(total, longest); });
  isEven = way[0], cut = way[1];
  std::tie(prefix, all) = k.warpPrefix(select(isEven, own, sums[0] + (runEnd - runBegin) * choices.overhead));
}

mlir::AffineExpr WorkSplit::slots(const WorkSplitChoices &choices, mlir::AffineExpr parts, mlir::AffineExpr batch,
                                  mlir::AffineExpr maxLength) {
  if (choices.fixed)
    return batch * ((maxLength + (blockTokens * choices.fixed)).ceilDiv(blockTokens * choices.fixed));
  return parts * 2;
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// Divides what is seen; returns blocks of the cache.
WorkSplit::Part WorkSplit::partOf(Val part) {
  Part own = seenPart(part);
  if (seen.startAt0())
    return own;
  own.firstBlock = own.firstBlock + seen.first(min(own.first, batch - 1));
  own.endBlock = own.endBlock + seen.first(max(own.last, k.i32(0)));
  return own;
}

WorkSplit::Part WorkSplit::seenPart(Val part) {
  if (choices.fixed)
    return fixedPart(part);
  Val begin = select(isEven, part, part * cut), end = select(isEven, part, begin + cut);
  std::pair<Place, Place> at = find(min(begin, all - 1), min(end, all - 1));
  Vals range = k.choose(
      isEven, [&] { return evenRange(part, at.first); },
      [&] { return lineRange(part, lineCut(begin, at.first), lineCut(end, at.second)); });
  return {range[0], range[1], range[2], range[3], part * 2};
}

Vals WorkSplit::evenRange(Val part, const Place &place) {
  Val blocks = place.blocks, count = evenSplits(blocks), i = part - place.start;
  Val last = select(part < all, place.sequence, place.sequence - 1);
  return {place.sequence, quotient(blocks * i, count), last, quotient(blocks * (i + 1), count)};
}

/// Parts get neighbouring splits, as many as equally many allow.
WorkSplit::Part WorkSplit::fixedPart(Val part) {
  Val begin = all * part / parts, end = all * (part + 1) / parts; // may exceed quotient()
  auto [from, to] = find(min(begin, all - 1), max(end - 1, k.i32(0)));
  Val endBlock = min((end - to.start) * choices.fixed, to.blocks);
  Val last = select(begin < end, to.sequence, from.sequence - 1);
  return {from.sequence, (begin - from.start) * choices.fixed, last, endBlock, begin};
}

/// Where the line is cut at a position: a sequence and a block of it.
WorkSplit::Cut WorkSplit::lineCut(Val position, const Place &place) {
  Val into = position - place.start;
  Val toEnd = (into > place.blocks + (choices.overhead - snap)) | (position >= all);
  Val toStart = (into < choices.overhead + snap) | toEnd;
  return {place.sequence + k.toInt(toEnd, k.i32Type()), select(toStart, k.i32(0), into - choices.overhead)};
}

Vals WorkSplit::lineRange(Val part, Cut begin, const Cut &end) {
  // The first part starts where the batch does.
  Val isFirst = part == 0, zero = k.i32(0);
  begin.sequence = select(isFirst, zero, begin.sequence);
  begin.block = select(isFirst, zero, begin.block);
  Val atBorder = end.block == 0, empty = (begin.sequence == end.sequence) & (begin.block == end.block);
  Val last = select(empty, begin.sequence - 1, end.sequence - k.toInt(atBorder, k.i32Type()));
  Val lastBlocks = seen.count(max(last, zero));
  return {begin.sequence, begin.block, last, select(atBorder, lastBlocks, end.block)};
}

//===----------------------------------------------------------------------===//
// Splits of a sequence
//===----------------------------------------------------------------------===//

WorkSplit::Splits WorkSplit::splitsOf(KernelBuilder &k, const WorkSplitChoices &choices, Val first, Val last) {
  Val one = k.i32(1);
  if (choices.fixed)
    return {select(first < 0, one, last - first + 1), first, first + 1, one};
  Val second = ((first >> 1) << 1) + 2; // of the part after the first one's
  return {select(first < 0, one, ((last - second) >> 1) + 2), first, second, k.i32(2)};
}
