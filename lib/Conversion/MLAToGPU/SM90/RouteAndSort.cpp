//===- RouteAndSort.cpp - The experts of few tokens, sorted -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RouteAndSort.h"

#include "Hopper.h"

using namespace mla::gpu;

static_assert(maxChosen == 32, "a thread has a choice");

namespace {
class RouteAndSort {
public:
  RouteAndSort(mlir::gpu::GPUModuleOp module, const RouteAndSortShape &shape)
      : s(shape), k(module, shape.name(), RouteAndSortShape::threads, /*oneBlock=*/false) {}
  void emit();

private:
  Val expertOf(Val choice) { return k.load(k.shared(0, choice * 4), k.i32Type(), 4); }
  Val sortedAt(Val place) { return k.shared(4 * RouteAndSortShape::threads, place * 4); }
  Val count(llvm::function_ref<Val(Val choice, Val expert)> isCounted);
  void route(llvm::ArrayRef<Val> corrections);
  void sort();
  void storeStarts();
  void copyRows();

  const RouteAndSortShape &s;
  KernelBuilder k;
  Val logits, numbers, weights, x, rows, order, first, tokens, logitsStride, xStride, all, warp, lane, isFirst;
};
} // namespace

/// Routes the warp's token.
void RouteAndSort::route(llvm::ArrayRef<Val> corrections) {
  k.when(warp < tokens, [&] {
    Val row = rowAt(k, logits, warp, logitsStride, Element::F32);
    ExpertChoice choice = routeToken(k, s.route, corrections, row, k.extend(tokens) * k.extend(logitsStride) * 4);
    Val index = warp * s.route.columns() + lane, isExpert = (choice.number >= 0) & (choice.number < s.sort.experts);
    k.when(lane < s.route.columns(), [&] {
      k.store(select(isExpert, choice.number, k.i32(s.sort.experts)), k.shared(0, index * 4), 4);
      k.when(isFirst, [&] {
        k.store(choice.number, elementAt(k, numbers, index, Element::F32), 4);
        k.store(choice.weight, elementAt(k, weights, index, Element::F32), 4);
      });
    });
  });
}

/// Returns the number of choices for which the condition holds.
Val RouteAndSort::count(llvm::function_ref<Val(Val choice, Val expert)> isCounted) {
  return k.loop(k.i32(0), all, k.i32(1), {k.i32(0)}, [&](Val choice, llvm::ArrayRef<Val> sum) -> Vals {
    return {sum[0] + k.toInt(isCounted(choice, expertOf(choice)), k.i32Type())};
  })[0];
}

/// Finds the place of the thread's choice: behind those of experts below, and earlier ones of its own.
void RouteAndSort::sort() {
  Val own = k.thread();
  k.when(own < all, [&] {
    Val ownExpert = expertOf(own);
    Val place =
        count([&](Val choice, Val expert) { return (expert < ownExpert) | ((expert == ownExpert) & (choice < own)); });
    k.store(own, sortedAt(place), 4);
    k.when(isFirst, [&] { k.store(own, elementAt(k, order, place, Element::F32), 4); });
  });
}

void RouteAndSort::storeStarts() {
  for (int64_t from = 0; from <= s.sort.experts; from += RouteAndSortShape::threads) {
    Val own = k.thread() + from;
    k.when(isFirst & (own <= s.sort.experts), [&] {
      k.store(count([&](Val, Val expert) { return expert < own; }), elementAt(k, first, own, Element::F32), 4);
    });
  }
}

void RouteAndSort::copyRows() {
  constexpr int64_t warps = RouteAndSortShape::threads / 32;
  k.loop(k.blockX() + warp * RouteAndSortShape::blocks, all, k.i32(RouteAndSortShape::blocks * warps), {},
         [&](Val place, llvm::ArrayRef<Val>) -> Vals {
           Val token = k.load(sortedAt(place), k.i32Type(), 4) / s.sort.choices;
           copyRow(k, rowAt(k, x, token, xStride, Element::BF16),
                   rowAt(k, rows, place, k.i32(s.sort.width), Element::BF16), lane, s.sort.width);
           return {};
         });
}

void RouteAndSort::emit() {
  auto pointer = [&] { return k.addPointer(); };
  unsigned logitsArg = pointer(), correctionArg = s.route.isCorrected ? pointer() : 0, numbersArg = pointer();
  unsigned weightsArg = pointer(), xArg = pointer(), rowsArg = pointer(), orderArg = pointer(), firstArg = pointer();
  unsigned tokensArg = k.addInt(), logitsStrideArg = k.addInt(), xStrideArg = k.addInt();
  k.begin();
  logits = k.argument(logitsArg), numbers = k.argument(numbersArg), weights = k.argument(weightsArg);
  x = k.argument(xArg), rows = k.argument(rowsArg), order = k.argument(orderArg), first = k.argument(firstArg);
  tokens = k.argument(tokensArg), logitsStride = k.argument(logitsStrideArg), xStride = k.argument(xStrideArg);
  all = tokens * s.sort.choices, isFirst = k.blockX() == 0;
  // Uniform in a warp.
  lane = k.thread() & 31, warp = k.shuffle(k.thread() >> 5, k.i32(0));
  Vals corrections = loadCorrections(k, s.route, k.argument(correctionArg)); // while predecessors run
  launchDependents(k);
  waitForPredecessors(k);
  route(corrections);
  k.syncBlock();
  sort();
  storeStarts();
  k.syncBlock();
  copyRows();
  k.finish();
}

void mla::gpu::emitRouteAndSort(mlir::gpu::GPUModuleOp module, const RouteAndSortShape &shape) {
  if (!module.lookupSymbol(shape.name()))
    RouteAndSort(module, shape).emit();
}
