//===- LatentFrame.h - Threads and splits of latent attention ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_LATENTFRAME_H
#define MLA_CONVERSION_MLATOGPU_SM90_LATENTFRAME_H

#include "LatentAttention.h"

namespace mla::gpu {

/// The frame of the kernels of latent attention: a CTA computes some query rows of a sequence over the splits of its
/// part, one after the other, and stores whole or partial results.
class LatentFrame {
protected:
  LatentFrame(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, llvm::StringRef name, int64_t threads)
      : shape(shape), k(module, name, threads, /*oneBlock=*/true) {}

  /// Adds the arguments of results that only some shapes have, and of sinks.
  void addOptionalArguments();
  void setUpThreads();
  // Splits
  LatentSplit splitAt(Val sequence, Val begin);
  /// Returns the sequence and the block that the split after this one begins with.
  std::pair<Val, Val> next(const LatentSplit &split);
  /// Makes split number `ordinal` of the part the current one.
  void beginSplit(const LatentSplit &split, Val ordinal);
  // What queries see
  SeenBlocks seenBlocks() { return SeenBlocks(k, k.argument(lengthsArg), k.argument(cuArg), shape.scores.window); }
  /// Returns the first block of a sequence that its queries see; of one behind the batch, any.
  Val firstBlockOf(Val sequence);
  /// Returns the token behind those that a query row sees.
  Val borderOf(Val row);
  /// Returns whether a token is seen, given the border of the row. Before a window there are tokens, or none: a border
  /// may be negative.
  Val isSeen(Val token, Val border);
  /// Finds the tokens of the current split's sequence that all of `count` rows from this CTA's first on see.
  void findSeenByAll(int64_t count);
  /// Returns whether the block from token `start` has others.
  Val hidesSome(Val start);
  /// Returns how many tokens of a block lie before all that the sequence's queries see, not positive if none; only with
  /// a window.
  Val unseenBefore(Val block) { return firstSeen - (block << 6); }
  // Results
  /// Writes where this sequence's partial results begin and end. One thread.
  void writeSlots();
  /// Stores the LSE of a row of the sequence, given to the base 2: the natural logarithm for the user, if `whole`.
  void storeLseOfRow(Val row, Val lse, bool whole);
  /// Returns the denominator of a row of the sequence: the sum of its probabilities relative to `maximum`, to the base
  /// 2, and of a whole result its sink's. Partial results have none: it joins where they are merged.
  Val denominator(Val row, Val sum, Val maximum);

  const LatentAttentionShape &shape;
  KernelBuilder k;
  // Arguments of all these kernels
  unsigned tableArg, lengthsArg, cuArg, outArg, partialArg, partialLseArg, slotsArg, lseArg, sinksArg;
  unsigned batchArg, partsArg, widthArg, headsArg, rowsArg, scaleArg;
  // Threads; the group is a warpgroup
  Val thread, group, inGroup, lane;
  Val firstRow; ///< of this CTA, among a sequence's
  WorkSplit::Part part;
  // The current split; the rows are those of the sequence's queries: the first, and how many
  Val sequence, begin, end, length, firstBlock, slot, isLast, sequenceRow, rows, queries;
  Val firstSeen;               ///< that a query of the sequence sees; only with a window
  Val startOfAll, borderOfAll; ///< see findSeenByAll; without a window no start
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_LATENTFRAME_H
