//===- Quantize.cpp - Rows in e4m3 with scales ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Quantize.h"

#include "Hopper.h"

using namespace mla::gpu;

std::string Quantization::name() const {
  return std::string(terms == 2 ? "_e4m3x2" : "_e4m3") + "_group" + std::to_string(group);
}

std::string QuantizeShape::name() const {
  return "quantize_" + std::to_string(heads) + "x" + std::to_string(row.width) + row.name();
}

void mla::gpu::storeQuantized(KernelBuilder &k, llvm::ArrayRef<Val> values, const QuantizedRow &to, Val first, Val lane,
                              const Quantization &row) {
  Vals rest(values);
  for (int64_t term = 0; term < row.terms; ++term) {
    Val scales = k.at(to.scales, 4 * term * to.termRows * row.scalesOfRow());
    Val elements = k.at(to.elements, term * to.termRows * row.width);
    Vals quotients = rest;
    Vals ofLane = scaleRow(k, quotients, lane, row.group, [&](Val group, Val scale) {
      Val inRow = first / row.group + group;
      k.when(inRow < row.scalesOfRow(), [&] { k.store(scale, elementAt(k, scales, inRow, Element::F32)); });
    });
    for (size_t i = 0; i < quotients.size(); i += laneElements) {
      Val column = first + lane * laneElements + i / laneElements * warpElements;
      k.when(column < row.width, [&] {
        storeElements(k, llvm::ArrayRef(quotients).slice(i, laneElements),
                      elementAt(k, elements, column, Element::E4M3), Element::E4M3);
      });
    }
    if (term + 1 < row.terms)
      rest = restOfRow(k, rest, ofLane);
  }
}

void mla::gpu::emitQuantize(mlir::gpu::GPUModuleOp module, const QuantizeShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  const Quantization &q = shape.row;
  KernelBuilder k(module, shape.name(), quantizeThreads, /*oneBlock=*/false);
  unsigned x = k.addPointer(), elements = k.addPointer(), scales = k.addPointer();
  unsigned tokens = k.addInt(), tokenStride = k.addInt(), headStride = k.addInt();
  k.begin();
  // Uniform in a warp.
  Val lane = k.thread() & 31, unit = k.blockX() * quantizeWarps + k.shuffle(k.thread() >> 5, k.i32(0));
  Val row = unit / shape.piecesOfRow(), first = unit % shape.piecesOfRow() * warpElements;
  Val token = row / shape.heads, head = row % shape.heads;
  launchDependents(k);
  waitForPredecessors(k);
  k.when(token < k.argument(tokens), [&] {
    Val ofToken = rowAt(k, k.argument(x), token, k.argument(tokenStride), Element::BF16);
    Val from = rowAt(k, ofToken, head, k.argument(headStride), Element::BF16), column = first + lane * laneElements;
    Vals values = k.choose(
        column < q.width,
        [&] { return loadElements(k, elementAt(k, from, column, Element::BF16), laneElements, Element::BF16); },
        [&] { return Vals(laneElements, k.f32(0)); });
    Val to = token * (q.terms * shape.heads) + head;
    storeQuantized(k, values,
                   {rowAt(k, k.argument(elements), to, k.i32(q.width), Element::E4M3),
                    rowAt(k, k.argument(scales), to, k.i32(q.scalesOfRow()), Element::F32), shape.heads},
                   first, lane, q);
  });
  k.finish();
}
