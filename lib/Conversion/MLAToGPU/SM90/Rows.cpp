//===- Rows.cpp - Rows of activations, eight elements per lane ------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rows.h"
#include "E4M3.h"

#include "mla/cache_format.h"

using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static Vals elementsOf(KernelBuilder &k, Val vector, int64_t count) {
  Vals values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(k.element(vector, i));
  return values;
}

static Vals unpackBF16(llvm::ArrayRef<Val> words) {
  Vals values;
  for (Val word : words) {
    values.push_back(lowBF16(word));
    values.push_back(highBF16(word));
  }
  return values;
}

static Vals unpackE4M3Words(KernelBuilder &k, llvm::ArrayRef<Val> words) {
  Vals values;
  for (Val word : words)
    values.append(unpackE4M3(k, word));
  return values;
}

Vals mla::gpu::loadElements(KernelBuilder &k, Val from, int64_t count, Element element) {
  if (element == Element::E4M3)
    return unpackE4M3Words(k, elementsOf(k, k.load(from, k.vectorType(count / 4, k.i32Type()), count), count / 4));
  if (element == Element::BF16)
    return unpackBF16(elementsOf(k, k.load(from, k.vectorType(count / 2, k.i32Type()), count * 2), count / 2));
  Vals values;
  for (int64_t i = 0; i < count; i += 4)
    values.append(elementsOf(k, k.load(k.at(from, 4 * i), k.vectorType(4, k.f32Type()), 16), 4));
  return values;
}

Vals mla::gpu::loadConstants(KernelBuilder &k, Val from, int64_t count) {
  Vals values;
  for (int64_t i = 0; i < count; i += 4)
    values.append(elementsOf(k, k.loadConstant(k.at(from, 4 * i), k.vectorType(4, k.f32Type())), 4));
  return values;
}

void mla::gpu::storeElements(KernelBuilder &k, llvm::ArrayRef<Val> values, Val to, Element element) {
  int64_t count = values.size();
  if (element == Element::E4M3) {
    Vals words;
    for (int64_t i = 0; i < count; i += 4)
      words.push_back(packE4M3(k, values.slice(i, 4)));
    return k.store(k.vectorOf(words), to, count);
  }
  if (element == Element::BF16) {
    Vals words;
    for (int64_t i = 0; i < count; i += 2)
      words.push_back(packBF16(values[i], values[i + 1]));
    return k.store(k.vectorOf(words), to, count * 2);
  }
  for (int64_t i = 0; i < count; i += 4)
    k.store(k.vectorOf(values.slice(i, 4)), k.at(to, 4 * i), 16);
}

Val mla::gpu::elementAt(KernelBuilder &k, Val pointer, Val index, Element element) {
  return k.at(pointer, k.extend(index) * bytesOf(element));
}

