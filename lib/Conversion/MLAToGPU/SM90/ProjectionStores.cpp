//===- ProjectionStores.cpp - Results of projections ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProjectionKernel.h"

#include "Rows.h"

using namespace mla::gpu;

/// Writes sums of the tokens from `from` on, which are a tile of y transposed, to shared memory: a warp has 16 columns
/// n of all tokens. Transposed, a token is a row of 128 bytes, and the warpgroup's 64 columns are a tile for TMA.
void Projection::stageRounded(llvm::ArrayRef<Val> sums, int64_t from, Val group) {
  Val warp = (k.thread() & 127) >> 5, lane = k.thread() & 31;
  // storeMatrix: lanes 8m … 8m+7 have the addresses of the rows of matrix m; matrices are (tokens 0…7, n 0…7),
  // (tokens 0…7, n 8…15), (tokens 8…15, n 0…7), (tokens 8…15, n 8…15).
  Val row = (lane & 7) + ((lane >> 4) << 3), chunk = warp * 2 + ((lane >> 3) & 1);
  Val offset = (row << 7) + ((chunk ^ (row & 7)) << 4) + group * tileBytes(at.storedTokens);
  for (int64_t token = 0; token < at.storedTokens; token += 16) {
    Vals fragment;
    for (int64_t i = 0; i < 4; ++i) {
      int64_t index = (from + token) / 2 + 2 * i;
      fragment.push_back(packBF16(sums[index], sums[index + 1]));
    }
    storeMatrix(k, k.shared(at.result + tileBytes(token), offset), fragment, /*transposed=*/true);
  }
}

llvm::SmallVector<Piece> Projection::piecesOf(Val group) {
  llvm::SmallVector<Piece> pieces;
  for (int64_t i = 0; i < c.tileTokens / at.storedTokens; ++i)
    pieces.push_back({k.i32(i * at.storedTokens), group * groupRows, i});
  return pieces;
}

void Projection::stage(llvm::ArrayRef<Val> sums, const Piece &piece, Val group) {
  int64_t from = piece.number * at.storedTokens;
  if (s.dims.gated)
    stageGated(sums, from, group);
  else
    stageRounded(sums, from, group);
}

void Projection::storeRounded(const Tile &tile, llvm::ArrayRef<Val> sums, Val group) {
  Val first = (k.thread() & 127) == 0, barrier = group + 1;
  for (const Piece &piece : piecesOf(group)) {
    k.when(first, [&] { waitStoresRead(k); });
    k.syncNamed(barrier, 128);
    stage(sums, piece, group);
    fenceAsync(k);
    k.syncNamed(barrier, 128);
    k.when(first, [&] {
      storeTile(k, result, k.shared(at.result, group * tileBytes(at.storedTokens)),
                {tile.row + piece.row, tile.token + piece.token, tile.head});
      commitStores(k);
    });
  }
}

void Projection::store(const Tile &tile, llvm::ArrayRef<Val> sums, Val group) {
  switch (storesOf(s)) {
  case Stores::Float:
    return storeSums(tile, sums, group);
  case Stores::Tiles:
    return storeRounded(tile, sums, group);
  case Stores::Rows:
    return storeRows(tile, sums, group);
  }
}

Val Projection::sumAt(const Tile &tile, Val token, Val row) {
  Val line = k.extend(tile.split) * k.extend(tokens) + k.extend(token);
  return k.at(k.at(result, line * (4 * s.dims.heads * s.dims.rows)), k.extend(tile.head * s.dims.rows + row) * 4);
}

/// Eight lanes have 32 neighbouring bytes.
void Projection::storeSums(const Tile &tile, llvm::ArrayRef<Val> sums, Val group) {
  Val lane = k.thread() & 31, warp = (k.thread() & 127) >> 5;
  Val row = tile.row + group * groupRows + warp * 16 + (lane >> 2), token = tile.token + ((lane & 3) << 1);
  int64_t tokenBytes = 4 * s.dims.heads * s.dims.rows;
  Val to = sumAt(tile, token, row);
  Val left = tokens - token, inFirst = row < s.dims.rows, inSecond = row + 8 < s.dims.rows;
  for (int64_t i = 0; i < c.tileTokens / 8; ++i)
    for (int64_t e : {0, 1})
      k.when(left > 8 * i + e, [&] {
        Val here = k.at(to, (8 * i + e) * tokenBytes);
        k.when(inFirst, [&] { k.store(sums[4 * i + e], here); });
        k.when(inSecond, [&] { k.store(sums[4 * i + 2 + e], k.at(here, 32)); });
      });
}

//===----------------------------------------------------------------------===//
// The sum over parts of k
//===----------------------------------------------------------------------===//

void mla::gpu::emitProjectionSum(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape) {
  if (module.lookupSymbol(shape.sumName()))
    return;
  KernelBuilder k(module, shape.sumName(), projectionSumThreads, /*oneBlock=*/false);
  unsigned partials = k.addPointer(), y = k.addPointer();
  unsigned tokens = k.addInt(), tokenStride = k.addInt(), headStride = k.addInt();
  k.begin();
  Element element = shape.floatResult ? Element::F32 : Element::BF16;
  int64_t units = shape.dims.heads * shape.dims.rows / projectionSumWidth;
  Val unit = k.blockX() * projectionSumThreads + k.thread();
  launchDependents(k);
  waitForPredecessors(k);
  k.when(unit < k.argument(tokens) * units, [&] {
    Val from = elementAt(k, k.argument(partials), unit * projectionSumWidth, Element::F32);
    Val partBytes = k.extend(k.argument(tokens)) * (4 * shape.dims.heads * shape.dims.rows);
    llvm::SmallVector<Vals> parts;
    for (int64_t i = 0; i < shape.choices.splits; ++i)
      parts.push_back(loadElements(k, k.at(from, partBytes * i), projectionSumWidth, Element::F32));
    Vals sums = parts.front();
    for (const Vals &part : llvm::drop_begin(parts))
      for (int64_t i = 0; i < projectionSumWidth; ++i)
        sums[i] = sums[i] + part[i];
    Val token = unit / units, inToken = unit % units * projectionSumWidth;
    Val head = inToken / shape.dims.rows, row = inToken % shape.dims.rows;
    Val to = rowAt(k, k.argument(y), token, k.argument(tokenStride), element);
    storeElements(k, sums, elementAt(k, to, head * k.argument(headStride) + row, element), element);
  });
  k.finish();
}
