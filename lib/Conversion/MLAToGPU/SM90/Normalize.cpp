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
         (input == Element::F32 ? "_f32" : "") + (quantized.group ? quantized.name() : "") + nameOf(scale);
}

void mla::gpu::emitNormalize(mlir::gpu::GPUModuleOp module, const NormalizeShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), normalizeThreads, /*oneBlock=*/false);
  unsigned x = k.addPointer(), gamma = k.addPointer(), y = k.addPointer(),
           scales = shape.quantized.group ? k.addPointer() : 0;
  unsigned rows = k.addInt(), xStride = k.addInt(), yStride = k.addInt();
  std::optional<Positions> positions;
  if (shape.scale.beta != 0)
    positions.emplace(k);
  k.begin();
  // Uniform in a warp.
  Val warp = k.shuffle(k.thread() >> 5, k.i32(0)), lane = k.thread() & 31;
  Val row = k.blockX() * normalizeRows + warp;
  launchDependents(k);
  waitForPredecessors(k);
  k.when(row < k.argument(rows), [&] {
    Val from = rowAt(k, k.argument(x), row, k.argument(xStride), shape.input);
    Vals values = loadRow(k, from, lane, shape.width, shape.input);
    Val factor;
    if (positions) // while the row is being loaded
      factor = scaleAt(k, shape.scale, positions->placeOf(row).position);
    Vals normalized = normalizeRow(k, values, k.argument(gamma), lane, shape.width, shape.epsilon);
    for (Val &value : normalized)
      value = factor ? value * factor : value;
    if (shape.quantized.group) {
      const Quantization &q = shape.quantized;
      Val elements = rowAt(k, k.argument(y), row * q.terms, k.i32(q.width), Element::E4M3);
      Val ofScales = rowAt(k, k.argument(scales), row, k.i32(q.scalesOfRow()), Element::F32);
      llvm::SmallVector<QuantizedChunk> chunks;
      for (int64_t i = 0; i * laneElements < static_cast<int64_t>(normalized.size()); ++i) {
        Val column = lane * laneElements + i * warpElements;
        chunks.push_back({elementAt(k, elements, column, Element::E4M3),
                          elementAt(k, ofScales, column / q.group, Element::F32), column < q.width});
      }
      storeQuantized(k, normalized, chunks, lane, q, /*termRows=*/1);
    } else {
      storeRow(k, normalized, rowAt(k, k.argument(y), row, k.argument(yStride), Element::BF16), lane, shape.width,
               Element::BF16);
    }
  });
  k.finish();
}
