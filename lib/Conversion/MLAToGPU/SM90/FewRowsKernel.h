//===- FewRowsKernel.h - The frame of kernels of few query rows -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_FEWROWSKERNEL_H
#define MLA_CONVERSION_MLATOGPU_SM90_FEWROWSKERNEL_H

#include "FewRows.h"
#include "RingAttention.h"

namespace mla::gpu {

/// Areas of dynamic shared memory that these kernels share, as offsets in bytes.
struct FewRowsAreas {
  int64_t p;            ///< per warpgroup: tiles [rows, 64 tokens] of probabilities
  int64_t pBytes;       ///< of a warpgroup
  int64_t staging;      ///< of half of the results, f32 [rows, columns], in the place of Q and P
  int64_t stagingPitch; ///< bytes per row
  int64_t maxima, sums; ///< f32 [8 warps][rows]
};

class FewRows : public RingAttention {
protected:
  FewRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, int64_t rowsOfBlock, const TokenRing &ring,
          const FewRowsAreas &areas, double probabilityUnit);

  /// A thread's accumulator i is of query row 8 · (i / 4) + 2 · (lane % 4) + i % 2. Own rows have an index each.
  static constexpr int64_t rowIndexOf(int64_t accumulator) { return (accumulator / 4) * 2 + (accumulator & 1); }
  int64_t ownRows() const { return rowsOfBlock / 4; }
  int64_t accumulators() const { return rowsOfBlock / 2; }
  /// The first of a thread's own rows is 2 · quad; returns the offset of another one.
  static constexpr int64_t ownRowOffset(int64_t index) { return index / 2 * 8 + index % 2; }

  /// The state carried over the blocks of a split, of one warpgroup.
  struct State {
    llvm::SmallVector<Vals> out; ///< per tile of 64 columns: [64, rows]
    Vals sum, maximum;           ///< per own row
    Vals flat(KernelBuilder &k) const;
  };

  virtual void loadQueries() = 0;
  /// Adds a block to the state; it is number `ordinal` of this ring's.
  virtual void oneBlock(State &s, Val block, Val ordinal) = 0;
  /// The column of a tile, relative to 16 · warp, that a thread's accumulators with bit 1 clear or set are of.
  virtual Val columnOf(int64_t bit) = 0;

  /// Returns each own row's largest score of all tokens of the block, from the largest of this thread's.
  Vals sharedMaxima(Vals largest);
  /// Turns scores into probabilities relative to the maximum so far, and rescales what was summed before.
  void softmax(State &s, Vals &p, const Vals &largest);
  /// Stores P^T, packed two rows at once, as a tile [rows, 64 tokens].
  void storeProbabilities(llvm::ArrayRef<Val> packed, int64_t tile);
  /// Returns whether an own row sees a token.
  Val isSeenByOwn(Val token, int64_t index) { return isSeen(token, border[index]); }

  int64_t latentTiles;    ///< of 64 columns
  double probabilityUnit; ///< probabilities are stored times this

private:
  void oneSplit(Val firstBlock) final;
  State emptyState();
  State stateOf(llvm::ArrayRef<Val> values);
  // Results, half after half of the columns
  int64_t halves() const { return latentTiles > 1 ? 2 : 1; }
  int64_t halfTiles() const { return (latentTiles + 1) / 2; }
  int64_t firstTile(int64_t half) const { return half ? latentTiles - halfTiles() : 0; }
  void finish(State &s);
  Val stagedAt(Val row, Val column);
  void stage(const State &s, int64_t half, bool adds);
  void sendWhole(int64_t half);
  void sendPartial(int64_t half);
  void sendLse(const State &s, bool whole);
  void joinGroups(State &s);

  FewRowsAreas areas;
  Vals border; ///< of own rows of the current split
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_FEWROWSKERNEL_H
