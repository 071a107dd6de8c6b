//===- Projection.h - Products of tokens with weights -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_PROJECTION_H
#define MLA_CONVERSION_MLATOGPU_SM90_PROJECTION_H

#include "Append.h"
#include "Hopper.h"
#include "ProjectionChoices.h"

namespace mla::gpu {

/// Who fills and empties a stage, which depends on the elements.
struct StagePolicy {
  int64_t copyingLanes; ///< of the copying warp: the first copies tiles, all of them scales
  int64_t fillers;      ///< threads that arrive at the barrier of a full stage
  int64_t emptiers;     ///< threads that arrive at the barrier of an empty stage, per 64 rows
  bool hasBoxes;        ///< tiles of tokens that may not be full are copied in parts
};
inline constexpr StagePolicy plainStages = {1, 1, 1, true};
/// Besides the thread that announces tiles, every lane arrives with its scales, and every warp that multiplies reads
/// scales. The copying warp has no time for more boxes.
inline constexpr StagePolicy scaledStages = {32, 1 + 32, 4, false};
/// With tokens on M, threads that multiply read their few scales themselves.
inline constexpr StagePolicy tokensOnMStages = {1, 1, 4, true};

/// The parameters of the code; tokens and strides are arguments.
struct ProjectionShape {
  ProjectionDims dims;
  ProjectionChoices choices;
  bool floatResult = false;          ///< y is f32 and contiguous
  bool scattered = false;            ///< of experts: row r of y is stored as row order[r]
  std::optional<AppendShape> append; ///< by the last CTAs of the same kernel, which need none of y

  std::string name() const;    ///< of the product
  std::string sumName() const; ///< of the kernel that sums the parts of k
  int64_t threads() const;     ///< per CTA of the product
  const StagePolicy &stagePolicy() const {
    return choices.tokensOnM ? tokensOnMStages : dims.isScaled() ? scaledStages : plainStages;
  }
  /// Sums of f32, of the product with splits: [splits, tokens, heads, rows].
  int64_t partialBytesPerToken() const;
  /// The tensor maps' boxes, innermost first: of w [k, n, heads or experts], of x [k, tokens, terms · heads], of y [n,
  /// tokens, heads]. A gated w is [k, 8, 2, n / 16, experts]: eight gates and their eight ups are neighbours, so that a
  /// thread has the sums of both.
  llvm::SmallVector<int64_t> weightBox() const, tokenBox() const, resultBox() const;
  /// Tokens copied at once: parts of a tile that may not be full, since the copy engine fills a box with zeros more
  /// slowly than with tokens.
  int64_t tokensOfBox() const;
};

/// Offsets in dynamic shared memory, in bytes.
struct ProjectionLayout {
  ProjectionLayout(const ProjectionChoices &choices, const ProjectionDims &dims);
  int64_t weightBytes, tokenBytes, stageBytes; ///< a stage is a tile of w, then one of x per term
  int64_t storedTokens;                        ///< stored at a time
  int64_t result;                              ///< one tile of y per warpgroup, one row per token
  /// Of e4m3, per stage and group of columns: a scale per token of the tile, then one per row; none with tokens on M.
  int64_t scales, groupBytes, scaleBytes; ///< scaleBytes: of a stage
  int64_t parts, partBytes; ///< sums of every turn but the first: f32 [tokens / 2][128 threads] per 64 rows
  /// Of experts: where the tiles of each end, and where its tokens start, i32.
  int64_t ends, starts;
  int64_t full, empty, bytes;
};

inline constexpr int64_t gatedRows = 8; ///< neighbouring rows that are gates, or ups

inline constexpr int64_t projectionSumThreads = 128;
inline constexpr int64_t projectionSumWidth = 4; ///< elements of y per thread

/// Adds the product to the module, if it is not there. Arguments, in order: map w, map x, of e4m3 pointers to the
/// scales of w, f32 [heads, ceil(n / blocks.rows), ceil(k / blocks.columns)], and of x, f32 [tokens, heads,
/// ceil(k / group)]; with a border, maps and scales of both weights; then
///   map y                       (bf16, no splits)
///   pointer y or partial sums   (f32)
///   pointer y                   (gated, or of experts: bf16 [tokens, rows of y])
/// of experts, pointer first, i32 [experts + 1], and if scattered, pointer order, i32 [tokens]; and tokens: of experts,
/// rows of choices; those of the append. Grid: any number of CTAs in x, which take tiles in turn, then those of the
/// append.
void emitProjection(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape);

/// Adds the kernel that sums the parts: pointer partial sums, pointer y; tokens, and the strides of y in elements
/// between tokens and between heads. Grid: ceil(tokens · heads · rows / (projectionSumThreads · projectionSumWidth)).
void emitProjectionSum(mlir::gpu::GPUModuleOp module, const ProjectionShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_PROJECTION_H
