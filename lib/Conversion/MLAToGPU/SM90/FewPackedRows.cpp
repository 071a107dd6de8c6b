//===- FewPackedRows.cpp - Few query rows on a packed cache ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FewPackedRows.h"
#include "E4M3.h"

using namespace mla;
using namespace mla::gpu;

static constexpr int64_t tile = tileBytes(fewRows);
/// Probabilities are stored times this, to use the range of f16.
static constexpr double f16Unit = 0x1p15;

FewPackedRowsLayout::FewPackedRowsLayout(const LatentAttentionShape &shape)
    : row(shape.packedRow()), latentTiles(shape.latentTiles()), ropeSteps(shape.rope / 16),
      groups(std::max<int64_t>(row.numScales, 1)) {
  constexpr int64_t rows = fewRows;
  q = 0;
  ropeQ = q + latentTiles * tile;
  areas.p = ropeQ + (shape.rope ? tile : 0);
  areas.pBytes = groups * tile;
  areas.staging = q;
  areas.stagingPitch = (latentTiles + 1) / 2 * tileColumns * 4;
  ring = llvm::alignTo(std::max(areas.p + 2 * areas.pBytes, areas.staging + rows * areas.stagingPitch), 1024);
  // An odd number of chunks of 16 bytes: eight rows are then in different banks.
  pitch = row.bytes + (row.bytes / 16 % 2 == 0 ? 16 : 0);
  stageBytes = blockTokens * pitch;
  areas.maxima = ring + stages * stageBytes;
  areas.sums = areas.maxima + 8 * rows * 4;
  queryUnit = areas.sums + 8 * rows * 4;
  ropeUnit = queryUnit + rows * 4;
  full = ropeUnit + rows * 4;
  empty = full + 8 * stages;
  bytes = empty + 8 * stages;
}

FewPackedRows::FewPackedRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape)
    : FewRows(module, shape, fewRows, FewPackedRowsLayout(shape).tokenRing(), FewPackedRowsLayout(shape).areas,
              f16Unit),
      at(shape) {}

void FewPackedRows::addPages() { pagesArg = k.addPointer(); }

/// Copies the rows of a block as they lie, but for their pitch. Rows behind the sequence's last and before all windows,
/// which may hold NaN, become zeros: a probability of zero does not remove it.
void FewPackedRows::copyBlock(const Pages &pages, Val block, Val ordinal) {
  int64_t rowChunks = at.row.bytes / 16, pageChunks = rowsAtOnce() * rowChunks, padding = at.pitch - at.row.bytes;
  Val full = beginFilling(ordinal), token = block << 6;
  for (auto [i, page] : llvm::enumerate(pages.numbers)) {
    int64_t first = static_cast<int64_t>(i) * rowsAtOnce();
    Val line = k.extend(page) * shape.page + k.extend((token + first) % shape.page);
    Val from = k.at(k.argument(pagesArg), line * at.row.bytes + k.extend(inGroup << 4));
    Val to = k.shared(at.ring + first * at.pitch, offsetOf(ordinal) + (inGroup << 4));
    Val left = (pages.left - first) * rowChunks - inGroup, before;
    if (pages.before)
      before = (pages.before - first) * rowChunks - inGroup;
    for (int64_t chunk = 0; chunk < pageChunks; chunk += copiersOfBlock) {
      Val isThere = before ? (left > chunk) & (before <= chunk) : left > chunk;
      auto copy = [&, from = from, to = to] {
        Val place = k.at(to, chunk * 16);
        if (padding > 0)
          place = k.at(place, (inGroup + chunk) / rowChunks * padding);
        copyChunk(k, place, k.at(from, chunk * 16), isThere);
      };
      if (chunk + copiersOfBlock <= pageChunks)
        copy();
      else
        k.when(inGroup < pageChunks - chunk, copy);
    }
  }
  arriveAfterWords(k, full);
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

/// Returns 16 columns of a row as f16: multiples of a power of two, which is stored as the row's unit.
Vals FewPackedRows::toHalves(llvm::ArrayRef<Val> words, const Queries &queries, Val row, Val piece) {
  constexpr int64_t exponent = 14;
  Normalized normalized = normalize(words, queries.rows.width / 16, exponent);
  k.when(piece == 0, [&] { k.store(normalized.unit, k.shared(queries.unit, row << 2)); });
  Vals halves;
  for (size_t i = 0; i < normalized.values.size(); i += 2)
    halves.push_back(packF16(k, normalized.values[i], normalized.values[i + 1]));
  return halves;
}

/// Stores rows of queries as tiles of 64 columns.
void FewPackedRows::loadQueryRows(const Queries &queries) {
  bool converts = queries.unit >= 0;
  forQueries(queries.rows, [&](llvm::ArrayRef<Val> given, Val row, Val piece) {
    Vals words = converts ? toHalves(given, queries, row, piece) : Vals(given), order;
    for (int64_t w = 0; w < 8; ++w)
      order.push_back(words[converts ? w % 4 * 2 + w / 4 : w]);
    Val base = k.shared(queries.to, (piece >> 2) * tile + (row << 7)), chunk = (piece & 3) << 1;
    for (int64_t h : {0, 1})
      k.store(k.vectorOf(llvm::ArrayRef(order).slice(4 * h, 4)), k.at(base, ((chunk + h) ^ (row & 7)) << 4), 16);
  });
}

Vals FewPackedRows::loadUnits(int64_t offset) {
  Vals units;
  for (int64_t i = 0; i < ownRows(); ++i)
    units.push_back(k.load(k.shared(offset + 4 * ownRowOffset(i), quad << 3), k.f32Type(), 4));
  return units;
}

void FewPackedRows::loadQueries() {
  loadQueryRows({{qArg, strideArg, shape.latent, shape.latent}, at.q, at.queryUnit});
  if (shape.rope)
    loadQueryRows({{ropeArg, ropeStrideArg, shape.rope, shape.rope}, at.ropeQ, shape.copiesRope() ? -1 : at.ropeUnit});
  fenceAsync(k);
  sync();
  queryUnit = loadUnits(at.queryUnit);
  if (shape.rope && !shape.copiesRope())
    ropeUnit = loadUnits(at.ropeUnit);
}
