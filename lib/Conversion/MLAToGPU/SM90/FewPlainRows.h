//===- FewPlainRows.h - Few query rows on rows of bf16 ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All operands are tiles in shared memory: K as it is copied, V^T the same tile by
// its columns. A row of the cache is c ‖ k_rope without a gap; a row of Q is
// laid out alike, so the widths need not be multiples of a tile: columns of
// k_rope in the latent's last tile have results, which are not stored.
//
// A stage of a ring is a tile [64 tokens, 64 columns]. It is empty again as
// soon as the last product has read it, so that copies of later blocks are in
// flight while a block is computed. The tiles of k_rope alone, which are no
// values, come first: their stages are empty first. Where a ring has fewer stages
// than a row has tiles, the latent's are copied again as values.
//
// Rows of a packed cache are converted to bf16 as they are copied, for widths that
// no kernel of packed rows takes.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_FEWPLAINROWS_H
#define MLA_CONVERSION_MLATOGPU_SM90_FEWPLAINROWS_H

#include "FewRowsKernel.h"
#include "PackedPieces.h"

namespace mla::gpu {

/// Threads that fill a warpgroup's ring.
inline constexpr int64_t copiersOfRing = 64;

/// Offsets in dynamic shared memory, in bytes.
struct FewPlainRowsLayout {
  FewPlainRowsLayout(const LatentAttentionShape &shape, int64_t rows);
  int64_t tiles;        ///< of a cached row
  int64_t copies;       ///< of tiles, per block: the latent's may be copied twice
  int64_t q;            ///< tiles [rows, 64 columns]
  FewRowsAreas areas;   ///< P has one tile
  int64_t ring, stages; ///< of each warpgroup's ring
  int64_t full, empty;  ///< barriers of the stages
  int64_t bytes;
  static constexpr int64_t stageBytes = tileBytes(blockTokens);
  TokenRing tokenRing() const { return {stages, full, empty, /*readers=*/4, rings, copiersOfRing, converts}; }
  static constexpr int64_t rings = 2;
  bool converts; ///< rows of a packed cache
  bool keepsTiles() const { return copies == tiles; }
};

class FewPlainRows : public FewRows {
public:
  FewPlainRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, int64_t rows);

private:
  void addPages() override { pagesArg = k.addPointer(); }
  void copyBlock(const Pages &pages, Val block, Val ordinal) override;
  Val loadPacked(Val row, Val chunk, int64_t tile);
  void loadQueries() override;
  Val loadQueryChunk(Val row, Val chunk);
  void oneBlock(State &s, Val block, Val ordinal) override;
  Val columnOf(int64_t bit) override { return (lane >> 2) + bit * 8; }
  // Stages of a block, in the order of copies
  int64_t tileAt(int64_t place) const { return place < at.tiles ? (place + latentTiles) % at.tiles : place - at.tiles; }
  Val ofValues(Val ordinal, int64_t tile) { return ordinal * at.copies + (at.copies - latentTiles + tile); }
  void waitCopied(Val stage);
  Val addressOf(Val stage);
  Val unitsOf(Val stage);
  Vals scores(Val block, Val ordinal);
  Vals largestOf(const Vals &scores);
  void addScores(Vals &sum, Val stage, int64_t tile, bool start);
  void storeRounded(const Vals &p);
  void addValues(State &s, Val ordinal);

  FewPlainRowsLayout at;
  PackedPieces packed;
  unsigned pagesArg;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_FEWPLAINROWS_H
