//===- WorkSplit.cpp - Which part attends to which blocks -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WorkSplit.h"

using namespace mla::gpu;

/// Sequences of a lane, at most, where they are in registers.
static constexpr int64_t registersOfLane = 4;

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

Val WorkSplit::blocksOf(Val sequence) {
  Val length = k.load(k.at(lengths, sequence * 4), k.i32Type());
  return max(ceilDiv(length, blockTokens), k.i32(1));
}

/// Blocks of this lane's i-th sequence, or 0.
Val WorkSplit::blocksOfRun(Val i) {
  Val sequence = runBegin + i;
  return select(sequence < runEnd, blocksOf(min(sequence, batch - 1)), k.i32(0));
}

/// Folds over this lane's run. All lanes go round equally often: where ptxas sees a warp that may have parted, it guards
/// every wait and every product of the kernel that follows.
Vals WorkSplit::overRun(llvm::ArrayRef<Val> initial,
                        llvm::function_ref<Vals(Val sequence, Val blocks, llvm::ArrayRef<Val> state)> step) {
  Vals state(initial);
  for (auto [i, blocks] : llvm::enumerate(own))
    state = step(runBegin + i, blocks, state);
  if (!own.empty())
    return state;
  return k.loop(k.i32(0), run, k.i32(1), state,
                [&](Val i, llvm::ArrayRef<Val> s) { return step(runBegin + i, blocksOfRun(i), s); });
}

static Val weightOr0(KernelBuilder &k, Val blocks, llvm::function_ref<Val(Val)> weight) {
  return select(blocks > 0, weight(blocks), k.i32(0));
}

Val WorkSplit::sumOfRun(Weight weight) {
  return overRun({k.i32(0)}, [&](Val, Val blocks, llvm::ArrayRef<Val> sum) -> Vals {
    return {sum[0] + weightOr0(k, blocks, weight)};
  })[0];
}

/// The sum over the runs of the lanes before this one, and over all.
std::pair<Val, Val> WorkSplit::prefixOfLane(Weight weight) {
  Val run = sumOfRun(weight), sum = run;
  for (int64_t distance : {1, 2, 4, 8, 16})
    sum = sum + select(lane >= distance, k.shuffleUp(sum, distance), k.i32(0));
  return {sum - run, k.shuffle(sum, k.i32(31))};
}

/// The sequence whose weight covers `position`, which is below the sum of all.
WorkSplit::Place WorkSplit::find(Val position, Val prefix, Weight weight) {
  Val holder = k.populationCount(k.ballot(prefix <= position)) - 1, zero = k.i32(0);
  // Every lane looks for it in its own run; the holder is right.
  Vals place = overRun({zero, zero, zero, prefix}, [&](Val sequence, Val blocks, llvm::ArrayRef<Val> s) -> Vals {
    Val starts = (s[3] <= position) & (blocks > 0);
    return {select(starts, sequence, s[0]), select(starts, s[3], s[1]), select(starts, blocks, s[2]),
            s[3] + weightOr0(k, blocks, weight)};
  });
  return {k.shuffle(place[0], holder), k.shuffle(place[1], holder), k.shuffle(place[2], holder)};
}

/// The sum over the sequences before `sequence`.
Val WorkSplit::startOf(Val sequence, Val prefix, Weight weight) {
  Val start = overRun({prefix}, [&](Val other, Val blocks, llvm::ArrayRef<Val> sum) -> Vals {
    return {sum[0] + select(other < sequence, weightOr0(k, blocks, weight), k.i32(0))};
  })[0];
  return k.shuffle(start, sequence / run);
}

//===----------------------------------------------------------------------===//
// The way to divide
//===----------------------------------------------------------------------===//

/// The smallest t, in steps of a sixteenth, for which pieces of t blocks are no more than there are parts.
Val WorkSplit::evenPieceBlocks(Val total) {
  Val least = max(roundedUp(total, parts), k.i32(choices.minBlocks));
  auto pieces = [&](Val t) { return k.warpSum(sumOfRun([&](Val blocks) { return roundedUp(blocks, t); })); };
  return k.loopWhile(
      {least}, [&](llvm::ArrayRef<Val> t) { return (batch <= parts) & (pieces(t[0]) > parts); },
      [&](llvm::ArrayRef<Val> t) -> Vals { return {t[0] + max(t[0] >> 4, k.i32(1))}; })[0];
}

