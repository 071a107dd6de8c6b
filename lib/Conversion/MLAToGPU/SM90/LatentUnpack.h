//===- LatentUnpack.h - A packed cache for latent attention -----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The third warpgroup, which the kernel has if the cache is packed: it reads
// rows in e4m3, converts them to bf16 in registers and stores them where TMA
// stores the rows of a standard cache. The values are those that are cached,
// rounded once.
//
// Each warp has 16 tokens of every block, which are in one page. A stage is
// filled half by half, in the order in which the products read it. Registers
// hold the next half while one is converted; rows of the block after the next
// are prefetched to L2. The other warpgroups release a half of a stage when they
// have read it.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_LATENTUNPACK_H
#define MLA_CONVERSION_MLATOGPU_SM90_LATENTUNPACK_H

#include "LatentAttentionKernel.h"

namespace mla::gpu {

class LatentUnpack {
public:
  explicit LatentUnpack(LatentAttention &kernel);
  /// Fills all blocks of the CTA's part.
  void run();

private:
  static constexpr int64_t warpTokens = 16; ///< of a block
  static constexpr int64_t laneRows = 2;    ///< of these; four lanes read 64 columns of a row

  /// A block of a split.
  struct Place {
    Val sequence, begin, end, limit, block;
    static constexpr size_t count = 5;
    static Place of(llvm::ArrayRef<Val> state) { return {state[0], state[1], state[2], state[3], state[4]}; }
    Vals state() const { return {sequence, begin, end, limit, block}; }
    Val stage() const { return (block - begin) & 1; }
  };
  /// A lane's part of a tile, as it is cached: 16 columns of each of its rows, and their scales, if there are any.
  struct Piece {
    Val words[laneRows], scales[laneRows];
  };
  /// What is converted, and what is loaded meanwhile.
  struct Half {
    Place place;
    Val number; ///< of the half of the stage
    int64_t tiles;
    Val firstTile;
  };

  Place placeOf(const LatentSplit &split);
  Place after(const Place &place);
  Val pageOf(const Place &place);
  Val tokenOf(const Place &place);
  Val rowsOf(const Place &place, Val page);
  void prefetchRows(Val rows);
  Piece load(Val rows, Val tile);
  Vals convert(const Piece &piece, int64_t row);
  void store(const Piece &piece, Val stage, Val tile);
  void fill(const Half &half, Val parity, llvm::function_ref<void(int64_t index)> loadNext);
  void fillRope(const Place &place, Val page, Val rows);
  Vals oneBlock(llvm::ArrayRef<Val> state);
  Half firstHalf(const Place &place);
  Half secondHalf(const Place &place);
  Vals pack(const Piece &piece) const;
  Piece unpack(llvm::ArrayRef<Val> state) const;
  size_t pieceValues() const { return row.numScales ? 2 * laneRows : laneRows; }

  LatentAttention &kernel;
  KernelBuilder &k;
  const LatentLayout &at;
  schema::PackedRow row;
  Val warpToken, laneRow, column; ///< the column is that of this lane's 16 in a tile, over 16
  Val chunk[2];                   ///< offsets of these columns in a tile
  llvm::SmallVector<Piece> pieces;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_LATENTUNPACK_H
