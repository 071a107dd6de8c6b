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
  return "quantize_" + std::to_string(heads) + "x" + std::to_string(row.width) + row.name() +
         (parts > 1 ? "_parts" + std::to_string(parts) : "");
}

void mla::gpu::storeQuantized(KernelBuilder &k, llvm::ArrayRef<Val> values, llvm::ArrayRef<QuantizedChunk> chunks,
                              Val lane, const Quantization &row, int64_t termRows) {
  Vals scaled(values);
  scaleRow(k, scaled, lane, row.group, Scaling::Multiply, [&](int64_t chunk, Val scale) {
    k.when(chunks[chunk].exists, [&] { k.store(scale, chunks[chunk].scale); });
  });
  for (int64_t term = 0; term < row.terms; ++term) {
    for (auto [i, chunk] : llvm::enumerate(chunks))
      k.when(chunk.exists, [&, i = i, chunk = chunk] {
        storeElements(k, llvm::ArrayRef(scaled).slice(i * laneElements, laneElements),
                      k.at(chunk.elements, term * termRows * row.width), Element::E4M3);
      });
    if (term + 1 < row.terms)
      scaled = restOfE4M3(k, scaled);
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
  Val lane = k.thread() & 31;
  launchDependents(k);
  waitForPredecessors(k);
  Vals values;
  llvm::SmallVector<QuantizedChunk> chunks;
  for (int64_t i = 0; i < shape.parts; ++i) {
    Val unit = (k.blockX() * shape.parts + i) * quantizeThreads + k.thread();
    Val row = unit / shape.threadsOfRow(), column = unit % shape.threadsOfRow() * laneElements;
    Val token = row / shape.heads, head = row % shape.heads;
    // All lanes take part in the maxima of their groups, and load without a branch, which would wait for each part.
    Val exists = (token < k.argument(tokens)) & (column < q.width);
    Val ofToken = rowAt(k, k.argument(x), min(token, k.argument(tokens) - 1), k.argument(tokenStride), Element::BF16);
    Val from = rowAt(k, ofToken, head, k.argument(headStride), Element::BF16);
    Val loaded = min(column, k.i32(q.width - laneElements));
    for (Val value : loadElements(k, elementAt(k, from, loaded, Element::BF16), laneElements, Element::BF16))
      values.push_back(select(exists, value, k.f32(0)));
    Val ofElements =
        rowAt(k, k.argument(elements), token * (q.terms * shape.heads) + head, k.i32(q.width), Element::E4M3);
    Val ofScales = rowAt(k, k.argument(scales), row, k.i32(q.scalesOfRow()), Element::F32);
    chunks.push_back({elementAt(k, ofElements, column, Element::E4M3),
                      elementAt(k, ofScales, column / q.group, Element::F32), exists});
  }
  storeQuantized(k, values, chunks, lane, q, shape.heads);
  k.finish();
}
