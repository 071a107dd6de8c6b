//===- WorkSplit.h - Which part attends to which blocks ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Split-KV: the cached tokens of a batch, in blocks of 64, are divided among
// parts, one part a multiprocessor (and row block). The division is a function
// of the lengths alone (with a window, which hides blocks, of the numbers of
// queries too), by prefix sums, so every block of threads computes its own part, in 1.5 to 3.3 microseconds on an H100:
// there is no metadata, no kernel that makes it, and a captured graph may be replayed with other lengths.
//
// A split is a run of blocks of one sequence in one part. A sequence of one
// split is finished by it; the splits of others leave partial results in slots,
// which the merge kernel combines. Three ways, taken at run time by predicted
// cost (the largest part's blocks, `overhead` blocks a split, and `merge` blocks
// if any sequence has several):
//   even     each sequence in ceil(blocks / t) equal splits, one a part
//   line     sequences end to end on a line, `overhead` before each, cut every
//            T blocks; cuts close to a sequence's border move there
//   fixed    (a choice, not by cost) splits of a fixed number of blocks: what is
//            computed for a sequence does not depend on the batch it is in
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_WORKSPLIT_H
#define MLA_CONVERSION_MLATOGPU_SM90_WORKSPLIT_H

#include "mla/Conversion/MLAToGPU/KernelBuilder.h"

namespace mla::gpu {

struct WorkSplitChoices {
  int64_t overhead = 5;  ///< what a split costs beside its blocks, in blocks
  int64_t merge = 4;     ///< what merging partial results costs, in blocks, where there are any
  int64_t minBlocks = 2; ///< blocks of a split, at least, where sequences are cut evenly
  int64_t fixed = 0;     ///< 0, or blocks of every split

  std::string suffix() const; ///< for names of kernels
};

/// Tokens of a block.
inline constexpr int64_t blockTokens = 64;

/// The blocks of each sequence's cache that some query sees: from the first one's window on, if there is one.
class SeenBlocks {
public:
  /// `lengths`: i32[batch]; `cu`: i32[batch + 1], of queries; both in global memory. `window`: keys that a query sees,
  /// or 0.
  SeenBlocks(KernelBuilder &k, Val lengths, Val cu, int64_t window) : k(k), lengths(lengths), cu(cu), window(window) {}
  bool startAt0() const { return !window; }
  /// Returns the first token that a query of the sequence sees; only with a window.
  Val firstToken(Val sequence);
  /// Returns the first block.
  Val first(Val sequence);
  /// Returns how many there are, at least one: an empty sequence has a result too.
  Val count(Val sequence);

private:
  KernelBuilder &k;
  Val lengths, cu;
  int64_t window;
};

/// The division of one batch, as values of a kernel. All warps compute the same.
class WorkSplit {
public:
  /// `parts`: how many parts there are. The code is loops even where a lane has one sequence: unrolled it is quicker
  /// itself, but the attention kernel as a whole is slower, by the misses of its instructions.
  WorkSplit(KernelBuilder &k, const WorkSplitChoices &choices, const SeenBlocks &seen, Val batch, Val parts);

  /// The splits of a part: from block `firstBlock` of sequence `first` to before block `endBlock` of sequence `last`;
  /// none if first > last. The i-th split has slot `slot` + i, in the line's way slot + min(i, 1).
  struct Part {
    Val first, firstBlock, last, endBlock, slot;
  };
  Part partOf(Val part);

  /// The splits of a sequence, in order: the first has slot firstSlot, the i-th slot secondSlot + (i - 1) · step.
  struct Splits {
    Val count, firstSlot, secondSlot, step;
  };
  /// From the slots of the first and the last one; first is negative where there is but one split.
  static Splits splitsOf(KernelBuilder &k, const WorkSplitChoices &choices, Val first, Val last);

  /// How many slots there are, in the symbols of a launch.
  static mlir::AffineExpr slots(const WorkSplitChoices &choices, mlir::AffineExpr parts, mlir::AffineExpr batch,
                                mlir::AffineExpr maxLength);

private:
  struct Place {
    Val sequence, start, blocks; ///< the sequence that holds a position, where it starts, and its blocks
  };
  struct Cut {
    Val sequence, block;
  };
  Val blocksOfRun(Val i);
  Vals overRun(llvm::ArrayRef<Val> initial,
               llvm::function_ref<Vals(Val sequence, Val blocks, llvm::ArrayRef<Val> state)> step);
  Val weightOf(Val blocks);
  std::pair<Place, Place> find(Val position0, Val position1);
  Val mergeCost(Val isWhole);
  Val evenSplits(Val blocks);
  Val splitsOfRun();
  Val leastSplit(Val total, Val longest);
  Val chooseEvenSplits(Val total, Val longest);
  Vals chooseWay(Val total, Val longest);
  Part seenPart(Val part);
  Part fixedPart(Val part);
  Cut lineCut(Val position, const Place &place);
  // first, firstBlock, last and endBlock of a part
  Vals evenRange(Val part, const Place &place);
  Vals lineRange(Val part, Cut begin, const Cut &end);

  KernelBuilder &k;
  WorkSplitChoices choices;
  int64_t snap; ///< cuts this close to a border move there
  SeenBlocks seen;
  Val batch, parts;
  Val lane, run, runBegin, runEnd; ///< a lane looks after `run` neighbouring sequences
  Val firstBlocks;                 ///< blocks of the first of them, or 0
  Val splitBlocks;                 ///< even and fixed: blocks of a split, at most
  Val isEven, cut;                 ///< the way that was chosen; line: blocks between cuts
  Val prefix, all;                 ///< what the lanes before this one, and all, count for
};

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_WORKSPLIT_H
