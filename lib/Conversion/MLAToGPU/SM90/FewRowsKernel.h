//===- FewRowsKernel.h - The kernel of few query rows -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_FEWROWSKERNEL_H
#define MLA_CONVERSION_MLATOGPU_SM90_FEWROWSKERNEL_H

#include "FewRows.h"

namespace mla::gpu {

class FewRows {
public:
  FewRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape);
  void emit();

private:
  /// Rows of a product that a thread has in its accumulators: 8j + 2(lane % 4) + e, of index 2j + e.
  static constexpr int64_t ownRows = fewRows / 4, accumulators = fewRows / 2;
  /// Probabilities are stored times this, to use the range of f16.
  static constexpr double probabilityUnit = 0x1p15;
  static constexpr int64_t rowIndexOf(int64_t accumulator) { return (accumulator / 4) * 2 + (accumulator & 1); }

  /// The state carried over the blocks of a split, of one warpgroup.
  struct State {
    llvm::SmallVector<Vals> out; ///< per tile of 64 columns: [64, 16]
    Vals sum, maximum;           ///< per own row
    Vals flat(KernelBuilder &k) const;
    static State of(KernelBuilder &k, llvm::ArrayRef<Val> values, int64_t tiles);
  };

  // Set-up and splits
  void addArguments();
  void setUp();
  LatentSplit splitAt(Val sequence, Val begin);
  std::pair<Val, Val> next(const LatentSplit &split);
  // The warp that copies
  void copyAll();
  Val pageOf(Val sequence, Val token);
  void copyBlock(const LatentSplit &split, Val block, Val ordinal);
  // Blocks (FewRowsBlocks.cpp)
  Val stageOf(Val ordinal);
  void waitFull(Val ordinal);
  void release(Val ordinal);
  void zeroBeyond(Val stage, Val left);
  Vals convert(Val word, bool transposed);
  llvm::SmallVector<Vals> keys(Val stage, int64_t step);
  Vals scoreGroup(Val stage, int64_t group);
  Vals scoreRope(Val stage);
  Vals loadScales(Val stage);
  Vals weightsOf(const Vals &scales);
  Vals sharedMaxima(const Vals &scores, const Vals &weights);
  void storeProbabilities(const Vals &p, const Vals &scales);
  void addValues(State &s, Val stage);
  Vals scores(Val stage, Val block, const Vals &scales);
  void softmax(State &s, Vals &p, const Vals &scales);
  void oneBlock(State &s, Val block, Val ordinal);
  // The whole of a split
  void beginSplit(const LatentSplit &split, Val ordinal);
  void loadQueries();
  struct Queries {
    unsigned from, stride; ///< arguments
    int64_t to, width;
    int64_t unit; ///< offset of the rows' units; -1: rows are copied as bf16
  };
  void loadQueryRows(const Queries &queries);
  Vals toHalves(llvm::ArrayRef<Val> words, const Queries &queries, Val row, Val piece);
  Vals loadUnits(int64_t at);
  void oneSplit(const LatentSplit &split, Val ordinal, Val firstBlock);
  void finish(State &s);
  void stage(const State &s, bool adds);
  void sendWhole();
  void sendPartial();
  void sendLse(const State &s, bool whole);
  void writeSlots();
  void joinGroups(State &s);
  void sync() { k.syncNamed(1, 256); }                     ///< both warpgroups
  void syncGroup() { k.syncNamed(k.i32(2) + group, 128); } ///< this one

  const LatentAttentionShape &shape;
  FewRowsLayout at;
  KernelBuilder k;
  unsigned qArg, ropeArg, pagesArg, tableArg, lengthsArg, cuArg, outArg, partialArg, partialLseArg, slotsArg, lseArg;
  unsigned batchArg, partsArg, widthArg, headsArg, rowsArg, pageCountArg, strideArg, ropeStrideArg, scaleArg;
  Val thread, group, inGroup, lane, warp, warpOfBoth, quad;
  Val firstRow; ///< of this CTA, among a sequence's
  WorkSplit::Part part;
  // The current split
  Val sequence, begin, end, length, slot, isLast, sequenceRow, rows;
  Vals border;              ///< of own rows: tokens below it are visible
  Vals queryUnit, ropeUnit; ///< of own rows: what the stored numbers of queries are multiples of
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_FEWROWSKERNEL_H
