//===- ProjectionExperts.cpp - Tiles of experts ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tokens are sorted by expert; a tile has tokens of one. Which expert has which
// tiles is known only on the device: every CTA counts them, and finds a tile by
// bisection.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "ProjectionKernel.h"

#include "llvm/Support/MathExtras.h"

using namespace mla::gpu;

/// Writes where the tiles of tokens of each expert end, and where its tokens start. The last of experts + 1 has the
/// choices of no expert: its weight is beyond the map, and zero.
void Projection::findExperts() {
  int64_t buckets = s.dims.experts + 1, own = llvm::divideCeil(buckets, 32);
  waitForPredecessors(k);
  k.when(k.thread() < 32, [&] {
    Val lane = k.thread(), from = lane * own;
    Vals starts, counts;
    for (int64_t i = 0; i <= own; ++i) {
      Val listed = k.load(k.at(first, min(from + i, k.i32(s.dims.experts)) * 4), k.i32Type(), 4);
      starts.push_back(select(from + i <= s.dims.experts, listed, tokens));
    }
    Val sum = k.i32(0);
    for (int64_t i = 0; i < own; ++i) {
      sum = sum + ceilDiv(starts[i + 1] - starts[i], c.tileTokens);
      counts.push_back(sum);
    }
    Val before = k.warpPrefix(sum).first;
    for (int64_t i = 0; i < own; ++i) {
      Val bucket = from + i;
      k.when(bucket <= s.dims.experts, [&] {
        k.store(before + counts[i], k.shared(at.ends, bucket * 4), 4);
        k.store(starts[i], k.shared(at.starts, bucket * 4), 4);
      });
    }
    k.when(lane == 0, [&] { k.store(tokens, k.shared(at.starts + 4 * buckets), 4); });
  });
  k.syncBlock();
  tokenTiles = k.load(k.shared(at.ends + 4 * s.dims.experts), k.i32Type(), 4);
}

/// Tiles of tokens in the order of experts; in a tile of tokens, rows are innermost, so that concurrent CTAs read the
/// same tokens, and a weight that several tiles of tokens share at about the same time.
void Projection::placeInExpert(Tile &tile, Val number) {
  int64_t rowTiles = llvm::divideCeil(s.dims.rows, c.tileRows), experts = s.dims.experts;
  Val tokenTile = number / rowTiles;
  auto endOf = [&](Val expert) { return k.load(k.shared(at.ends, expert * 4), k.i32Type(), 4); };
  auto startOf = [&](Val expert) { return k.load(k.shared(at.starts, expert * 4), k.i32Type(), 4); };
  Val expert = k.i32(0); // the first whose tiles end behind this one
  for (int64_t step = llvm::PowerOf2Ceil(experts + 1) / 2; step > 0; step /= 2) {
    Val isBefore = endOf(min(expert + (step - 1), k.i32(experts))) <= tokenTile;
    expert = select(isBefore, expert + step, expert);
  }
  Val before = select(expert > 0, endOf(max(expert - 1, k.i32(0))), k.i32(0));
  tile.head = expert;
  tile.split = k.i32(0);
  tile.row = number % rowTiles * c.tileRows;
  tile.token = startOf(expert) + (tokenTile - before) * c.tileTokens;
  tile.end = startOf(expert + 1);
}

//===----------------------------------------------------------------------===//
// Rows of the result
//===----------------------------------------------------------------------===//

/// Columns of 16 bytes that a warpgroup has of a token of y.
static int64_t chunksOf(const ProjectionShape &s) { return groupRows / 8 / (s.dims.gated ? 2 : 1); }

/// Writes silu(gate) · up of the tokens from `from` on to a tile with a row per token: a warp has 8 columns, and a
/// thread the gate and the up of one. Lane i has the address of a token's row.
void Projection::stageGated(llvm::ArrayRef<Val> sums, int64_t from, Val group) {
  Val warp = (k.thread() & 127) >> 5, lane = k.thread() & 31;
  for (int64_t token = 0, count; token < at.storedTokens; token += count) {
    count = at.storedTokens - token >= 32 ? 32 : 16;
    Vals fragment;
    for (int64_t octet = (from + token) / 8; octet < (from + token + count) / 8; ++octet) {
      Vals values;
      for (int64_t e : {0, 1})
        values.push_back(activate(k, sums[4 * octet + e], sums[4 * octet + 2 + e]));
      fragment.push_back(packBF16(values[0], values[1]));
    }
    Val row = lane % count + token;
    Val offset = (row << 7) + ((warp ^ (row & 7)) << 4) + group * tileBytes(at.storedTokens);
    storeMatrix(k, k.shared(at.result, offset), fragment, /*transposed=*/true);
  }
}

/// Copies the tokens of a staged piece to their rows of y, 16 bytes per thread.
void Projection::copyRows(const Tile &tile, const Piece &piece, Val group) {
  int64_t chunks = chunksOf(s), tokensAtATime = 128 / chunks, width = s.dims.resultRows();
  Val thread = k.thread() & 127, chunk = thread % chunks, own = thread / chunks;
  Val column = (tile.row + piece.row) / (s.dims.gated ? 2 : 1) + chunk * 8;
  for (int64_t first = 0; first < at.storedTokens; first += tokensAtATime) {
    Val staged = own + first, row = tile.token + (staged + piece.token);
    bool mayExceed = first + tokensAtATime > at.storedTokens;
    Val isThere = (row < tile.end) & (column < width);
    if (mayExceed)
      isThere = isThere & (staged < at.storedTokens);
    k.when(isThere, [&] {
      Val offset = (staged << 7) + ((chunk ^ (staged & 7)) << 4) + group * tileBytes(at.storedTokens);
      Val value = k.load(k.shared(at.result, offset), k.vectorType(4, k.i32Type()), 16);
      Val to = s.scattered ? k.load(k.at(order, k.extend(row) * 4), k.i32Type(), 4) : row;
      k.store(value, k.at(result, k.extend(to) * (2 * width) + k.extend(column) * 2), 16);
    });
  }
}

void Projection::storeRows(const Tile &tile, llvm::ArrayRef<Val> sums, Val group) {
  Val barrier = group + 1;
  for (const Piece &piece : piecesOf(group)) {
    k.syncNamed(barrier, 128); // what is staged has been copied
    stage(sums, piece, group);
    k.syncNamed(barrier, 128);
    copyRows(tile, piece, group);
  }
}
