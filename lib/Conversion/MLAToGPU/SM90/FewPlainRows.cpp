//===- FewPlainRows.cpp - Few query rows on rows of bf16 ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FewPlainRows.h"

using namespace mla;
using namespace mla::gpu;

static constexpr int64_t stepsPerTile = tileColumns / 16, tileChunks = tileRowBytes / 16;
static constexpr double hidden = -1e33;

FewPlainRowsLayout::FewPlainRowsLayout(const LatentAttentionShape &shape, int64_t rows)
    : tiles(llvm::divideCeil(shape.latent + shape.rope, tileColumns)), converts(shape.isPacked()) {
  constexpr int64_t sharedLimit = 227 * 1024;
  int64_t tile = tileBytes(rows);
  q = 0;
  areas.p = q + tiles * tile;
  areas.pBytes = tile;
  areas.staging = q;
  areas.stagingPitch = (shape.latentTiles() + 1) / 2 * tileColumns * 4;
  ring = llvm::alignTo(std::max(areas.p + 2 * tile, areas.staging + rows * areas.stagingPitch), 1024);
  int64_t behind = 2 * 8 * rows * 4;
  stages = (sharedLimit - ring - behind) / (stageBytes + 2 * 8) / rings;
  areas.maxima = ring + rings * stages * stageBytes;
  areas.sums = areas.maxima + 8 * rows * 4;
  copies = tiles <= stages ? tiles : tiles + shape.latentTiles();
  full = areas.sums + 8 * rows * 4;
  empty = full + 8 * rings * stages;
  bytes = empty + 8 * rings * stages;
}

FewPlainRows::FewPlainRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, int64_t rows)
    : FewRows(module, shape, rows, FewPlainRowsLayout(shape, rows).tokenRing(), FewPlainRowsLayout(shape, rows).areas,
              /*probabilityUnit=*/1),
      at(shape, rows), packed(shape.format, shape.latent, shape.rope) {}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// Returns a chunk of a tile of a packed row as bf16. Chunks behind the row's last are that one.
Val FewPlainRows::loadPacked(Val row, Val chunk, int64_t tile) {
  int64_t first = tile * tileChunks, ofLatent = shape.latent / 8, ofRow = ofLatent + shape.rope / 8;
  Val piece = min(chunk + first, k.i32(ofRow - 1));
  if (first + tileChunks <= ofLatent)
    return packed.loadLatent(k, row, piece);
  return first >= ofLatent ? packed.loadRope(k, row, piece - ofLatent) : packed.load(k, row, piece);
}

/// Copies the tiles of a block in the order in which they are multiplied. Rows that are no tokens of the sequence, or
/// before all windows, may hold NaN in the cache: they, and columns behind a row's last become zeros. A thread copies
/// 16 bytes of every eighth row.
void FewPlainRows::copyBlock(const Pages &pages, Val block, Val ordinal) {
  constexpr int64_t step = copiersOfRing / tileChunks;
  int64_t rowChunks = (shape.latent + shape.rope) / 8;
  Val row = (inGroup % copiersOfRing) / tileChunks, chunk = inGroup % tileChunks;
  Vals rows, exists;
  for (int64_t first = 0; first < blockTokens; first += step) {
    int64_t page = first / rowsAtOnce();
    Val inPage = ((block << 6) + page * rowsAtOnce()) % shape.page + (row + first % rowsAtOnce());
    Val line = k.extend(pages.numbers[page]) * shape.page + k.extend(inPage);
    Val offset = at.converts ? line * packed.rowBytes() : (line * rowChunks + k.extend(chunk)) * 16;
    rows.push_back(k.at(k.argument(pagesArg), offset));
    exists.push_back(pages.haveToken(row + first));
  }
  for (int64_t place = 0; place < at.copies; ++place) {
    int64_t tile = tileAt(place), column = tile * tileChunks;
    Val stage = ordinal * at.copies + place, full = beginFilling(stage);
    Val to = k.at(addressOf(stage), (row << 7) + ((chunk ^ row) << 4));
    for (auto [i, source] : llvm::enumerate(rows)) {
      Val isThere = column + tileChunks > rowChunks ? exists[i] & (chunk < rowChunks - column) : exists[i];
      Val own = k.at(to, tileBytes(static_cast<int64_t>(i) * step));
      if (at.converts)
        k.store(select(isThere, loadPacked(source, chunk, tile), k.zeroVector(4, k.i32Type())), own, 16);
      else
        copyChunk(k, own, k.at(source, column * 16), isThere);
    }
    if (!at.converts) {
      arriveAfterWords(k, full);
      continue;
    }
    fenceAsync(k);
    arrive(k, full);
  }
}

/// Returns 8 columns of a row of Q, which is q_latent ‖ q_rope: zeros behind its last column, and behind the last row.
Val FewPlainRows::loadQueryChunk(Val row, Val chunk) {
  int64_t latentChunks = shape.latent / 8, chunks = latentChunks + shape.rope / 8;
  mlir::Type four = k.vectorType(4, k.i32Type());
  Val source = firstRow + row, line = k.extend(sequenceRow + source);
  auto address = [&](unsigned from, unsigned stride, Val column) {
    return k.at(k.argument(from), (line * k.extend(k.argument(stride)) + k.extend(column << 3)) * 2);
  };
  Val from = address(qArg, strideArg, chunk);
  if (shape.rope)
    from = select(chunk < latentChunks, from, address(ropeArg, ropeStrideArg, chunk - latentChunks));
  return k.choose((source < rows) & (chunk < chunks), [&]() -> Vals { return {k.load(from, four, 16)}; },
                  [&]() -> Vals { return {k.zeroVector(4, k.i32Type())}; })[0];
}

