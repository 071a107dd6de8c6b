//===- FewRows.h - Latent attention of few query rows -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Latent attention on a packed cache, for 16 query rows per CTA: operands are
// swapped, so that cached tokens and latent columns, not query rows, fill the 64
// rows of a product.
//
//   S^T[tokens, rows] = K Q^T        K: e4m3 from shared memory, converted in registers
//   O^T[columns, rows] = V^T P^T     V: the same bytes, loaded transposed
//
// Products are of f16, which holds every number of e4m3, so that one instruction
// converts two. Q is stored as multiples of a power of two per row, P relative
// to the largest product of a probability and a scale: both use f16's range.
//
// A block of cached rows is copied as it lies, by one bulk copy per page, into a
// ring; one thread issues the copies. Two warpgroups take the blocks of a split in
// turn, each with its own maximum and sums; they join their results at the end, so
// that one computes scores while the other adds values. Scales of the latent are
// factors of scores, where tokens are rows, and of probabilities: P has a copy per
// group of columns.
//
// A register of A holds two neighbours along k. In K these are two columns: of 16
// columns, lanes take 4 neighbouring bytes, so k runs over columns 0, 1, 4, 5, …,
// then 2, 3, 6, 7, …, and Q is stored in that order. In V^T they are two tokens
// of one column: a transposing load brings two columns of two tokens, so rows
// 0…7 of a product are the even columns of 16, rows 8…15 the odd ones.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_FEWROWS_H
#define MLA_CONVERSION_MLATOGPU_SM90_FEWROWS_H

#include "PackedAttention.h"

namespace mla::gpu {

/// Query rows per CTA.
inline constexpr int64_t fewRows = 16;

/// Offsets in dynamic shared memory, in bytes.
struct FewRowsLayout {
  explicit FewRowsLayout(const LatentAttentionShape &shape);
  schema::PackedRow row;
  int64_t latentTiles, ropeSteps; ///< tiles of 64 columns; products of 16 columns of k_rope
  int64_t groups;                 ///< of columns with a scale; 1 if there are none
  int64_t q, ropeQ;               ///< tiles [16 rows, 64 columns]
  int64_t p[2];                   ///< per warpgroup: a tile [16 rows, 64 tokens] per group of columns
  int64_t staging;                ///< of results, f32 [16, L + pad], in the place of Q and P
  int64_t ring, stageBytes;
  int64_t maxima, sums;        ///< f32 [8 warps][16 rows]
  int64_t queryUnit, ropeUnit; ///< f32 [16 rows]
  int64_t full, empty;         ///< barriers of the stages
  int64_t bytes;
  static constexpr int64_t stages = 4;
  int64_t stagingPitch; ///< bytes per row
  /// Each warpgroup reads every other block.
  PackedRing packedRing() const { return {ring, stageBytes, stages, full, empty, /*readers=*/4}; }
};

int64_t fewRowsSharedBytes(const LatentAttentionShape &shape);
std::string fewRowsName(const LatentAttentionShape &shape);

/// Adds the kernel to the module, if it is not there. L must be 128, 256 or 512, and R a multiple of 16. Its arguments,
/// in order: q_latent, q_rope (if R > 0), pages, block_table, lengths, cu_seqlens, out [rows, L], partial out f32
/// (LatentPartials), partial lse f32 [slots, rows per sequence], slots i32 [batch, 2], lse f32 [rows] (if wanted);
/// batch, parts, entries per row of the block table, heads, rows per sequence at most, pages, elements between rows of
/// q_latent, and of q_rope (if R > 0); scale · log2(e).
/// Grid: (ceil(rows of a sequence / 16), parts); packedAttentionThreads threads.
void emitFewRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_FEWROWS_H
