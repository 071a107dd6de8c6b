//===- WorkSplit.h - Which part attends to which blocks ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Split-KV: the cached tokens of a batch, in blocks of 64, are divided among
// parts, one part a multiprocessor (and row block). The division is a function
// of the lengths alone, in closed form over prefix sums, so every block of
// threads computes its own part in about a microsecond: there is no
// metadata, no kernel that makes it, and a captured graph may be replayed with
// other lengths.
//
// A piece is a run of blocks of one sequence in one part. A sequence of one
// piece is finished by it; the pieces of others leave partial results in slots,
// which the merge kernel combines. Three ways, taken at run time by predicted
// cost (the largest part's blocks, and `overhead` blocks a piece):
//   even     each sequence in ceil(blocks / t) equal pieces, one a part
//   line     sequences end to end on a line, `overhead` before each, cut every
//            T blocks; cuts close to a sequence's border move there
//   fixed    (a choice, not by cost) pieces of a fixed number of blocks: what is
//            computed for a sequence does not depend on the batch it is in
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_KERNELS_WORKSPLIT_H
#define MLA_CONVERSION_MLATOGPU_KERNELS_WORKSPLIT_H

#include "../KernelBuilder.h"

namespace mla::gpu {

struct WorkSplitChoices {
  int64_t overhead = 5;  ///< what a piece costs beside its blocks, in blocks
  int64_t minBlocks = 1; ///< blocks of a piece, at least, where sequences are cut evenly
  int64_t fixed = 0;     ///< 0, or blocks of every piece
};

/// Tokens of a block.
inline constexpr int64_t blockTokens = 64;

/// The division of one batch, as values of a kernel. All warps compute the same.
class WorkSplit {
public:
  /// Emits `body` with the division of a batch and returns what it yields. `lengths`: i32[batch] in global memory;
  /// `parts`: how many parts there are. The code is there twice: for up to 128 sequences all is in registers.
  static Vals divide(KernelBuilder &k, const WorkSplitChoices &choices, Val lengths, Val batch, Val parts,
                     llvm::function_ref<Vals(WorkSplit &)> body);

  /// The pieces of a part: from block `firstBlock` of sequence `first` to before block `endBlock` of sequence `last`;
  /// none if first > last. The i-th piece has slot `slot` + i, in the line's way slot + min(i, 1).
  struct Part {
    Val first, firstBlock, last, endBlock, slot;
  };
  Part partOf(Val part);

  /// The pieces of a sequence, in order: the first has slot firstSlot, the i-th slot secondSlot + (i - 1) · step.
  struct Pieces {
    Val count, firstSlot, secondSlot, step;
  };
  Pieces piecesOf(Val sequence);

  /// Blocks of a sequence, at least one: an empty sequence has a result too.
  Val blocksOf(Val sequence);

  /// How many slots there are, in the symbols of a launch.
  static mlir::AffineExpr slots(const WorkSplitChoices &choices, mlir::AffineExpr parts, mlir::AffineExpr batch,
                                mlir::AffineExpr maxLength);

private:
  using Weight = llvm::function_ref<Val(Val blocks)>;
  struct Place {
    Val sequence, start, blocks; ///< the sequence that holds a position, where it starts, and its blocks
  };
  WorkSplit(KernelBuilder &k, const WorkSplitChoices &choices, Val lengths, Val batch, Val parts, bool inRegisters);
  Val blocksOfRun(Val i);
  Vals overRun(llvm::ArrayRef<Val> initial,
               llvm::function_ref<Vals(Val sequence, Val blocks, llvm::ArrayRef<Val> state)> step);
  Val sumOfRun(Weight weight);
  std::pair<Val, Val> prefixOfLane(Weight weight);
  Place find(Val position, Val prefix, Weight weight);
  Val startOf(Val sequence, Val prefix, Weight weight);
  Val evenPieceBlocks(Val total);
  void chooseWay(Val total, Val longest);
  Val evenPieces(Val blocks);
  Part evenPart(Val part);
  Part fixedPart(Val part);
  Part linePart(Val part);
  std::pair<Val, Val> lineCut(Val part);
  Pieces evenPiecesOf(Val sequence);
  Pieces linePiecesOf(Val sequence);

  KernelBuilder &k;
  WorkSplitChoices choices;
  int64_t snap; ///< cuts this close to a border move there
  Val lengths, batch, parts;
  Val lane, run, runBegin, runEnd; ///< a lane looks after `run` neighbouring sequences
  Vals own;                        ///< blocks of those, or 0, where they are in registers
  Val pieceBlocks;                 ///< even and fixed: blocks of a piece, at most
  Val pieces, piecePrefix;         ///< even and fixed: pieces of the batch, and of the lanes before this one
  Val cut, lineLength, linePrefix; ///< line: blocks between cuts, the whole, and that of the lanes before this one
  Val isEven;
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_KERNELS_WORKSPLIT_H