/// The distance of cuts. One that falls on the borders of equal sequences is preferred to the shortest, as long as that
/// costs no more than the pieces it saves. Then whether even pieces are better.
void WorkSplit::chooseWay(Val total, Val longest) {
  lineLength = total + batch * choices.overhead;
  Val shortest = roundedUp(lineLength, parts), one = longest + choices.overhead;
  Val several = one * roundedUp(shortest, one), count = max(quotient(one, shortest), k.i32(1));
  Val aligned = select(shortest >= one, several, roundedUp(one, count));
  cut = select(aligned <= shortest + choices.overhead, aligned, shortest);
  Val whole = (shortest >= one) & (cut == aligned);
  Val lineCost = cut + select(whole, k.i32(0), k.i32(choices.overhead));
  isEven = (batch <= parts) & (min(pieceBlocks, longest) + choices.overhead <= lineCost);
  linePrefix = prefixOfLane([&](Val blocks) { return blocks + choices.overhead; }).first;
}

Val WorkSplit::evenPieces(Val blocks) { return roundedUp(blocks, pieceBlocks); }

WorkSplit::WorkSplit(KernelBuilder &k, const WorkSplitChoices &choices, Val lengths, Val batch, Val parts,
                     bool inRegisters)
    : k(k), choices(choices), snap((choices.overhead + 1) / 2), lengths(lengths), batch(batch), parts(parts) {
  lane = k.thread() & 31;
  run = ceilDiv(batch, 32);
  runBegin = min(lane * run, batch);
  runEnd = min(runBegin + run, batch);
  for (int64_t i = 0; inRegisters && i < registersOfLane; ++i)
    own.push_back(blocksOfRun(k.i32(i)));
  if (choices.fixed) {
    pieceBlocks = k.i32(choices.fixed);
  } else {
    Vals sums = overRun({k.i32(0), k.i32(0)}, [&](Val, Val blocks, llvm::ArrayRef<Val> s) -> Vals {
      return {s[0] + blocks, max(s[1], blocks)};
    });
    Val total = k.warpSum(sums[0]), longest = k.warpMax(sums[1]);
    pieceBlocks = evenPieceBlocks(total);
    // With many parts for each sequence, even pieces are as good as any, and quicker found.
    Vals line = k.choose(
        batch * 4 <= parts, [&]() -> Vals { return {k.i32(1), k.i32(1), k.i32(0), k.i1(true)}; },
        [&]() -> Vals {
          chooseWay(total, longest);
          return {cut, lineLength, linePrefix, isEven};
        });
    cut = line[0], lineLength = line[1], linePrefix = line[2], isEven = line[3];
  }
  std::tie(piecePrefix, pieces) = prefixOfLane([&](Val blocks) { return evenPieces(blocks); });
}

