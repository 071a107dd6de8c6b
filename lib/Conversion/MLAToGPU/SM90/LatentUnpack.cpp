//===- LatentUnpack.cpp - A packed cache for latent attention -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LatentUnpack.h"
#include "E4M3.h"

using namespace mla::gpu;

/// Bytes that a lane reads of a row, and of a line of L2.
static constexpr int64_t pieceBytes = 16, lineBytes = 128;
/// Rows between the two of a lane.
static constexpr int64_t rowStep = 8;

LatentUnpack::LatentUnpack(LatentAttention &kernel)
    : kernel(kernel), k(kernel.k), at(kernel.at), row(kernel.shape.packedRow()), pieces(at.ownTiles) {
  warpToken = kernel.warp * warpTokens;
  laneRow = kernel.lane >> 2;
  column = kernel.lane & 3;
  for (int64_t i : {0, 1})
    chunk[i] = ((warpToken + laneRow) << 7) + (((column * 2 + i) ^ laneRow) << 4);
}

//===----------------------------------------------------------------------===//
// Blocks in order
//===----------------------------------------------------------------------===//

LatentUnpack::Place LatentUnpack::placeOf(const LatentSplit &split) {
  return {split.sequence, split.begin, split.end, split.limit, split.begin};
}

/// Returns the next block: of the split, or the first one of the next split.
LatentUnpack::Place LatentUnpack::after(const Place &place) {
  Val inSplit = place.block + 1 < place.end;
  Val same = kernel.shape.split.fixed ? place.end < place.limit : k.i1(false);
  Val sequence = select(inSplit | same, place.sequence, place.sequence + 1);
  Val begin = select(inSplit, place.begin, select(same, place.end, kernel.firstBlockOf(sequence)));
  LatentSplit split = kernel.splitAt(min(sequence, k.argument(kernel.batchArg) - 1), begin);
  return {sequence, begin, split.end, split.limit, select(inSplit, place.block + 1, begin)};
}

/// Returns the first of this warp's tokens of a block.
Val LatentUnpack::tokenOf(const Place &place) { return (place.block << 6) + warpToken; }

/// Loads the page of this warp's tokens.
Val LatentUnpack::pageOf(const Place &place) {
  BlockTable table = {k.argument(kernel.tableArg), k.argument(kernel.widthArg), k.argument(kernel.pagesArg)};
  return loadPage(k, table, min(place.sequence, k.argument(kernel.batchArg) - 1), tokenOf(place) / kernel.shape.page);
}

/// Returns the address of this warp's rows of a block.
Val LatentUnpack::rowsOf(const Place &place, Val page) {
  Val token = k.extend(page) * kernel.shape.page + k.extend(tokenOf(place) % kernel.shape.page);
  return k.at(k.argument(kernel.rowsBaseArg), token * row.bytes);
}

void LatentUnpack::prefetchRows(Val rows) {
  int64_t bytes = warpTokens * row.bytes;
  for (int64_t from = 0; from < bytes; from += 32 * lineBytes) {
    Val offset = (kernel.lane * lineBytes) + from;
    auto line = [&] { prefetch(k, k.at(rows, k.extend(offset))); };
    if (from + 32 * lineBytes <= bytes)
      line();
    else
      k.when(offset < bytes, line);
  }
}

//===----------------------------------------------------------------------===//
// Pieces
//===----------------------------------------------------------------------===//

LatentUnpack::Piece LatentUnpack::load(Val rows, Val tile) {
  Piece piece;
  for (int64_t i = 0; i < laneRows; ++i) {
    Val from = k.at(rows, (laneRow + i * rowStep) * row.bytes);
    Val columns = k.at(from, tile * tileColumns + column * pieceBytes);
    piece.words[i] = k.loadConstant(columns, k.vectorType(4, k.i32Type()));
    if (row.numScales) {
      Val group = tile / (schema::scaleColumns / tileColumns);
      piece.scales[i] = k.loadConstant(k.at(from, group * 4 + row.scales), k.f32Type());
    }
  }
  return piece;
}

