//===- RingAttention.h - Kernels with a ring of cached tokens ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The frame of the kernels of latent attention in which two warpgroups compute,
// and threads of a third one copy blocks of cached tokens into rings. FewRows and
// E4M3Attention derive from it.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_RINGATTENTION_H
#define MLA_CONVERSION_MLATOGPU_SM90_RINGATTENTION_H

#include "LatentFrame.h"

namespace mla::gpu {

/// Two warpgroups that compute, and one that copies.
inline constexpr int64_t ringAttentionThreads = 384;

/// A ring of stages in shared memory, each with a block of cached tokens, or with some of a block's columns. With two
/// rings, each warpgroup has its own, and takes every other block of a split.
struct TokenRing {
  int64_t stages;
  int64_t full, empty; ///< barriers of the stages, ring after ring
  int64_t readers;     ///< warps that read a stage
  int64_t rings = 1;
  int64_t copiers = 1;   ///< threads that fill a ring
  bool converts = false; ///< they convert what they copy
};

class RingAttention : protected LatentFrame {
public:
  virtual ~RingAttention() = default;
  void emit();

protected:
  RingAttention(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, llvm::StringRef name,
                int64_t rowsOfBlock, const TokenRing &ring);

  /// Adds the arguments that stand for the pages.
  virtual void addPages() = 0;
  struct Pages {
    Vals numbers; ///< of a block's pages
    Val left;     ///< tokens of the sequence from the block's first on
    Val before;   ///< tokens of the block before all windows, not positive if none; only with a window
    /// Returns whether a row of the block is a token that some query may see. Others may hold NaN.
    Val haveToken(Val row) const { return before ? (row < left) & (row >= before) : row < left; }
  };
  /// Copies block number `ordinal` of this ring from its pages into the stages that are next: all threads that fill it.
  virtual void copyBlock(const Pages &pages, Val block, Val ordinal) = 0;
  /// Waits until the stage of this ordinal is empty; returns the barrier on which the copied bytes count.
  Val beginFilling(Val ordinal);
  /// Initialises further barriers. One thread.
  virtual void initBarriers() {}
  /// Computes the current split. Its first block is number `firstBlock` of this ring's.
  virtual void oneSplit(Val firstBlock) = 0;

  /// Stores the LSE of a row of this CTA as storeLseOfRow, if the row is of the sequence.
  void storeLse(Val row, Val lse, bool whole);
  /// Tokens of a page that a block has.
  int64_t rowsAtOnce() const { return std::min(shape.page, blockTokens); }
  // Queries
  struct QueryRows {
    unsigned from, stride; ///< arguments
    int64_t width;         ///< elements of a row
    int64_t stored;        ///< the same with zeros behind it
  };
  /// Calls `store` with 16 columns of a row of this CTA's, as eight pairs of bf16: zeros beyond the sequence's rows and
  /// the row's width. Consecutive lanes have a row. Both warpgroups.
  void forQueries(const QueryRows &queries,
                  llvm::function_ref<void(llvm::ArrayRef<Val> words, Val row, Val piece)> store);
  /// The numbers of a piece over a power of two, which makes the row's largest one 2^exponent to 2^(exponent + 1).
  struct Normalized {
    Vals values;
    Val unit;
  };
  Normalized normalize(llvm::ArrayRef<Val> words, int64_t piecesOfRow, int64_t exponent);
  // The ring of this thread: what is filled and read has ordinals, and lies in a stage each
  Val stageOf(Val ordinal) { return ringBegin + ordinal % ring.stages; }
  /// Returns the ordinal of a block of the current split.
  Val ordinalOf(Val firstBlock, Val block) { return firstBlock + (block - begin) / ring.rings; }
  void waitFull(Val ordinal);
  /// Reports that this warp has read a stage, if the condition holds.
  void release(Val ordinal, Val condition);
  // Threads
  void sync() { k.syncNamed(1, 256); }                     ///< both warpgroups
  void syncGroup() { k.syncNamed(k.i32(2) + group, 128); } ///< this one

  unsigned qArg, ropeArg, pageCountArg, strideArg, ropeStrideArg;
  Val warp, warpOfBoth, quad;
  int64_t rowsOfBlock; ///< query rows of this CTA

private:
  void addArguments();
  void setUp();
  Vals pageNumbers(const LatentSplit &split, Val block);
  void copySplit(const LatentSplit &split, Val ordinal);
  void setRing(Val number);
  void copyAll();
  void computeAll();
  Val ownBlocks(const LatentSplit &split);

  TokenRing ring;
  Val ownRing, ringBegin; ///< of this thread: the number of its ring, and the ring's first stage
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_RINGATTENTION_H
