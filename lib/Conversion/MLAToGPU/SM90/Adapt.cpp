//===- Adapt.cpp - Updates by adapters that are not merged ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Adapt.h"

#include "Hopper.h"
#include "Positions.h"

using namespace mla::gpu;

std::string AdaptShape::name() const {
  auto suffix = [](Element element) { return element == Element::F32 ? "f32" : "bf16"; };
  return "adapt_" + std::to_string(adapters) + "r" + std::to_string(rank) + "_" + std::to_string(headsIn) + "x" +
         std::to_string(contracted) + "_" + std::to_string(heads) + "x" + std::to_string(width) +
         (isPerHead ? "_heads" : "") + (downHasHeads ? "_down" : "") + "_" + suffix(y) + "_" + suffix(x);
}

namespace {
/// Emits the kernel of a shape.
class AdaptEmitter {
public:
  AdaptEmitter(KernelBuilder &k, const AdaptShape &shape)
      : k(k), shape(shape), y(k.addPointer()), x(k.addPointer()), down(k.addPointer()), up(k.addPointer()),
        adapters(k.addPointer()), cu(k.addPointer()), result(k.addPointer()), batch(k.addInt()), yToken(k.addInt()),
        yHead(k.addInt()), xToken(k.addInt()), xHead(k.addInt()) {}
  void emit();

private:
  Val rowOf(unsigned pointer, unsigned token, unsigned head, Val ofHead, Element element);
  Vals loadX(Val column);
  Val addProducts(Val row, Val column, Val sum);
  void multiplyDown(Val adapter);
  Vals addUp(Val adapter, Val column, llvm::ArrayRef<Val> sums);

  KernelBuilder &k;
  const AdaptShape &shape;
  unsigned y, x, down, up, adapters, cu, result, batch, yToken, yHead, xToken, xHead;
  Val token, head; ///< of this CTA; the head is 0 if the result is not per head
};
} // namespace

Val AdaptEmitter::rowOf(unsigned pointer, unsigned tokenStride, unsigned headStride, Val ofHead, Element element) {
  Val row = rowAt(k, k.argument(pointer), token, k.argument(tokenStride), element);
  return rowAt(k, row, ofHead, k.argument(headStride), element);
}

/// Load 8 columns of those that are contracted.
Vals AdaptEmitter::loadX(Val column) {
  Val ofHead = shape.isPerHead ? head : column / shape.contracted;
  Val inside = shape.isPerHead ? column : column % shape.contracted;
  Val row = rowOf(x, xToken, xHead, ofHead, shape.x);
  return loadElements(k, elementAt(k, row, inside, shape.x), laneElements, shape.x);
}

/// Add the products of 8 columns of the token and of a row of `down`.
Val AdaptEmitter::addProducts(Val row, Val column, Val sum) {
  Vals weights = loadElements(k, elementAt(k, row, column, Element::BF16), laneElements, Element::BF16);
  for (auto [token, weight] : llvm::zip_equal(loadX(column), weights))
    sum = fma(token, weight, sum);
  return sum;
}

/// Multiply the token by `down`, a row per warp, into shared memory.
void AdaptEmitter::multiplyDown(Val adapter) {
  Val warp = k.shuffle(k.thread() >> 5, k.i32(0)), lane = k.thread() & 31;
  Val matrix = shape.downHasHeads ? adapter * shape.heads + head : adapter;
  k.loop(warp, k.i32(shape.rank), k.i32(adaptThreads / 32), {}, [&](Val j, llvm::ArrayRef<Val>) -> Vals {
    Val row = rowAt(k, k.argument(down), matrix * shape.rank + j, k.i32(shape.columnsIn()), Element::BF16);
    auto addPiece = [&](Val first, llvm::ArrayRef<Val> state) -> Vals {
      Val column = first + lane * laneElements;
      auto add = [&] { return Vals{addProducts(row, column, state[0])}; };
      return k.choose(column < shape.columnsIn(), add, [&] { return Vals{state[0]}; });
    };
    Vals sums = k.loop(k.i32(0), k.i32(shape.columnsIn()), k.i32(warpElements), {k.f32(0)}, addPiece);
    Val whole = k.warpSum(sums[0]);
    k.when(lane == 0, [&] { k.store(whole, k.shared(0, j * 4), 4); });
    return {};
  });
}

/// Add the products of shared memory with the rows of `up` for 8 columns.
Vals AdaptEmitter::addUp(Val adapter, Val column, llvm::ArrayRef<Val> sums) {
  Val matrix = shape.isPerHead && shape.upHasHeads ? adapter * shape.heads + head : adapter;
  Val rows = rowAt(k, k.argument(up), matrix * shape.columns() + column, k.i32(shape.rank), Element::BF16);
  return k.loop(k.i32(0), k.i32(shape.rank), k.i32(laneElements), sums, [&](Val j, llvm::ArrayRef<Val> state) {
    Vals low = loadElements(k, k.shared(0, j * 4), laneElements, Element::F32), next(state);
    for (int64_t i = 0; i < laneElements; ++i) {
      Val row = k.at(elementAt(k, rows, j, Element::BF16), 2 * i * shape.rank);
      for (auto [factor, weight] : llvm::zip_equal(low, loadElements(k, row, laneElements, Element::BF16)))
        next[i] = fma(factor, weight, next[i]);
    }
    return next;
  });
}

void AdaptEmitter::emit() {
  k.begin();
  token = k.blockX();
  Val part = k.blockY();
  head = shape.isPerHead ? part / shape.parts() : k.i32(0);
  if (shape.isPerHead)
    part = part % shape.parts();
  launchDependents(k);
  waitForPredecessors(k);
  Val sequence = findSequence(k, k.argument(cu), k.argument(batch), token);
  Val adapter = k.load(elementAt(k, k.argument(adapters), sequence, Element::F32), k.i32Type(), 4);
  // There may be more rows than tokens of sequences.
  Val exists = token < k.load(elementAt(k, k.argument(cu), sequence + 1, Element::F32), k.i32Type(), 4);
  Val hasOne = exists & (adapter >= 0) & (adapter < shape.adapters);
  k.when(hasOne, [&] { multiplyDown(adapter); });
  k.syncBlock();
  Val column = (part * adaptThreads + k.thread()) * laneElements;
  k.when(column < shape.columns(), [&] {
    Val ofHead = shape.isPerHead ? head : column / shape.width,
        inside = shape.isPerHead ? column : column % shape.width;
    Val row = rowOf(y, yToken, yHead, ofHead, shape.y);
    Vals sums = loadElements(k, elementAt(k, row, inside, shape.y), laneElements, shape.y);
    sums = k.choose(hasOne, [&] { return addUp(adapter, column, sums); }, [&] { return sums; });
    Val to = rowAt(k, k.argument(result), token * shape.heads + ofHead, k.i32(shape.width), Element::BF16);
    storeElements(k, sums, elementAt(k, to, inside, Element::BF16), Element::BF16);
  });
  k.finish();
}

void mla::gpu::emitAdapt(mlir::gpu::GPUModuleOp module, const AdaptShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), adaptThreads, /*oneBlock=*/true);
  AdaptEmitter(k, shape).emit();
}