Vals LatentUnpack::pack(const Piece &piece) const {
  Vals values(piece.words, piece.words + laneRows);
  if (row.numScales)
    values.append(piece.scales, piece.scales + laneRows);
  return values;
}

LatentUnpack::Piece LatentUnpack::unpack(llvm::ArrayRef<Val> state) const {
  Piece piece;
  for (int64_t i = 0; i < laneRows; ++i) {
    piece.words[i] = state[i];
    if (row.numScales)
      piece.scales[i] = state[laneRows + i];
  }
  return piece;
}

/// Returns 16 columns of a row as bf16, two per value.
Vals LatentUnpack::convert(const Piece &piece, int64_t i) {
  Vals pairs;
  for (int64_t word = 0; word < 4; ++word) {
    Vals values = unpackE4M3(k, k.element(piece.words[i], word));
    if (row.numScales)
      for (Val &value : values)
        value = value * piece.scales[i];
    pairs.push_back(packBF16(values[0], values[1]));
    pairs.push_back(packBF16(values[2], values[3]));
  }
  return pairs;
}

/// Stores a piece to its tile of a stage, and reports this warp's part of the tile as filled.
void LatentUnpack::store(const Piece &piece, Val stage, Val tile) {
  Val to = stage * (at.k[1] - at.k[0]) + tile * latentTile;
  for (int64_t i = 0; i < laneRows; ++i) {
    Vals pairs = convert(piece, i);
    for (int64_t half : {0, 1})
      k.store(k.vectorOf(llvm::ArrayRef(pairs).slice(4 * half, 4)),
              k.shared(at.k[0] + i * rowStep * tileRowBytes, to + chunk[half]), 16);
  }
  fenceAsync(k);
  k.syncWarp();
  Val barrier = k.shared(at.kBarrier[0], stage * (at.kBarrier[1] - at.kBarrier[0]) + (tile << 3));
  k.when(kernel.lane == 0, [&] { arrive(k, barrier); });
}

//===----------------------------------------------------------------------===//
// Halves of a stage
//===----------------------------------------------------------------------===//

/// The products read stage 0 from its first half, stage 1 from its second.
LatentUnpack::Half LatentUnpack::firstHalf(const Place &place) {
  Val stage = place.stage();
  return {place, stage, at.latentTiles - at.ownTiles, stage * at.ownTiles};
}

LatentUnpack::Half LatentUnpack::secondHalf(const Place &place) {
  Val other = place.stage() ^ 1;
  return {place, other, at.ownTiles, other * (at.latentTiles - at.ownTiles)};
}

/// Converts the pieces of a half once it is free; each is replaced by `loadNext`.
void LatentUnpack::fill(const Half &half, Val parity, llvm::function_ref<void(int64_t index)> loadNext) {
  Val stage = half.place.stage();
  waitBarrier(k, k.shared(at.free[0], ((stage << 1) + half.number) << 3), parity);
  for (int64_t i = 0; i < half.tiles; ++i) {
    store(pieces[i], stage, half.firstTile + i);
    loadNext(i);
  }
}

