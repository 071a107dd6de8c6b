//===- FewPackedRows.h - Few query rows on a packed cache -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// K and V^T are operands from registers: e4m3 from shared memory, converted to
// f16, which holds every number of e4m3, so that one instruction converts two.
// Q is stored as multiples of a power of two per row, P relative to the largest
// product of a probability and a scale: both use f16's range.
//
// A block of cached rows is copied as it lies. Scales of the latent are factors
// of scores, where tokens are rows, and of probabilities: P has a copy per group
// of columns.
//
// A register of A holds two neighbours along k. In K these are two columns: of 16
// columns, lanes take 4 neighbouring bytes, so k runs over columns 0, 1, 4, 5, …,
// then 2, 3, 6, 7, …, and Q is stored in that order. In V^T they are two tokens
// of one column: a transposing load brings two columns of two tokens, so rows
// 0…7 of a product are the even columns of 16, rows 8…15 the odd ones.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_FEWPACKEDROWS_H
#define MLA_CONVERSION_MLATOGPU_SM90_FEWPACKEDROWS_H

#include "FewRowsKernel.h"

namespace mla::gpu {

/// Threads that copy a block.
inline constexpr int64_t copiersOfBlock = 128;

/// Offsets in dynamic shared memory, in bytes.
struct FewPackedRowsLayout {
  explicit FewPackedRowsLayout(const LatentAttentionShape &shape);
  schema::PackedRow row;
  int64_t latentTiles, ropeSteps;  ///< tiles of 64 columns; products of 16 columns of k_rope
  int64_t groups;                  ///< of columns with a scale; 1 if there are none
  int64_t q, ropeQ;                ///< tiles [16 rows, 64 columns]
  FewRowsAreas areas;              ///< P has a tile per group of columns
  int64_t ring, pitch, stageBytes; ///< pitch: from row to row of a stage
  int64_t queryUnit, ropeUnit;     ///< f32 [16 rows]
  int64_t full, empty;             ///< barriers of the stages
  int64_t bytes;
  static constexpr int64_t stages = 4;
  /// Each warpgroup reads every other block.
  TokenRing tokenRing() const { return {stages, full, empty, /*readers=*/4, /*rings=*/1, copiersOfBlock}; }
};

class FewPackedRows : public FewRows {
public:
  FewPackedRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape);

private:
  void addPages() override;
  Pages inChunks(const Pages &pages, int64_t first, int64_t rowChunks);
  void copyBlock(const Pages &pages, Val block, Val ordinal) override;
  void oneBlock(State &s, Val block, Val ordinal) override;
  Val columnOf(int64_t bit) override { return ((lane >> 2) << 1) + bit; }
  // Queries
  struct Queries {
    QueryRows rows;
    int64_t to;
    int64_t unit; ///< offset of the rows' units; -1: rows are copied as bf16
  };
  void loadQueries() override;
  void loadQueryRows(const Queries &queries);
  Vals toHalves(llvm::ArrayRef<Val> words, const Queries &queries, Val row, Val piece);
  Vals loadUnits(int64_t at);
  // Blocks (FewPackedRowsBlocks.cpp)
  Val offsetOf(Val ordinal) { return stageOf(ordinal) * at.stageBytes; }
  Vals convert(Val word, bool transposed);
  llvm::SmallVector<Vals> keys(Val stage, int64_t columns, int64_t left);
  Vals scoreGroup(Val stage, int64_t group);
  Vals scoreRope(Val stage);
  Vals loadScales(Val stage);
  Vals weightsOf(const Vals &scales);
  Vals largestOf(const Vals &scores, const Vals &weights);
  void storeScaled(const Vals &p, const Vals &scales);
  void addValues(State &s, Val stage);
  Vals scores(Val stage, Val block, const Vals &scales);

  FewPackedRowsLayout at;
  unsigned pagesArg;
  Vals queryUnit, ropeUnit; ///< of own rows of the current split: what the stored numbers of queries are multiples of
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_FEWPACKEDROWS_H