Val mla::gpu::rowAt(KernelBuilder &k, Val pointer, Val row, Val stride, Element element) {
  return k.at(pointer, k.extend(row) * k.extend(stride) * bytesOf(element));
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Calls `body` for every eight elements of this lane, with the index of the first; if only some lanes have elements,
/// also with the condition for it.
static void forEachPiece(KernelBuilder &k, Val lane, int64_t width,
                         llvm::function_ref<void(int64_t piece, Val first, Val condition)> body) {
  for (int64_t piece = 0; piece * warpElements < width; ++piece) {
    Val first = lane * laneElements + piece * warpElements;
    body(piece, first, (piece + 1) * warpElements <= width ? Val() : first < width);
  }
}

/// Returns what `load` loads, or zeros if the condition does not hold.
static Vals loadWhere(KernelBuilder &k, Val condition, llvm::function_ref<Vals()> load) {
  if (!condition)
    return load();
  return k.choose(condition, load, [&] { return Vals(laneElements, k.f32(0)); });
}

Vals mla::gpu::loadPieces(KernelBuilder &k, Val lane, int64_t width, llvm::function_ref<Vals(Val first)> load) {
  Vals values;
  forEachPiece(k, lane, width, [&](int64_t, Val first, Val condition) {
    values.append(loadWhere(k, condition, [&] { return load(first); }));
  });
  return values;
}

Vals mla::gpu::loadRow(KernelBuilder &k, Val row, Val lane, int64_t width, Element element) {
  return loadPieces(k, lane, width, [&](Val first) {
    return loadElements(k, elementAt(k, row, first, element), laneElements, element);
  });
}

void mla::gpu::storeRow(KernelBuilder &k, llvm::ArrayRef<Val> values, Val row, Val lane, int64_t width,
                        Element element) {
  forEachPiece(k, lane, width, [&](int64_t piece, Val first, Val condition) {
    auto store = [&] {
      storeElements(k, values.slice(piece * laneElements, laneElements), elementAt(k, row, first, element), element);
    };
    if (condition)
      k.when(condition, store);
    else
      store();
  });
}

void mla::gpu::copyRow(KernelBuilder &k, Val from, Val to, Val lane, int64_t width) {
  constexpr int64_t pieces = 4;
  Val last = k.i32(width - laneElements);
  mlir::Type words = k.vectorType(4, k.i32Type());
  k.loop(lane * laneElements, k.i32(width), k.i32(pieces * warpElements), {},
         [&](Val column, llvm::ArrayRef<Val>) -> Vals {
           Vals values;
           for (int64_t i = 0; i < pieces; ++i)
             values.push_back(
                 k.load(elementAt(k, from, min(column + i * warpElements, last), Element::BF16), words, 16));
           for (int64_t i = 0; i < pieces; ++i)
             k.when(column + i * warpElements < width,
                    [&] { k.store(values[i], elementAt(k, to, column + i * warpElements, Element::BF16), 16); });
           return {};
         });
}

Val mla::gpu::sumOfSquares(KernelBuilder &k, llvm::ArrayRef<Val> values) {
  Val squares = k.f32(0);
  for (Val value : values)
    squares = fma(value, value, squares);
  return k.warpSum(squares);
}

Vals mla::gpu::normalizeRow(KernelBuilder &k, llvm::ArrayRef<Val> values, Val gamma, Val lane, int64_t width,
                            double epsilon) {
  Val factor = rsqrt(sumOfSquares(k, values) * k.f32(1.0 / width) + k.f32(epsilon));
  return scaleByGamma(k, values, factor, gamma, lane, width);
}

Vals mla::gpu::scaleByGamma(KernelBuilder &k, llvm::ArrayRef<Val> values, Val factor, Val gamma, Val lane,
                            int64_t width) {
  Vals result;
  forEachPiece(k, lane, width, [&](int64_t piece, Val first, Val condition) {
    Vals gammas = loadWhere(k, condition,
                            [&] { return loadConstants(k, elementAt(k, gamma, first, Element::F32), laneElements); });
    for (int64_t i = 0; i < laneElements; ++i)
      result.push_back(values[piece * laneElements + i] * factor * gammas[i]);
  });
  return result;
}

void mla::gpu::scaleRow(KernelBuilder &k, llvm::MutableArrayRef<Val> values, Val lane, int64_t columns, Scaling scaling,
                        llvm::function_ref<void(int64_t, Val)> store) {
  int64_t groupLanes = columns / laneElements;
  for (int64_t chunk = 0; chunk * laneElements < static_cast<int64_t>(values.size()); ++chunk) {
    llvm::MutableArrayRef<Val> own = values.slice(chunk * laneElements, laneElements);
    Val largest = k.f32(0);
    for (Val value : own)
      largest = max(largest, max(value, -value));
    for (int64_t distance = 1; distance < groupLanes; distance *= 2)
      largest = max(largest, k.shuffleXor(largest, distance));
    Val scale = max(largest / k.f32(schema::largestE4M3), k.f32(schema::leastScale));
    Val inverse = k.f32(1) / scale;
    for (Val &value : own)
      value = scaling == Scaling::Divide ? value / scale : value * inverse;
    k.when(lane % groupLanes == 0, [&] { store(chunk, scale); });
  }
}

Vals mla::gpu::restOfE4M3(KernelBuilder &k, llvm::ArrayRef<Val> values) {
  Vals rest;
  for (size_t first = 0; first < values.size(); first += 4)
    for (auto [i, rounded] : llvm::enumerate(unpackE4M3(k, packE4M3(k, values.slice(first, 4)))))
      rest.push_back(values[first + i] - rounded);
  return rest;
}