/// Fills the tile of keys, which belongs to the second half of a stage.
void LatentUnpack::fillRope(const Place &place, Val page, Val rows) {
  Val stage = place.stage();
  if (kernel.shape.copiesRope()) {
    Val tile = k.shared(at.k[0] + at.latentTiles * latentTile, stage * (at.k[1] - at.k[0]) + (warpToken << 7));
    Val barrier = k.shared(at.kBarrier[0] + 8 * at.latentTiles, stage * (at.kBarrier[1] - at.kBarrier[0]));
    k.when(kernel.lane == 0, [&] {
      copyTile(k, tile, k.argument(kernel.cacheArg), barrier, {k.i32(0), tokenOf(place) % kernel.shape.page, page},
               CacheHint::EvictNormal);
    });
    return;
  }
  Piece piece;
  for (int64_t i = 0; i < laneRows; ++i) {
    Val from = k.at(rows, (laneRow + i * rowStep) * row.bytes + column * pieceBytes);
    Val zero = k.zeroVector(4, k.i32Type());
    piece.words[i] = k.choose(
        column * pieceBytes < kernel.shape.rope,
        [&]() -> Vals { return {k.loadConstant(k.at(from, row.rope), k.vectorType(4, k.i32Type()))}; },
        [&]() -> Vals { return {zero}; })[0];
  }
  store(piece, stage, k.i32(at.latentTiles));
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

/// The state is this block and its page, the next block and its page, the parities of both stages, and the pieces of
/// this block's first half.
Vals LatentUnpack::oneBlock(llvm::ArrayRef<Val> state) {
  constexpr size_t nextAt = Place::count + 1, parityAt = 2 * nextAt, piecesAt = parityAt + 2;
  Place place = Place::of(state), next = Place::of(state.drop_front(nextAt)), afterNext = after(next);
  Val page = state[Place::count], nextPage = state[nextAt + Place::count], afterNextPage = pageOf(afterNext);
  Val parity[2] = {state[parityAt], state[parityAt + 1]}, stage = place.stage();
  for (auto [i, piece] : llvm::enumerate(pieces))
    piece = unpack(state.drop_front(piecesAt + i * pieceValues()));
  // Behind the last block, rows that are at hand.
  Val rows = rowsOf(place, page), last = kernel.part.last;
  Val nextRows = select(next.sequence <= last, rowsOf(next, nextPage), rows);
  Half first = firstHalf(place), second = secondHalf(place), nextFirst = firstHalf(next);
  Val own = select(stage == 0, parity[0], parity[1]);
  for (int64_t i = first.tiles; i < second.tiles; ++i)
    pieces[i] = load(rows, second.firstTile + i);
  fill(first, own, [&](int64_t i) { pieces[i] = load(rows, second.firstTile + i); });
  if (kernel.shape.rope)
    k.when(stage == 1, [&] { fillRope(place, page, rows); });
  fill(second, own, [&](int64_t i) {
    if (i < nextFirst.tiles)
      pieces[i] = load(nextRows, nextFirst.firstTile + i);
  });
  if (kernel.shape.rope)
    k.when(stage == 0, [&] { fillRope(place, page, rows); });
  prefetchRows(select(afterNext.sequence <= last, rowsOf(afterNext, afterNextPage), nextRows));
  Vals after = next.state();
  after.push_back(nextPage);
  after.append(afterNext.state());
  after.append({afterNextPage, parity[0] ^ (stage ^ 1), parity[1] ^ stage});
  for (const Piece &piece : pieces)
    after.append(pack(piece));
  return after;
}

void LatentUnpack::run() {
  Val zero = k.i32(0), batch = k.argument(kernel.batchArg);
  Place place = placeOf(kernel.splitAt(min(kernel.part.first, batch - 1), kernel.part.firstBlock));
  place.sequence = kernel.part.first;
  Place next = after(place);
  Val page = pageOf(place), nextPage = pageOf(next), rows = rowsOf(place, page);
  Vals state = place.state();
  state.push_back(page);
  state.append(next.state());
  state.append({nextPage, zero, zero});
  k.when(next.sequence <= kernel.part.last, [&] { prefetchRows(rowsOf(next, nextPage)); });
  Half first = firstHalf(place);
  for (int64_t i = 0; i < at.ownTiles; ++i)
    state.append(pack(load(rows, first.firstTile + min(k.i32(i), k.i32(std::max<int64_t>(first.tiles - 1, 0))))));
  k.loopWhile(
      state, [&](llvm::ArrayRef<Val> state) { return state[0] <= kernel.part.last; },
      [&](llvm::ArrayRef<Val> state) { return oneBlock(state); });
}
