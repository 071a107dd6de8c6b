//===- NormalizedLogits.cpp - Logits of few normalized rows -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NormalizedLogits.h"

#include "DirectProduct.h"
#include "Hopper.h"

using namespace mla::gpu;

static constexpr int64_t sharedRow = 64; ///< behind the sums of warps

bool NormalizedLogitsShape::isSupported() const {
  constexpr int64_t mostWidth = 8192; // a lane has a 32nd of a row of w in registers
  return norm.width % (rowsOfBlock * laneElements) == 0 && norm.width <= mostWidth && rows % rowsOfBlock == 0 &&
         !norm.quantized.group && norm.scale.beta == 0;
}

std::string NormalizedLogitsShape::name() const { return norm.name() + "_logits" + std::to_string(rows); }

void mla::gpu::emitNormalizedLogits(mlir::gpu::GPUModuleOp module, const NormalizedLogitsShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  const NormalizeShape &norm = shape.norm;
  KernelBuilder k(module, shape.name(), NormalizedLogitsShape::threads, /*oneBlock=*/false);
  NormalizeArguments a(k, norm);
  unsigned w = k.addPointer(), logits = k.addPointer();
  k.begin();
  constexpr int64_t warps = NormalizedLogitsShape::rowsOfBlock;
  int64_t part = norm.width / warps; // of x, of a warp
  mlir::Type words = k.vectorType(4, k.i32Type());
  // Uniform in a warp.
  Val warp = k.shuffle(k.thread() >> 5, k.i32(0)), lane = k.thread() & 31;
  Val token = k.blockY(), row = k.blockX() * warps + warp, first = warp * part;
  Val ownWeights = rowAt(k, k.argument(w), row, k.i32(norm.width), Element::BF16);
  RowWords weights =
      loadRowWords(k, lane, 32, norm.width, [&](Val bytes) { return k.loadConstant(k.at(ownWeights, bytes), words); });
  launchDependents(k);
  waitForPredecessors(k);
  Vals x = loadX(k, norm, a, token, lane, first, part);
  Val squares = sumOverWarps(k, sumOfSquares(k, x), warp, lane, warps);
  Val factor = rsqrt(squares * k.f32(1.0 / norm.width) + k.f32(norm.epsilon));
  Val gamma = elementAt(k, k.argument(a.gamma), first, Element::F32);
  Vals y = scaleByGamma(k, x, factor, gamma, lane, part);
  auto storePart = [&](llvm::ArrayRef<Val> values, unsigned to) {
    Val at = rowAt(k, k.argument(to), token, k.argument(a.yStride), Element::BF16);
    storeRow(k, values, elementAt(k, at, first, Element::BF16), lane, part, Element::BF16);
  };
  k.when(k.blockX() == 0, [&] {
    if (norm.storesX)
      storePart(x, a.x);
    storePart(y, a.y);
  });
  storeRow(k, y, k.shared(sharedRow, first * 2), lane, part, Element::BF16);
  k.syncBlock();
  RowWords rounded =
      loadRowWords(k, lane, 32, norm.width, [&](Val bytes) { return k.load(k.shared(sharedRow, bytes), words, 16); });
  Val logit = multiplyRowWords(k, weights, rounded, 32);
  k.when(lane == 0, [&] {
    Val to = rowAt(k, k.argument(logits), token, k.i32(shape.rows), Element::F32);
    k.store(logit, elementAt(k, to, row, Element::F32), 4);
  });
  k.finish();
}
