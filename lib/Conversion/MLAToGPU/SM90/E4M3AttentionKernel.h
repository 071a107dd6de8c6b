//===- E4M3AttentionKernel.h - The kernel in e4m3 ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_E4M3ATTENTIONKERNEL_H
#define MLA_CONVERSION_MLATOGPU_SM90_E4M3ATTENTIONKERNEL_H

#include "E4M3Attention.h"

namespace mla::gpu {

/// Bytes of a tile of 64 rows of 128 bytes.
inline constexpr int64_t e4m3Tile = tileBytes(64);
/// Probabilities and their sums are times 2^8, to use the range of e4m3.
inline constexpr double e4m3ProbabilityExponent = 8;

class E4M3Attention : public RingAttention {
public:
  E4M3Attention(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, int64_t queryTerms);

private:
  /// The state carried over the blocks of a split, of one warpgroup.
  struct State {
    llvm::SmallVector<Vals> out; ///< per 64 of the own columns: [64, 64 rows], relative to the last own maximum
    Val sum[2];                  ///< of the own blocks' probabilities of this thread's two rows
    Vals flat(KernelBuilder &k) const;
    static State of(KernelBuilder &k, llvm::ArrayRef<Val> values, int64_t tiles);
  };

  void addPages() override;
  void copyBlock(const Pages &pages, Val block, Val ordinal) override;
  void initBarriers() override;
  void oneSplit(Val firstBlock) override;
  // Queries
  struct Queries {
    QueryRows rows;
    int64_t to;
    int64_t unit;      ///< offset of the rows' units; -1: rows are copied as bf16
    int64_t termBytes; ///< from a term to the next, in chunks of a row if that is less than a tile
  };
  void loadQueries();
  void loadQueryRows(const Queries &queries);
  void storeTerms(llvm::ArrayRef<Val> words, const Queries &queries, Val row, Val piece);
  void storeWords(llvm::ArrayRef<Val> words, const Queries &queries, Val row, Val piece);
  // Blocks (E4M3AttentionBlocks.cpp)
  Val ordinalOf(Val block) { return firstOrdinal + (block - begin); }
  Val isToken(Val block, Val row);
  void zeroUnseen(Val block);
  void prepareFactors(Val block);
  Val factorsAddress(int64_t offset, int64_t bytes);
  Vals factorsOf(int64_t offset);
  Vals ratiosOf(int64_t group);
  // Scores
  struct Keys {
    Val latent, rope; ///< offsets of the tiles, in units of descriptors
  };
  Keys keysOf(Val ordinal);
  void addGroup(Vals &sums, const Keys &keys, int64_t group);
  void addRope(Vals &sums, const Keys &keys, bool start);
  void stepScales(Vals &sums, int64_t group);
  void beginTokens(Val block);
  void releaseRope(Val block);
  Vals sumScores(Vals &ropeSums, Val block);
  Vals scores(Val block);
  // Probabilities
  void softmax(State &s, Vals &scores, Val block);
  void storeProbabilities(llvm::ArrayRef<Val> halves, llvm::ArrayRef<Val> ratios, int64_t group, int64_t first);
  void storeProbabilities(llvm::ArrayRef<Val> halves);
  Vals probabilities(State &s, Val block);
  Val changeOf(Val block, int64_t half);
  void rescale(State &s, Val block);
  // Values
  struct Values {
    Val ordinal, owner; ///< the block, and the warpgroup that has made its probabilities
    Val exists;         ///< or null: it does
  };
  llvm::SmallVector<Vals> values(const Values &block, int64_t step);
  void addValues(State &s, const Values &block, int64_t step);
  void addBlock(State &s, const Values &block);
  void addLast(State &s);
  void ownBlock(State &s, Val block);
  Val rowValue(int64_t base, int64_t half) { return k.shared(base + 32 * half, row0 << 2); }
  // Barriers
  void arriveStored() { k.arriveNamed(k.i32(4) + group, 256); } ///< P of this warpgroup
  void syncStored() { k.syncNamed(k.i32(5) - group, 256); }     ///< P of the other one
  void arriveRead() { k.arriveNamed(k.i32(7) - group, 256); }   ///< P of the other one
  void syncRead() { k.syncNamed(k.i32(6) + group, 256); }       ///< P of this warpgroup
  // Results
  Vals inverseSums(const State &s);
  void sendWhole(const State &s);
  void sendPartial(const State &s);
  void sendLse(bool whole);

  E4M3AttentionLayout at;
  int64_t queryTerms;
  unsigned pagesArg, scalesArg;
  int64_t ownTiles; ///< of 64 columns, of a warpgroup
  // The current split
  Val row0, fragment, firstOrdinal; ///< fragment: of the first columns of a tile; j · 16 columns on, it is ^ j · 32
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_E4M3ATTENTIONKERNEL_H
