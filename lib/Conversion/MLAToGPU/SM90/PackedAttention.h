//===- PackedAttention.h - Kernels that read packed rows --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The frame of the kernels of latent attention that multiply the numbers of a
// packed cache as they are: two warpgroups compute, one thread of a third one
// copies blocks of cached tokens into a ring. FewRows and E4M3Attention derive
// from it.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_PACKEDATTENTION_H
#define MLA_CONVERSION_MLATOGPU_SM90_PACKEDATTENTION_H

#include "LatentFrame.h"

namespace mla::gpu {

/// Two warpgroups that compute, and one of which a thread copies.
inline constexpr int64_t packedAttentionThreads = 384;

/// Returns whether these kernels take a cache.
bool isTakenPacked(CacheType cache);

/// A ring of stages in shared memory, each with a block of cached tokens.
struct PackedRing {
  int64_t begin, stageBytes, stages;
  int64_t full, empty; ///< barriers of the stages
  int64_t readers;     ///< warps that read a block
};

class PackedAttention : protected LatentFrame {
public:
  virtual ~PackedAttention() = default;
  void emit();

protected:
  PackedAttention(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, llvm::StringRef name,
                  int64_t rowsOfBlock, const PackedRing &ring);

  /// Adds the arguments that stand for the pages.
  virtual void addPages() = 0;
  /// The pages of a block: their numbers, and whether they have tokens of the sequence.
  struct Pages {
    Vals numbers, exist;
  };
  /// Copies block number `ordinal` of this CTA's from its pages into an empty stage; the bytes count on `barrier`. One
  /// thread.
  virtual void copyBlock(const Pages &pages, Val block, Val ordinal, Val barrier) = 0;
  /// Initialises further barriers. One thread.
  virtual void initBarriers() {}
  /// Computes the current split. Its first block is number `firstBlock` of this CTA's.
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
  // The ring: block `ordinal` of this CTA's is in one of its stages
  Val stageOf(Val ordinal) { return ordinal % ring.stages; }
  void waitFull(Val ordinal);
  /// Reports that this warp has read a block, if the condition holds.
  void release(Val ordinal, Val condition);
  // Threads
  void sync() { k.syncNamed(1, 256); }                     ///< both warpgroups
  void syncGroup() { k.syncNamed(k.i32(2) + group, 128); } ///< this one

  unsigned qArg, ropeArg, pageCountArg, strideArg, ropeStrideArg;
  Val warp, warpOfBoth, quad;

private:
  void addArguments();
  void setUp();
  Pages pagesOf(const LatentSplit &split, Val block);
  void copyAll();
  void computeAll();

  int64_t rowsOfBlock;
  PackedRing ring;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_PACKEDATTENTION_H
