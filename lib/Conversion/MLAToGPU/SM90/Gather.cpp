//===- Gather.cpp - Pack the cached tokens --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Gather.h"

#include "Hopper.h"
#include "PackedPieces.h"

using namespace mla;
using namespace mla::gpu;

/// Copies of 16 bytes in flight per thread.
static constexpr int64_t copiesAtATime = 3;
static constexpr int64_t pieceElements = PackedPieces::elements;

std::string GatherShape::name() const {
  return "gather_" + std::to_string(latent) + "_" + std::to_string(rope) + "_page" + std::to_string(page) +
         (format == CacheFormat::Standard ? "" : "_" + stringifyCacheFormat(format).str());
}

namespace {
class Gather {
public:
  Gather(mlir::gpu::GPUModuleOp module, const GatherShape &shape)
      : s(shape), pieces((shape.latent + shape.rope) / pieceElements), packed(shape.format, shape.latent, shape.rope),
        k(module, shape.name(), gatherThreads, /*oneBlock=*/false) {}
  void emit();

private:
  Val lengthOf(Val sequence) { return k.load(k.at(lengths, k.extend(sequence) * 4), k.i32Type(), 4); }
  Val firstKey(Val sequence);
  void writeFirstKeys(Val sequence, Val first);
  void copyTokens(Val sequence, Val first);
  Val loadPiece(Val sequence, Val token, Val column);
  void storePiece(Val piece, Val row, Val column);

  const GatherShape &s;
  int64_t pieces; ///< of 8 elements per row
  PackedPieces packed;
  KernelBuilder k;
  Val pagesBase, table, lengths, latent, rope, keys, batch, tableWidth, pageCount, cached;
};
} // namespace

void Gather::emit() {
  unsigned first = k.addPointer();
  for (int64_t i = 0; i < (s.rope ? 5 : 4); ++i)
    k.addPointer();
  for (int64_t i = 0; i < 4; ++i)
    k.addInt();
  k.begin();
  unsigned next = first;
  for (Val *value : {&pagesBase, &table, &lengths, &latent, &rope, &keys, &batch, &tableWidth, &pageCount, &cached})
    if (value != &rope || s.rope)
      *value = k.argument(next++);
  launchDependents(k);
  waitForPredecessors(k);
  Val sequence = k.blockY(), firstRow = firstKey(sequence);
  k.when((k.blockX() == 0) & (k.thread() == 0), [&] { writeFirstKeys(sequence, firstRow); });
  copyTokens(sequence, firstRow);
  k.finish();
}

/// Returns the sum of the lengths before `sequence`; every warp computes all.
Val Gather::firstKey(Val sequence) {
  Val sum = k.loop(k.thread() & 31, sequence, k.i32(32), {k.i32(0)},
                   [&](Val i, llvm::ArrayRef<Val> sum) -> Vals { return {sum[0] + lengthOf(i)}; })[0];
  return k.warpSum(sum);
}

void Gather::writeFirstKeys(Val sequence, Val first) {
  Val to = k.at(keys, k.extend(sequence) * 4);
  k.store(first, to, 4);
  k.when(sequence == batch - 1, [&] { k.store(first + lengthOf(sequence), k.at(to, 4), 4); });
}

static mlir::Type wordsType(KernelBuilder &k) { return k.vectorType(4, k.i32Type()); }

/// Loads a piece of a row of the cache; zeros if the page does not exist. The load is always valid: there is a page,
/// and the table has an entry.
Val Gather::loadPiece(Val sequence, Val token, Val column) {
  Val entry = token / s.page, last = tableWidth - 1;
  Val line = k.extend(sequence) * k.extend(tableWidth) + k.extend(min(entry, last));
  Val page = k.load(k.at(table, line * 4), k.i32Type(), 4);
  Val there = max(min(page, pageCount - 1), k.i32(0));
  Val row = k.extend(there) * s.page + k.extend(token % s.page);
  Val piece = s.format == CacheFormat::Standard
                  ? k.load(k.at(pagesBase, row * (pieces * 16) + k.extend(column) * 16), wordsType(k), 16)
                  : packed.load(k, k.at(pagesBase, row * packed.rowBytes()), column);
  return select((page == there) & (entry <= last), piece, k.zeroVector(4, k.i32Type()));
}

void Gather::storePiece(Val piece, Val row, Val column) {
  int64_t ofLatent = s.latent / pieceElements, ofRope = s.rope / pieceElements;
  auto toLatent = [&] { k.store(piece, k.at(latent, (k.extend(row) * ofLatent + k.extend(column)) * 16), 16); };
  if (!s.rope)
    return toLatent();
  k.when(column < ofLatent, toLatent,
         [&] { k.store(piece, k.at(rope, (k.extend(row) * ofRope + k.extend(column - ofLatent)) * 16), 16); });
}

/// Copies pieces of the CTA's tokens in memory order: neighbouring threads copy neighbouring bytes.
void Gather::copyTokens(Val sequence, Val first) {
  Val begin = k.blockX() * gatherTokens;
  Val count = min(min(lengthOf(sequence), cached - first) - begin, k.i32(gatherTokens)) * pieces;
  Val readable = select((tableWidth > 0) & (pageCount > 0), count, k.i32(0));
  k.loop(k.thread(), readable, k.i32(copiesAtATime * gatherThreads), {}, [&](Val i, llvm::ArrayRef<Val>) -> Vals {
    Vals numbers, values;
    for (int64_t copy = 0; copy < copiesAtATime; ++copy) {
      numbers.push_back(i + copy * gatherThreads);
      Val number = min(numbers.back(), readable - 1);
      values.push_back(loadPiece(sequence, begin + number / pieces, number % pieces));
    }
    for (int64_t copy = 0; copy < copiesAtATime; ++copy)
      k.when(numbers[copy] < readable,
             [&] { storePiece(values[copy], first + begin + numbers[copy] / pieces, numbers[copy] % pieces); });
    return {};
  });
}

void mla::gpu::emitGather(mlir::gpu::GPUModuleOp module, const GatherShape &shape) {
  if (!module.lookupSymbol(shape.name()))
    Gather(module, shape).emit();
}
