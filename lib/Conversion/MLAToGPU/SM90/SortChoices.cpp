//===- SortChoices.cpp - Choices of tokens, sorted by expert --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A CTA has one expert. Its threads count, in their own runs of choices, those of
// experts below and of its own; sums over threads are where its rows start, and
// where a thread's choices lie among them. No CTA needs another.
//
//===----------------------------------------------------------------------===//

#include "SortChoices.h"

#include "Hopper.h"
#include "Rows.h"

using namespace mla::gpu;

std::string SortChoicesShape::name() const {
  return "sort_choices_" + std::to_string(choices) + "of" + std::to_string(experts) + "_" + std::to_string(width);
}

namespace {
class SortChoices {
public:
  SortChoices(mlir::gpu::GPUModuleOp module, const SortChoicesShape &shape)
      : s(shape), k(module, shape.name(), sortThreads, /*oneBlock=*/false) {}
  void emit();

private:
  static constexpr int64_t warps = sortThreads / 32;
  /// Choices of experts below, and of this one.
  struct Counts {
    Val below, own;
  };
  Val bucketOf(Val choice);
  Counts countRun();
  void place(const Counts &run);
  void copyRows();

  const SortChoicesShape &s;
  KernelBuilder k;
  Val x, experts, rows, order, first, stride, expert, runBegin, runEnd;
  Val start, count; ///< of the expert's rows
};
} // namespace

/// Return the expert of a choice; the last CTA's number if there is none.
Val SortChoices::bucketOf(Val choice) {
  Val number = k.load(k.at(experts, k.extend(choice) * 4), k.i32Type(), 4);
  return select((number >= 0) & (number < s.experts), number, k.i32(s.experts));
}

SortChoices::Counts SortChoices::countRun() {
  Vals counts =
      k.loop(runBegin, runEnd, k.i32(1), {k.i32(0), k.i32(0)}, [&](Val choice, llvm::ArrayRef<Val> counts) -> Vals {
        Val bucket = bucketOf(choice);
        return {counts[0] + k.toInt(bucket < expert, k.i32Type()), counts[1] + k.toInt(bucket == expert, k.i32Type())};
      });
  return {counts[0], counts[1]};
}

/// Sums the counts of all threads, and writes the numbers of this thread's choices behind those of the threads before.
void SortChoices::place(const Counts &run) {
  Val lane = k.thread() & 31, warp = k.thread() >> 5, inWarp = run.own, below = k.warpSum(run.below);
  for (int64_t distance : {1, 2, 4, 8, 16})
    inWarp = inWarp + select(lane >= distance, k.shuffleUp(inWarp, distance), k.i32(0));
  k.when(lane == 31, [&] {
    k.store(below, k.shared(0, warp * 4), 4);
    k.store(inWarp, k.shared(4 * warps, warp * 4), 4);
  });
  k.syncBlock();
  Val before = inWarp - run.own;
  start = count = k.i32(0);
  for (int64_t i = 0; i < warps; ++i) {
    Val own = k.load(k.shared(4 * (warps + i)), k.i32Type(), 4);
    start = start + k.load(k.shared(4 * i), k.i32Type(), 4);
    before = before + select(warp > i, own, k.i32(0));
    count = count + own;
  }
  k.when(k.thread() == 0, [&] { k.store(start, k.at(first, expert * 4), 4); });
  k.loop(runBegin, runEnd, k.i32(1), {start + before}, [&](Val choice, llvm::ArrayRef<Val> place) -> Vals {
    Val isOwn = bucketOf(choice) == expert;
    k.when(isOwn, [&] { k.store(choice, k.at(order, k.extend(place[0]) * 4), 4); });
    return {place[0] + k.toInt(isOwn, k.i32Type())};
  });
}

/// Copies the tokens' rows, one per warp.
void SortChoices::copyRows() {
  constexpr int64_t pieces = 4;
  Val lane = k.thread() & 31, last = k.i32(s.width - laneElements);
  mlir::Type words = k.vectorType(4, k.i32Type());
  k.loop(start + (k.thread() >> 5), start + count, k.i32(warps), {}, [&](Val row, llvm::ArrayRef<Val>) -> Vals {
    Val token = k.load(k.at(order, k.extend(row) * 4), k.i32Type(), 4) / s.choices;
    Val from = rowAt(k, x, token, stride, Element::BF16), to = rowAt(k, rows, row, k.i32(s.width), Element::BF16);
    k.loop(lane * laneElements, k.i32(s.width), k.i32(pieces * warpElements), {},
           [&](Val column, llvm::ArrayRef<Val>) -> Vals {
             Vals values;
             for (int64_t i = 0; i < pieces; ++i)
               values.push_back(
                   k.load(elementAt(k, from, min(column + i * warpElements, last), Element::BF16), words, 16));
             for (int64_t i = 0; i < pieces; ++i)
               k.when(column + i * warpElements < s.width,
                      [&] { k.store(values[i], elementAt(k, to, column + i * warpElements, Element::BF16), 16); });
             return {};
           });
    return {};
  });
}

void SortChoices::emit() {
  for (int64_t i = 0; i < 5; ++i)
    k.addPointer();
  k.addInt();
  k.addInt();
  k.begin();
  x = k.argument(0), experts = k.argument(1), rows = k.argument(2), order = k.argument(3), first = k.argument(4);
  Val all = k.argument(5) * s.choices, run = ceilDiv(all, sortThreads);
  stride = k.argument(6);
  expert = k.blockX();
  runBegin = min(k.thread() * run, all), runEnd = min(runBegin + run, all);
  launchDependents(k);
  waitForPredecessors(k);
  place(countRun());
  k.syncBlock(); // order is read by other threads
  copyRows();
  k.finish();
}

void mla::gpu::emitSortChoices(mlir::gpu::GPUModuleOp module, const SortChoicesShape &shape) {
  if (!module.lookupSymbol(shape.name()))
    SortChoices(module, shape).emit();
}
