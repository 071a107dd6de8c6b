//===- PackedPieces.cpp - Pieces of rows of a packed cache ----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PackedPieces.h"

using namespace mla;
using namespace mla::gpu;

/// Loads eight elements of e4m3 as bf16, times `scale` if there is one.
static Val loadE4M3(KernelBuilder &k, Val from, Val scale) {
  Vals values = loadElements(k, from, PackedPieces::elements, Element::E4M3), words;
  if (scale)
    for (Val &value : values)
      value = value * scale;
  for (int64_t i = 0; i < PackedPieces::elements; i += 2)
    words.push_back(packBF16(values[i], values[i + 1]));
  return k.vectorOf(words);
}

Val PackedPieces::loadLatent(KernelBuilder &k, Val from, Val piece) const {
  Val scale, group = piece / (schema::scaleColumns / elements);
  if (row.numScales)
    scale = k.load(k.at(k.at(from, row.scales), group * 4), k.f32Type(), 4);
  return loadE4M3(k, k.at(from, piece * elements), scale);
}

Val PackedPieces::loadRope(KernelBuilder &k, Val from, Val piece) const {
  Val keys = k.at(from, row.rope);
  if (format == CacheFormat::FP8Row)
    return k.load(k.at(keys, piece * 16), k.vectorType(4, k.i32Type()), 16);
  return loadE4M3(k, k.at(keys, piece * elements), Val());
}

Val PackedPieces::load(KernelBuilder &k, Val from, Val piece) const {
  if (!ofRope)
    return loadLatent(k, from, piece);
  return k.choose(
      piece < ofLatent, [&]() -> Vals { return {loadLatent(k, from, piece)}; },
      [&]() -> Vals { return {loadRope(k, from, piece - ofLatent)}; })[0];
}
