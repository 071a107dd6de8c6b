//===- NextTokens.cpp - The likeliest token of rows of logits -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NextTokens.h"
#include "Core.h"

#include "mla/Conversion/MLAToGPU/KernelBuilder.h"
#include "mla/Dialect/MLA/IR/Sizes.h"

#include <limits>

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

static constexpr int64_t threads = 1024, warps = threads / 32;
/// Elements per load, and loads in flight per thread: one CTA must read a row of some hundred KiB alone.
static constexpr int64_t lanes = 4, loads = 4;

namespace {
class NextTokens {
public:
  NextTokens(mlir::gpu::GPUModuleOp kernels, int64_t vocabulary)
      : vocabulary(vocabulary), k(kernels, nameOf(schema::Core::Next), threads, /*oneBlock=*/false),
        logits(k.addPointer()), next(k.addPointer()) {}
  void emit();
  static constexpr int64_t sharedBytes = warps * 8;

private:
  /// The largest logit so far, and its number. One that is NaN is infinity of number -1, which nothing precedes.
  struct Best {
    Val value, number;
  };
  Val lowest() { return k.f32(-std::numeric_limits<double>::infinity()); }
  Best better(Best a, Best b);
  Best bestOfThread(Val row);
  Best withLoaded(Best best, Val vector, Val first);
  Best bestOfWarp(Best best);
  Best bestOfBlock(Best best);

  int64_t vocabulary;
  KernelBuilder k;
  unsigned logits, next;
};
} // namespace

NextTokens::Best NextTokens::better(Best a, Best b) {
  Val isFirst = (a.value > b.value) | ((a.value == b.value) & (a.number < b.number));
  return {select(isFirst, a.value, b.value), select(isFirst, a.number, b.number)};
}

/// Numbers increase, so that of equal logits the one before stays.
NextTokens::Best NextTokens::withLoaded(Best best, Val vector, Val first) {
  for (int64_t i = 0; i < lanes; ++i) {
    Val value = k.element(vector, i), isNaN = value != value;
    Best own = {select(isNaN, k.f32(std::numeric_limits<double>::infinity()), value),
                select(isNaN, k.i32(-1), first + i)};
    best = better(best, own);
  }
  return best;
}

NextTokens::Best NextTokens::bestOfThread(Val row) {
  Type type = k.vectorType(lanes, k.f32Type());
  constexpr int64_t step = threads * lanes;
  Vals found =
      k.loop(k.thread() * lanes, k.i32(vocabulary), k.i32(step * loads), {lowest(), k.i32(INT32_MAX)},
             [&](Val start, llvm::ArrayRef<Val> state) -> Vals {
               Vals vectors;
               for (int64_t i = 0; i < loads; ++i) {
                 Val first = start + i * step;
                 vectors.push_back(k.choose(
                     first < vocabulary, [&]() -> Vals { return {k.load(k.at(row, k.extend(first) * 4), type, 16)}; },
                     [&]() -> Vals { return {k.vectorOf(Vals(lanes, lowest()))}; })[0]);
               }
               Best best = {state[0], state[1]};
               for (int64_t i = 0; i < loads; ++i)
                 best = withLoaded(best, vectors[i], start + i * step);
               return {best.value, best.number};
             });
  return {found[0], found[1]};
}

NextTokens::Best NextTokens::bestOfWarp(Best best) {
  for (int64_t mask : {16, 8, 4, 2, 1})
    best = better(best, {k.shuffleXor(best.value, mask), k.shuffleXor(best.number, mask)});
  return best;
}

/// Every warp returns the best of all.
NextTokens::Best NextTokens::bestOfBlock(Best best) {
  static_assert(warps == 32, "a lane takes the best of a warp");
  best = bestOfWarp(best);
  Val warp = k.thread() >> 5, lane = k.thread() & 31;
  k.when(lane == 0, [&] {
    k.store(best.value, k.shared(0, warp * 8), 4);
    k.store(best.number, k.shared(4, warp * 8), 4);
  });
  k.syncBlock();
  return bestOfWarp({k.load(k.shared(0, lane * 8), k.f32Type(), 4), k.load(k.shared(4, lane * 8), k.i32Type(), 4)});
}

void NextTokens::emit() {
  k.begin();
  Val row = k.extend(k.blockX());
  Best best = bestOfBlock(bestOfThread(k.at(k.argument(logits), row * (vocabulary * 4))));
  k.when(k.thread() == 0, [&] { k.store(best.number, k.at(k.argument(next), row * 4), 4); });
  k.finish();
}

void mla::gpu::addNextTokens(ModuleOp module, mlir::gpu::GPUModuleOp kernels, int64_t vocabulary) {
  NextTokens(kernels, vocabulary).emit();
  AffineExpr rows = expressionOf(Size::Tokens, module.getContext());
  constexpr int64_t wordBytes = 4;
  addCore(module, kernels, schema::Core::Next,
          {rows, threads, NextTokens::sharedBytes, rows * (wordBytes * (vocabulary + 1))}, {"logits", "next"}, {});
}
