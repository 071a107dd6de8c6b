//===- ProjectionChoices.h - Tiles of a product with weights ----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The schedule of a projection, and its default on an H100. Depends on no MLIR,
// so that passes that decide need not depend on code generation.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONCHOICES_H
#define MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONCHOICES_H

#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <cstdint>

namespace mla::gpu {

/// The blocks of w with one scale, if it is e4m3.
struct WeightBlocks {
  int64_t rows = 0, columns = 0; ///< of a head; of n and of k, which may count as one block
};

/// y[t, h, n] = sum_k x[t, h, k] · w[h, n, k], as mla.project after a reshape: plain and from_heads have one head,
/// to_heads has one head and all rows.
struct ProjectionDims {
  int64_t heads = 1;
  int64_t rows = 0;       ///< n, a multiple of 8
  int64_t contracted = 0; ///< k, a multiple of 8, of e4m3 of 16
  /// Columns of k of x with one scale, if x and w are e4m3: 32, 64 or 128. 0: they are bf16.
  int64_t group = 0;
  int64_t terms = 1; ///< of an element of x
  WeightBlocks blocks = {};
  /// Rows of the first of two weights, whose rows are one after the other, a multiple of tileRows; 0: there is one.
  int64_t border = 0;
  /// The rows of a weight are gates, then ups, as many: y is mla.swiglu of both products.
  bool gated = false;
  /// Weights of experts, of which each multiplies its own tokens; 0: one weight multiplies all. A token has one row per
  /// choice.
  int64_t experts = 0, choices = 1;

  bool isScaled() const { return group > 0; }
  int64_t elementBytes() const { return isScaled() ? 1 : 2; }
  /// Columns of k of a stage: 128 bytes.
  int64_t stageColumns() const { return 128 / elementBytes(); }
  /// Whether parts of k may be summed by another kernel.
  bool maySplit() const { return !gated && !experts; }
  /// Rows of y per head.
  int64_t resultRows() const { return gated ? rows / 2 : rows; }
  /// Stages of a whole sum.
  int64_t steps() const { return (contracted + stageColumns() - 1) / stageColumns(); }
};

/// A tile of y is `tileRows` rows of the weight times `tileTokens` tokens. In a schedule: rows, tokens, stages, splits,
/// blocks, turns, streamed, early, appends, tokens_on_m.
struct ProjectionChoices {
  int64_t tileRows = 64;   ///< 64 or 128: one or two warpgroups that multiply; with tokens on M 64, 128 or 192
  int64_t tileTokens = 16; ///< 16, or a multiple of 32 up to 256, of e4m3 up to 192; on M 64, 128, 192 or 256
  int64_t stages = 8;      ///< 128 bytes of k of both tiles, in shared memory at the same time
  int64_t splits = 1;      ///< parts of k, summed by another kernel
  int64_t blocks = 1;      ///< CTAs per SM
  int64_t turns = 1;       ///< warpgroups per 64 rows, which multiply stages in turn; divides stages
  bool streamed = false;   ///< each weight is read about once: leave L2 to the tokens
  bool direct = false;     ///< by threads, without tiles: of few tokens (DirectProduct.h)
  bool early = false;      ///< dependents are launched when the product starts, not when it ends
  bool appends = false;    ///< other CTAs of the same launch append, if the kernel does, not a launch of their own

  /// Tokens, not rows, are on the tensor cores' M: of e4m3, where 64 rows have one scale, or all gates of a tile and
  /// all ups. A thread's sums then have few scales, instead of those of many tokens.
  bool tokensOnM = false;

