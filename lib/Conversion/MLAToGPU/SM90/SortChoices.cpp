//===- SortChoices.cpp - Choices of tokens, sorted by expert --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A CTA has one expert. Its warps count, each in a run of choices, those of experts
// below and of its own; sums over warps are where its rows start, and where a
// warp's choices lie among them. No CTA needs another. Several have the same
// expert: each copies the rows of some tokens.
//
//===----------------------------------------------------------------------===//

#include "SortChoices.h"

#include "Hopper.h"
#include "Rows.h"

using namespace mla::gpu;

std::string SortChoicesShape::name() const {
  return "sort_choices_" + std::to_string(choices) + "of" + std::to_string(experts) + "_" + std::to_string(width) +
         (scales ? "_scales" + std::to_string(scales) : "") + (from ? "_from" + std::to_string(from) : "");
}

namespace {
class SortChoices {
public:
  SortChoices(mlir::gpu::GPUModuleOp module, const SortChoicesShape &shape)
      : s(shape), k(module, shape.name(), sortThreads, /*oneBlock=*/false) {}
  void emit();

private:
  static constexpr int64_t warps = sortThreads / 32;
  static constexpr int64_t loadsAtATime = 4;
  /// Choices of experts below, and of this one.
  struct Counts {
    Val below, own;
  };
  Val bucketOf(Val choice);
  using Body = llvm::function_ref<Vals(Val choice, Val bucket, llvm::ArrayRef<Val> state)>;
  Vals overRun(llvm::ArrayRef<Val> initial, Body body);
  Counts countRun();
  Val findPlace(const Counts &run);
  void placeRun(Val place);
  void copyRows(Val bits, Val choice, Val place);
  void copyRow(Val choice, Val place);
  void copyScales(Val choice, Val place);

  const SortChoicesShape &s;
  KernelBuilder k;
  Val x, experts, rows, order, first, scale, scales, stride, expert, part, all, lane, warp, runBegin, runEnd;
};
} // namespace

/// Return the expert of a choice; the last CTA's number if there is none.
Val SortChoices::bucketOf(Val choice) {
  Val number = k.load(k.at(experts, k.extend(choice) * 4), k.i32Type(), 4);
  if (s.from)
    number = number - s.from;
  return select((number >= 0) & (number < s.experts), number, k.i32(s.experts));
}

/// Calls `body` for the choices of the warp's run, one per lane, with their buckets; -1 beyond its end.
Vals SortChoices::overRun(llvm::ArrayRef<Val> initial, Body body) {
  return k.loop(runBegin, runEnd, k.i32(32 * loadsAtATime), initial, [&](Val from, llvm::ArrayRef<Val> state) -> Vals {
    Vals choices, buckets, next(state);
    for (int64_t i = 0; i < loadsAtATime; ++i) {
      choices.push_back(from + lane + 32 * i);
      buckets.push_back(bucketOf(min(choices[i], all - 1)));
    }
    for (int64_t i = 0; i < loadsAtATime; ++i)
      next = body(choices[i], select(choices[i] < runEnd, buckets[i], k.i32(-1)), next);
    return next;
  });
}

SortChoices::Counts SortChoices::countRun() {
  Vals counts = overRun({k.i32(0), k.i32(0)}, [&](Val, Val bucket, llvm::ArrayRef<Val> counts) -> Vals {
    return {counts[0] + k.populationCount(k.ballot((bucket >= 0) & (bucket < expert))),
            counts[1] + k.populationCount(k.ballot(bucket == expert))};
  });
  return {counts[0], counts[1]};
}

