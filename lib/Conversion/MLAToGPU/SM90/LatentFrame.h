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

  void setUpThreads();
  // Splits
  LatentSplit splitAt(Val sequence, Val begin);
  /// Returns the sequence and the block that the split after this one begins with.
  std::pair<Val, Val> next(const LatentSplit &split);
  /// Makes split number `ordinal` of the part the current one.
  void beginSplit(const LatentSplit &split, Val ordinal);
  /// Returns the tokens that a query row sees.
  Val borderOf(Val row);
  // Results
  /// Writes where this sequence's partial results begin and end. One thread.
  void writeSlots();
  /// Stores the LSE of a row of the sequence, given to the base 2: the natural logarithm for the user, if `whole`.
  void storeLseOfRow(Val row, Val lse, bool whole);

  const LatentAttentionShape &shape;
  KernelBuilder k;
  // Arguments of all these kernels
  unsigned tableArg, lengthsArg, cuArg, outArg, partialArg, partialLseArg, slotsArg, lseArg;
  unsigned batchArg, partsArg, widthArg, headsArg, rowsArg, scaleArg;
  // Threads; the group is a warpgroup
  Val thread, group, inGroup, lane;
  Val firstRow; ///< of this CTA, among a sequence's
  WorkSplit::Part part;
  // The current split; the rows are those of the sequence's queries: the first, and how many
  Val sequence, begin, end, length, slot, isLast, sequenceRow, rows, queries;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_LATENTFRAME_H