/// Stores rows of queries as tiles of 64 columns. All loads are in flight together.
void FewPlainRows::loadQueries() {
  int64_t rowChunks = at.tiles * tileChunks, all = rowsOfBlock * rowChunks;
  Vals loaded;
  for (int64_t first = 0; first < all; first += 256)
    loaded.push_back(loadQueryChunk((thread + first) / rowChunks, (thread + first) % rowChunks));
  for (auto [i, value] : llvm::enumerate(loaded)) {
    Val index = thread + static_cast<int64_t>(i) * 256, row = index / rowChunks, chunk = index % rowChunks;
    Val to = (chunk >> 3) * tileBytes(rowsOfBlock) + (row << 7) + (((chunk & 7) ^ (row & 7)) << 4);
    auto store = [&, value = value] { k.store(value, k.shared(at.q, to), 16); };
    if ((static_cast<int64_t>(i) + 1) * 256 <= all)
      store();
    else
      k.when(index < all, store);
  }
  fenceAsync(k);
  sync();
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

Val FewPlainRows::addressOf(Val stage) { return k.shared(at.ring, stageOf(stage) * at.stageBytes); }

/// Waits for what other threads have copied, and makes it visible to the tensor cores.
void FewPlainRows::waitCopied(Val stage) {
  waitFull(stage);
  fenceAsync(k);
}

/// Returns how far a stage is from the first one, in units of descriptors.
Val FewPlainRows::unitsOf(Val stage) { return stageOf(stage) * (at.stageBytes >> 4); }

void FewPlainRows::addScores(Vals &sum, Val stage, int64_t tile, bool start) {
  Val units = unitsOf(stage);
  fenceProducts(k);
  for (int64_t step = 0; step < stepsPerTile; ++step) {
    Val keys = moveDescriptor(k, kMajorDescriptor(at.ring) + kMajorStep * step, units);
    int64_t q = kMajorDescriptor(at.q + tile * tileBytes(rowsOfBlock)) + kMajorStep * step;
    sum = multiply(k, keys, k.i64(q), sum, start && step == 0);
  }
}

/// Returns this thread's scores, scaled for exp2; tiles are multiplied as they arrive. Those that are not read again
/// are released.
Vals FewPlainRows::scores(Val block, Val ordinal) {
  Vals sum(accumulators(), k.f32(0)), read;
  for (int64_t place = 0; place < at.tiles; ++place) {
    int64_t tile = tileAt(place);
    Val stage = ordinal * at.copies + place;
    waitCopied(stage);
    addScores(sum, stage, tile, /*start=*/place == 0);
    if (tile >= latentTiles || !at.keepsTiles())
      read.push_back(stage);
    commitProducts(k);
    if (at.keepsTiles() || place == 0)
      continue;
    waitProducts(k, 1);
    release(read[place - 1], k.i1(true));
  }
  waitProducts(k, 0);
  for (Val stage : at.keepsTiles() ? llvm::ArrayRef(read) : llvm::ArrayRef(read).take_back())
    release(stage, k.i1(true));
  Val scale = k.argument(scaleArg), token = (block << 6) + (warp << 4) + (lane >> 2);
  for (auto [i, score] : llvm::enumerate(sum))
    score = select(isSeenByOwn(token + (i >> 1 & 1) * 8, rowIndexOf(i)), score * scale, k.f32(hidden));
  return sum;
}

Vals FewPlainRows::largestOf(const Vals &scores) {
  Vals largest(ownRows(), k.f32(hidden));
  for (auto [i, score] : llvm::enumerate(scores))
    largest[rowIndexOf(i)] = max(largest[rowIndexOf(i)], score);
  return largest;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void FewPlainRows::storeRounded(const Vals &p) {
  Vals packed;
  for (int64_t i = 0; i < accumulators(); i += 2)
    packed.push_back(packBF16(p[i], p[i + 1]));
  storeProbabilities(packed, 0);
}

/// O^T += V^T P^T. A stage is released while the next tile is multiplied.
void FewPlainRows::addValues(State &s, Val ordinal) {
  Vals p;
  for (int64_t step = 0; step < stepsPerTile; ++step)
    p.push_back(moveDescriptor(k, kMajorDescriptor(at.areas.p) + kMajorStep * step, group * (at.areas.pBytes >> 4)));
  for (int64_t tile = 0; tile < latentTiles; ++tile) {
    Val units = unitsOf(ofValues(ordinal, tile));
    if (!at.keepsTiles())
      waitCopied(ofValues(ordinal, tile));
    fenceProducts(k); // rescaling may be moved to here
    for (int64_t step = 0; step < stepsPerTile; ++step) {
      int64_t first = mnMajorDescriptor(at.ring, at.stageBytes) + mnMajorStep * step;
      s.out[tile] = multiply(k, moveDescriptor(k, first, units), p[step], s.out[tile], /*start=*/false, Major::MN);
    }
    commitProducts(k);
    if (tile > 0) {
      waitProducts(k, 1);
      release(ofValues(ordinal, tile - 1), k.i1(true));
    }
  }
  waitProducts(k, 0);
  release(ofValues(ordinal, latentTiles - 1), k.i1(true));
}

void FewPlainRows::oneBlock(State &s, Val block, Val ordinal) {
  Vals p = scores(block, ordinal);
  softmax(s, p, sharedMaxima(largestOf(p)));
  storeRounded(p);
  fenceAsync(k);
  syncGroup();
  addValues(s, ordinal);
}