/// Sums the counts of all warps. Returns the place of this warp's first choice of the expert.
Val SortChoices::findPlace(const Counts &run) {
  k.when(lane == 0, [&] {
    k.store(run.below, k.shared(0, warp * 4), 4);
    k.store(run.own, k.shared(4 * warps, warp * 4), 4);
  });
  k.syncBlock();
  Val start = k.i32(0), before = k.i32(0);
  for (int64_t i = 0; i < warps; ++i) {
    start = start + k.load(k.shared(4 * i), k.i32Type(), 4);
    before = before + select(warp > i, k.load(k.shared(4 * (warps + i)), k.i32Type(), 4), k.i32(0));
  }
  k.when((k.thread() == 0) & (part == 0), [&] { k.store(start, k.at(first, expert * 4), 4); });
  return start + before;
}

/// Writes the numbers of the warp's choices of the expert, and copies the rows of those of this CTA's tokens.
void SortChoices::placeRun(Val place) {
  overRun({place}, [&](Val choice, Val bucket, llvm::ArrayRef<Val> place) -> Vals {
    Val isOwn = bucket == expert, bits = k.ballot(isOwn);
    Val own = place[0] + k.populationCount(bits & ((k.i32(1) << lane) - 1));
    k.when(isOwn & (part == 0), [&] { k.store(choice, k.at(order, k.extend(own) * 4), 4); });
    copyRows(k.ballot(isOwn & (choice / s.choices % sortParts == part)), choice, own);
    return {place[0] + k.populationCount(bits)};
  });
}

/// Copies the row of each lane whose bit is set, with all lanes.
void SortChoices::copyRows(Val bits, Val choice, Val place) {
  k.loopWhile(
      {bits}, [&](llvm::ArrayRef<Val> state) { return state[0] != 0; },
      [&](llvm::ArrayRef<Val> state) -> Vals {
        Val rest = state[0] & (state[0] - 1), lane = k.populationCount((state[0] ^ rest) - 1);
        Val from = k.shuffle(choice, lane), to = k.shuffle(place, lane);
        copyRow(from, to);
        if (s.scales)
          copyScales(from, to);
        return {rest};
      });
}

void SortChoices::copyRow(Val choice, Val place) {
  Val from = rowAt(k, x, choice / s.choices, stride, Element::BF16);
  mla::gpu::copyRow(k, from, rowAt(k, rows, place, k.i32(s.width), Element::BF16), lane, s.width);
}

void SortChoices::copyScales(Val choice, Val place) {
  Val from = rowAt(k, scale, choice / s.choices, k.i32(s.scales), Element::F32);
  Val to = rowAt(k, scales, place, k.i32(s.scales), Element::F32);
  k.loop(lane, k.i32(s.scales), k.i32(32), {}, [&](Val column, llvm::ArrayRef<Val>) -> Vals {
    k.store(k.load(elementAt(k, from, column, Element::F32), k.f32Type(), 4), elementAt(k, to, column, Element::F32),
            4);
    return {};
  });
}

void SortChoices::emit() {
  Val *pointers[] = {&x, &experts, &rows, &order, &first, &scale, &scales};
  auto used = llvm::ArrayRef(pointers).drop_back(s.scales ? 0 : 2);
  for (size_t i = 0; i < used.size(); ++i)
    k.addPointer();
  unsigned tokens = k.addInt(), ofX = k.addInt();
  k.begin();
  for (auto [i, pointer] : llvm::enumerate(used))
    *pointer = k.argument(i);
  all = k.argument(tokens) * s.choices, stride = k.argument(ofX);
  expert = k.blockX(), part = k.blockY();
  // Uniform in a warp.
  lane = k.thread() & 31, warp = k.shuffle(k.thread() >> 5, k.i32(0));
  Val run = ceilDiv(all, sortThreads) * 32;
  runBegin = min(warp * run, all), runEnd = min(runBegin + run, all);
  launchDependents(k);
  waitForPredecessors(k);
  placeRun(findPlace(countRun()));
  k.finish();
}

void mla::gpu::emitSortChoices(mlir::gpu::GPUModuleOp module, const SortChoicesShape &shape) {
  if (!module.lookupSymbol(shape.name()))
    SortChoices(module, shape).emit();
}
