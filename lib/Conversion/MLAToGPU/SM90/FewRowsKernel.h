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

class FewRows : public PackedAttention {
public:
  FewRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape);

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

  void addPages() override;
  void copyBlock(const Pages &pages, Val block, Val ordinal, Val barrier) override;
  void oneSplit(Val firstBlock) override;
  // Blocks (FewRowsBlocks.cpp)
  Val offsetOf(Val ordinal) { return stageOf(ordinal) * at.stageBytes; }
  void zeroUnseen(Val stage, Val block);
  Vals convert(Val word, bool transposed);
  llvm::SmallVector<Vals> keys(Val stage, int64_t columns, int64_t left);
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
  void loadQueries();
  struct Queries {
    QueryRows rows;
    int64_t to;
    int64_t unit; ///< offset of the rows' units; -1: rows are copied as bf16
  };
  void loadQueryRows(const Queries &queries);
  Vals toHalves(llvm::ArrayRef<Val> words, const Queries &queries, Val row, Val piece);
  Vals loadUnits(int64_t at);
  void finish(State &s);
  void stage(const State &s, bool adds);
  void sendWhole();
  void sendPartial();
  void sendLse(const State &s, bool whole);
  void joinGroups(State &s);

  FewRowsLayout at;
  unsigned pagesArg;
  // The current split
  Vals border;              ///< of own rows
  Vals queryUnit, ropeUnit; ///< of own rows: what the stored numbers of queries are multiples of
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_FEWROWSKERNEL_H