Vals WorkSplit::divide(KernelBuilder &k, const WorkSplitChoices &choices, Val lengths, Val batch, Val parts,
                       llvm::function_ref<Vals(WorkSplit &)> body) {
  auto with = [&](bool inRegisters) {
    WorkSplit split(k, choices, lengths, batch, parts, inRegisters);
    return body(split);
  };
  return k.choose(batch <= 32 * registersOfLane, [&] { return with(true); }, [&] { return with(false); });
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

WorkSplit::Part WorkSplit::partOf(Val part) {
  if (choices.fixed)
    return fixedPart(part);
  auto fields = [](const Part &p) -> Vals { return {p.first, p.firstBlock, p.last, p.endBlock, p.slot}; };
  Vals p = k.choose(
      isEven, [&] { return fields(evenPart(part)); }, [&] { return fields(linePart(part)); });
  return {p[0], p[1], p[2], p[3], p[4]};
}

WorkSplit::Part WorkSplit::evenPart(Val part) {
  auto pieceCount = [&](Val blocks) { return evenPieces(blocks); };
  Place place = find(min(part, pieces - 1), piecePrefix, pieceCount);
  Val blocks = place.blocks, count = evenPieces(blocks), i = part - place.start;
  Val last = select(part < pieces, place.sequence, place.sequence - 1);
  return {place.sequence, quotient(blocks * i, count), last, quotient(blocks * (i + 1), count), part * 2};
}

/// Parts get neighbouring pieces, as many as equally many allow.
WorkSplit::Part WorkSplit::fixedPart(Val part) {
  auto pieceCount = [&](Val blocks) { return evenPieces(blocks); };
  Val begin = pieces * part / parts, end = pieces * (part + 1) / parts; // may exceed quotient()
  Place from = find(min(begin, pieces - 1), piecePrefix, pieceCount);
  Place to = find(max(end - 1, k.i32(0)), piecePrefix, pieceCount);
  Val endBlock = min((end - to.start) * choices.fixed, to.blocks);
  Val last = select(begin < end, to.sequence, from.sequence - 1);
  return {from.sequence, (begin - from.start) * choices.fixed, last, endBlock, begin};
}

/// Where the line is cut before `part`: a sequence and a block of it.
std::pair<Val, Val> WorkSplit::lineCut(Val part) {
  auto weight = [&](Val blocks) { return blocks + choices.overhead; };
  Val position = part * cut;
  Place place = find(min(position, lineLength - 1), linePrefix, weight);
  Val into = position - place.start, blocks = blocksOf(place.sequence);
  Val toEnd = (into > blocks + (choices.overhead - snap)) | (position >= lineLength);
  Val toStart = (into < choices.overhead + snap) | toEnd;
  return {place.sequence + k.toInt(toEnd, k.i32Type()), select(toStart, k.i32(0), into - choices.overhead)};
}

WorkSplit::Part WorkSplit::linePart(Val part) {
  auto [first, firstBlock] = lineCut(part);
  auto [end, endBlock] = lineCut(part + 1);
  // The first part starts where the batch does.
  Val isFirst = part == 0, zero = k.i32(0);
  first = select(isFirst, zero, first);
  firstBlock = select(isFirst, zero, firstBlock);
  Val atBorder = endBlock == 0, empty = (first == end) & (firstBlock == endBlock);
  Val last = select(empty, first - 1, end - k.toInt(atBorder, k.i32Type()));
  Val lastBlocks = blocksOf(max(last, zero));
  return {first, firstBlock, last, select(atBorder, lastBlocks, endBlock), part * 2};
}

//===----------------------------------------------------------------------===//
// Pieces of a sequence
//===----------------------------------------------------------------------===//

WorkSplit::Pieces WorkSplit::piecesOf(Val sequence) {
  if (choices.fixed)
    return evenPiecesOf(sequence);
  auto fields = [](const Pieces &p) -> Vals { return {p.count, p.firstSlot, p.secondSlot, p.step}; };
  Vals p = k.choose(
      isEven, [&] { return fields(evenPiecesOf(sequence)); }, [&] { return fields(linePiecesOf(sequence)); });
  return {p[0], p[1], p[2], p[3]};
}

WorkSplit::Pieces WorkSplit::evenPiecesOf(Val sequence) {
  Val start = startOf(sequence, piecePrefix, [&](Val blocks) { return evenPieces(blocks); });
  int64_t step = choices.fixed ? 1 : 2;
  return {evenPieces(blocksOf(sequence)), start * step, start * step + step, k.i32(step)};
}

WorkSplit::Pieces WorkSplit::linePiecesOf(Val sequence) {
  Val start = startOf(sequence, linePrefix, [&](Val blocks) { return blocks + choices.overhead; });
  // The cuts inside: those that lineCut leaves where they are.
  Val firstInside = roundedUp(start + (choices.overhead + snap), cut);
  Val lastInside = quotient(start + blocksOf(sequence) + (choices.overhead - snap), cut);
  Val count = max(lastInside - firstInside + 1, k.i32(0)) + 1;
  // The part before the first of them begins with this sequence, or with an earlier one.
  Val before = firstInside - 1, begins = before * cut > start - snap;
  return {count, before * 2 + select(begins, k.i32(0), k.i32(1)), firstInside * 2, k.i32(2)};
}