  /// Warpgroups that share a tile, and those of all turns.
  int64_t groups() const {
    int64_t mostOnM = tileTokens == 192 ? 3 : 2;
    return tokensOnM ? std::min<int64_t>(tileTokens / 64, mostOnM) : tileRows / 64;
  }
  int64_t multiplyingGroups() const { return groups() * turns; }
  /// Tokens on M: times that a warpgroup multiplies 64 tokens per stage, and sets of registers for products. With two,
  /// products run while those of the stage before are scaled.
  int64_t waves() const { return tileTokens / (64 * groups()); }
  int64_t productSets() const { return waves() == 1 && groups() < 3 && tileRows <= 128 ? 2 : 1; }
  /// Whether the copying warpgroup leaves registers to those that multiply.
  bool movesRegisters() const { return tokensOnM && groups() > 1; }
  /// Registers per thread of both, with one CTA per SM, whose threads start with equal shares. Multiples of 8.
  static constexpr int64_t copyingRegisters = 32;
  int64_t multiplyingRegisters() const;
  int64_t sharedBytes(const ProjectionDims &dims) const; ///< dynamic shared memory per CTA
  /// Returns whether a kernel supports them: known tiles, no part without columns of k, enough shared memory.
  bool areValidFor(const ProjectionDims &dims) const;
};

/// Up to so many tokens a product is direct, if it has up to so many columns of k; its CTAs have so many threads. Tiles
/// are faster with four tokens (docs/performance.md).
inline constexpr int64_t directTokens = 1, directWidth = 8192, directThreads = 256;
/// Returns how many lanes share a row of k columns, 8 at a time.
int64_t directLanes(int64_t contracted);
/// Returns whether products of up to directTokens tokens should be direct: w is bf16, and all CTAs run at the same time
/// on `processors` SMs, with w in their registers.
bool shouldBeDirect(const ProjectionDims &dims, int64_t processors);

/// Changes choices so that one more CTA fits on an SM beside those of the product, if they have other stages or one CTA
/// less. Leaves them as they are otherwise.
void leaveRoom(ProjectionChoices &choices, const ProjectionDims &dims);

/// What the time of a product is predicted from. Rates are per microsecond or per cycle. Fitted to measurements of an
/// H100 with these kernels; benchmarks/fit_projections.cpp has the error of the fit, and refits
/// (docs/performance.md).
struct ProjectionModel {
  double memoryRate = 3.0e6;       ///< bytes of memory
  double intakeRate = 71e3;        ///< bytes that an SM reads
  double cycleRate = 1450;         ///< cycles under the load of tensor cores
  double sumKernelTime = 3.0;      ///< microseconds that the additional kernel adds to a step
  double sumRate = 1.5e6;          ///< bytes of that kernel
  double storeLatency = 500;       ///< cycles of storing a tile, while its CTA multiplies nothing
  double storedPerCycle = 32;      ///< elements, likewise
  double leastProductTime = 24;    ///< cycles of a product of 64 rows
  double stageLatency = 60;        ///< cycles that a warpgroup waits between its stages; products of bf16 overlap
  double scaledStageLatency = 430; ///< of e4m3, for products, then for scales (measured on an H200: 548 per stage of 16
                                   ///< tokens, of which 110 are products and scaling)
  /// Cycles of the warp that copies scales of e4m3 word by word: of a stage, and of 32 words (measured on an H200: 370
  /// per stage of 64 rows and 16 tokens).
  double copiedStage = 100, copiedWords = 90;
  /// Tokens on M: cycles between products of 64 tokens, with two sets of registers for them and with one (measured on
  /// an H200 at 4,096 tokens).
  double betweenAhead = 95, betweenInTurn = 125;
  double shownPart = 0.15; ///< of what is not the bound, and not hidden behind it
};

/// Returns the predicted microseconds of a product of choices, at least one head and token.
double predictProjection(const ProjectionDims &dims, int64_t tokens, int64_t processors,
                         const ProjectionChoices &choices, const ProjectionModel &model = {});

/// Returns the best choices for up to `tokens` tokens on a device of `processors` SMs. Any choice is correct for any
/// number of tokens.
ProjectionChoices chooseProjection(const ProjectionDims &dims, int64_t tokens, int64_t processors);

/// Returns the numbers of tokens of decode, in ascending order, up to which other choices are better than beyond.
llvm::SmallVector<int64_t> chooseProjectionLimits(const ProjectionDims &dims, int64_t processors);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_PROJECTIONCHOICES_H
