//===- LatentAttentionKernel.h - The kernel of latent attention -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 64 query rows per CTA, two warpgroups, two blocks of 64 cached
// tokens in flight. A cached block is both K (all columns) and V (the latent's).
// Warpgroup w computes the scores of the blocks of stage w and, for all blocks,
// half w of the output's columns: 64 x 256 accumulators of f32 in registers.
//
//   warpgroup 0:  S0 -> softmax -> P0 | O += P0 V0 | . . . . . . . . | O += P1 V1
//   warpgroup 1:  S1 -> . . . . . . . . softmax -> P1 | O += P1 V1 | O += P0 V0
//
// The row maximum is updated after block 0, then after block 1; P0, computed
// for the first maximum, is rescaled for the second before warpgroup 1 reads it.
// A warpgroup reads its own probabilities from registers, the other's from shared
// memory. A tile of K is refilled as soon as the last product that reads it is
// done.
// The order of steps is that of FlashMLA's "seesaw" schedule (DeepSeek, 2025).
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_LATENTATTENTIONKERNEL_H
#define MLA_CONVERSION_MLATOGPU_SM90_LATENTATTENTIONKERNEL_H

#include "LatentFrame.h"

namespace mla::gpu {

inline constexpr int64_t latentTile = tileBytes(blockTokens); ///< 64 tokens x 64 columns
inline constexpr int64_t maxSmallPages = 4;                   ///< pages of a block of 64 tokens
inline constexpr double masked = -1e33, lowest = -1e30;

/// Named barriers. 0 is the CTA's.
enum LatentBarrier : int64_t {
  Multiplying = 7, ///< the two warpgroups that multiply
  MaxOf0 = 8,
  MaxOf1 = 9,
  P0Stored = 10,
  P1Stored = 11,
  ZeroedBy0 = 12,
  ZeroedBy1 = 13
};

/// Offsets in dynamic shared memory, in bytes.
struct LatentLayout {
  explicit LatentLayout(const LatentAttentionShape &shape);
  int64_t latentTiles, tiles;       ///< of the latent; of a row of the cache
  int64_t ownTiles;                 ///< tiles of the output that a warpgroup computes
  int64_t q, k[2], p[2];            ///< P of stage 1 replaces Q's last tile, which moves to registers
  int64_t rowMax, rowSum, scale[2]; ///< f32 per row; two sums, one per warpgroup
  int64_t staging;                  ///< of results, in the place of K of stage 1
  int64_t qBarrier, kBarrier[2];
  int64_t free[2];         ///< barriers of each stage's halves, of a packed cache
  int64_t next, nextPages; ///< of the next split: its first token, and the pages of its first block
  int64_t bytes;
  int64_t firstTile(int64_t group) const { return group == 0 ? 0 : latentTiles - ownTiles; }
  /// Columns of the output that a warpgroup stores; with an odd number of tiles, both compute the middle one.
  int64_t firstStored(int64_t group) const { return group == 0 ? 0 : ownTiles; }
  int64_t storedTiles(int64_t group) const { return group == 0 ? ownTiles : latentTiles - ownTiles; }
  /// Bytes per unswizzled row of results; 16 more than needed, against bank conflicts.
  int64_t rowPitch() const { return ownTiles * tileRowBytes + 16; }
};

/// Pages of a block of 64 tokens.
inline int64_t pagesOfBlock(const LatentAttentionShape &shape) {
  return shape.page >= blockTokens ? 1 : blockTokens / shape.page;
}

/// The state carried over the blocks of a split, in one warpgroup.
struct BlockState {
  Vals out;    ///< 64 x (64 · ownTiles)
  Val sum[2];  ///< of the probabilities of this thread's two rows
  Val parity;  ///< of the next phase of this stage's barriers
  Vals scores; ///< 64 x 64 of this warpgroup's block of the round
};

class LatentAttention : LatentFrame {
public:
  LatentAttention(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape);
  void emit();

private:
  friend class LatentUnpack;
  void addArguments();
  void setUp();
  // Splits
  void prefetchIndices();
  void syncMultiplying();
  Val hintFor(const LatentSplit &own);
  void beginPart();
  void allSplits();
  Vals oneSplit(LatentSplit own, Val ordinal);
  void fetchNext();
  Val fetched(int64_t offset);
  Vals fetchedPages();
  void loadQueryFragments();
  BlockState emptyState(int64_t group);
  Vals allBlocks0();
  Vals allBlocks1();
  void loadNext();
  // Results
  void shareSums(llvm::MutableArrayRef<Val> sums);
  Val denominatorOf(int64_t row, Val sum);
  void normalizeRows(Vals &out);
  void sendWhole(llvm::ArrayRef<Val> out);
  void stageTiles(llvm::ArrayRef<Val> out);
  void sendTiles();
  void stageRows(llvm::ArrayRef<Val> out);
  void sendRows();
  void sendPartial(llvm::ArrayRef<Val> out);
  void sendLse(bool whole);
  // Blocks (LatentBlocks.cpp)
  void scoresOfFirst(BlockState &s, Val block, bool isNext);
  void round0(BlockState &s, Val block);
  void round1(BlockState &s, Val block);
  // Copies
  Val queryRow(Val sequence);
  void loadQueries(Val row);
  Vals entriesOf(Val sequence, Val block);
  Vals pagesOf(Val sequence, Val block);
  void loadTiles(int64_t stage, llvm::ArrayRef<int64_t> order, llvm::ArrayRef<Val> pages, Val block);
  void loadStage(int64_t stage, llvm::ArrayRef<Val> pages, Val block);
  void release(int64_t stage, int64_t half);
  void refill(int64_t stage, int64_t group, llvm::ArrayRef<Val> pages, Val block, Val predicate);
  /// Whether TMA copies a tile of K.
  bool isCopied(int64_t tile) const { return !shape.isPacked() || (tile == at.latentTiles && shape.copiesRope()); }
  // Products
  void scoreTile(BlockState &s, int64_t stage, int64_t index, bool start);
  void scoresOfSecond(BlockState &s, Val block);
  void addOwn(BlockState &s, llvm::ArrayRef<Val> p, int64_t stage, int64_t group);
  void addOther(BlockState &s, int64_t stage, int64_t group);
  // Softmax
  Val rowValue(int64_t base, int64_t row);
  void maskUnseen(BlockState &s, Val start);
  Val rowMaximum(const BlockState &s, int64_t row);
  Vals softmax(BlockState &s, int64_t stage);
  void storeProbabilities(llvm::ArrayRef<Val> p, int64_t stage);
  void zeroRows(int64_t stage, Val from, Val to, int64_t group);
  void zeroUnseen(Val block, llvm::ArrayRef<int64_t> stages, int64_t group);
  LatentLayout at;
  llvm::SmallVector<int64_t> order[2]; ///< in which a stage's tiles are copied and multiplied
  // Arguments
  unsigned queriesArg, ropeArg, cacheArg, outMapArg, rowsBaseArg, pagesArg;
  // Threads
  Val warp, quad, row0, isFirst, isGroupFirst, fragment[4];
  Val hint; ///< to L2, for the pages
  // The current split
  Val hasNext, nextSequence, nextBegin;
  Val border[2]; ///< of this thread's rows
  Val parity[2], queryParity;
  Vals lastQueryTile;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_LATENTATTENTIONKERNEL_H
