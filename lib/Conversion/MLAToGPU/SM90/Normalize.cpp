//===- Normalize.cpp - Root-mean-square norm of rows ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Normalize.h"

#include "Hopper.h"
#include "llvm/ADT/StringExtras.h"

using namespace mla::gpu;

std::string NormalizeShape::name() const {
  return "normalize_" + std::to_string(width) + "_e" + llvm::utohexstr(llvm::bit_cast<uint64_t>(epsilon), true) +
         (order == "f"   ? "_f32"
          : order == "b" ? ""
                         : "_sum_" + order) +
         (storesX ? "_stored" : "") + (quantized.group ? quantized.name() : "") + nameOf(scale);
}

int64_t NormalizeShape::warpsOfRow() const {
  constexpr int64_t mostOfWarp = 1024; // 32 registers per lane, and as many instructions as a barrier is worth
  bool isDivisible = width % (normalizeWarps * laneElements) == 0;
  return width > mostOfWarp && isDivisible && !quantized.group ? normalizeWarps : 1;
}

Val mla::gpu::sumOverWarps(KernelBuilder &k, Val ofWarp, Val warp, Val lane, int64_t warps) {
  if (warps == 1)
    return ofWarp;
  k.when(lane == 0, [&] { k.store(ofWarp, k.shared(0, warp * 4), 4); });
  k.syncBlock();
  Val sum = k.f32(0);
  for (int64_t i = 0; i < warps; ++i)
    sum = sum + k.load(k.shared(4 * i), k.f32Type(), 4);
  return sum;
}

NormalizeArguments::NormalizeArguments(KernelBuilder &k, const NormalizeShape &shape) {
  size_t numTerms = shape.order.size() - llvm::count(shape.order, 'a');
  for (size_t i = 0; i < numTerms; ++i)
    terms.push_back(k.addPointer());
  gamma = k.addPointer(), y = k.addPointer();
  scales = shape.quantized.group ? k.addPointer() : 0;
  x = shape.storesX ? k.addPointer() : 0;
  rows = k.addInt();
  for (size_t i = 0; i < numTerms; ++i)
    strides.push_back(k.addInt());
  yStride = k.addInt();
}

Vals mla::gpu::loadX(KernelBuilder &k, const NormalizeShape &shape, const NormalizeArguments &a, Val row, Val lane,
                     Val first, int64_t width) {
  return loadPieces(k, lane, width, [&](Val column) {
    return sumInOrder(shape.order, [&](size_t term, char letter) {
      Element element = elementOfTerm(letter);
      Val from = rowAt(k, k.argument(a.terms[term]), row, k.argument(a.strides[term]), element);
      return loadElements(k, elementAt(k, from, first + column, element), laneElements, element);
    });
  });
}

void mla::gpu::emitNormalize(mlir::gpu::GPUModuleOp module, const NormalizeShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), normalizeThreads, /*oneBlock=*/false);
  NormalizeArguments a(k, shape);
  std::optional<Positions> positions;
  if (shape.scale.beta != 0)
    positions.emplace(k);
  k.begin();
  // Uniform in a warp.
  Val warp = k.shuffle(k.thread() >> 5, k.i32(0)), lane = k.thread() & 31;
  int64_t warps = shape.warpsOfRow(), width = shape.width / warps; // of this warp's part
  Val unit = k.blockX() * normalizeWarps + warp, row = unit / warps, first = unit % warps * width;
  launchDependents(k);
  waitForPredecessors(k);
  k.when(row < k.argument(a.rows), [&] {
    Vals values = loadX(k, shape, a, row, lane, first, width);
    auto storeBF16 = [&](llvm::ArrayRef<Val> elements, unsigned to) {
      Val at = rowAt(k, k.argument(to), row, k.argument(a.yStride), Element::BF16);
      storeRow(k, elements, elementAt(k, at, first, Element::BF16), lane, width, Element::BF16);
    };
    if (shape.storesX)
      storeBF16(values, a.x);
    Val factor;
    if (positions) // while the row is being loaded
      factor = scaleAt(k, shape.scale, positions->placeOf(row).position);
    Val squares = sumOverWarps(k, sumOfSquares(k, values), warp, lane, warps);
    Val norm = rsqrt(squares * k.f32(1.0 / shape.width) + k.f32(shape.epsilon));
    Val ofGamma = elementAt(k, k.argument(a.gamma), first, Element::F32);
    Vals normalized = scaleByGamma(k, values, norm, ofGamma, lane, width);
    for (Val &value : normalized)
      value = factor ? value * factor : value;
    if (shape.quantized.group) {
      const Quantization &q = shape.quantized;
      Val elements = rowAt(k, k.argument(a.y), row * q.terms, k.i32(q.width), Element::E4M3);
      Val ofScales = rowAt(k, k.argument(a.scales), row, k.i32(q.scalesOfRow()), Element::F32);
      llvm::SmallVector<QuantizedChunk> chunks;
      for (int64_t i = 0; i * laneElements < static_cast<int64_t>(normalized.size()); ++i) {
        Val column = lane * laneElements + i * warpElements;
        chunks.push_back({elementAt(k, elements, column, Element::E4M3),
                          elementAt(k, ofScales, column / q.group, Element::F32), column < q.width});
      }
      storeQuantized(k, normalized, chunks, lane, q, /*termRows=*/1);
    } else {
      storeBF16(normalized, a.y);
    }
  });
  k.finish();
}
