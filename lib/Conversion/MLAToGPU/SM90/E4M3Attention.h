//===- E4M3Attention.h - Latent attention in e4m3 ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Latent attention on a packed cache by products of e4m3, for 64 query rows per
// CTA. The cached numbers are operands as they lie; queries and probabilities are
// quantized.
//
//   S[rows, tokens]    = Q K^T      Q: one or two terms per row, K from shared memory
//   O^T[columns, rows] = V^T P^T    V: the bytes of K, transposed on the way to registers
//
// Two warpgroups take the blocks of a split in turn: one computes the scores and
// the probabilities of its block, while the other adds values. Each adds the
// values of all blocks to its half of the columns, in order:
//
//   warpgroup 0:  S0 -> P0 | O += P0 V0        | S2 -> P2 | O += P1 V1, P2 V2 | …
//   warpgroup 1:             S1 -> P1          | O += P0 V0, P1 V1 | S3 -> P3 | …
//
// Scales of the latent are per token and group of 128 columns: sums of a group
// are added to the scores times the scale, and P has a copy per group, times the
// scale. P is relative to the largest product of a probability and a scale of its
// token, so that both use the range of e4m3.
//
// Operands of 8 bits must be K-major (PTX ISA, 9.7.15.5.1). Rows of V are tokens,
// which are k: a transposing load of pairs of bytes brings two columns of two
// tokens, and one permutation of bytes makes four tokens of a column. So k runs
// over tokens 0, 1, 8, 9, 2, 3, 10, 11, … of 16, in which order P is stored, and rows
// 0…7 of a product are the even columns of 16, rows 8…15 the odd ones.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_E4M3ATTENTION_H
#define MLA_CONVERSION_MLATOGPU_SM90_E4M3ATTENTION_H

#include "RingAttention.h"

namespace mla::gpu {

/// Offsets in dynamic shared memory, in bytes.
struct E4M3AttentionLayout {
  E4M3AttentionLayout(const LatentAttentionShape &shape, int64_t queryTerms);
  schema::PackedRow row;
  int64_t tiles;     ///< of 128 columns of the latent
  int64_t groups;    ///< of columns with a scale; 1 if there are none
  int64_t q, ropeQ;  ///< tiles [64 rows, 128 bytes], term after term; of k_rope in e4m3 the terms lie side by side
  int64_t p, pBytes; ///< per warpgroup: tiles [64 rows, 2 groups of 64 tokens]
  int64_t ring, stageBytes; ///< tiles [64 tokens, 128 bytes] of the latent, then scales [64, 4]
  int64_t scalesOfStage;
  int64_t ropes;                ///< two tiles of k_rope, which are free again when there are scores
  int64_t factors, factorBytes; ///< per warpgroup, of a block's tokens: E4M3Factors
  int64_t rowMax, rowSum;       ///< f32 [64 rows]; [2][64 rows]
  int64_t change;               ///< f32 [4 blocks][64 rows]: by which a block's maximum rescales what was before
  int64_t queryUnit, ropeUnit;  ///< f32 [64 rows]
  int64_t zeros;                ///< 16 bytes
  int64_t stages, full, empty, ropeEmpty;
  int64_t bytes;
  static constexpr int64_t ropeStages = 2;
  TokenRing tokenRing() const { return {stages, full, empty, /*readers=*/8}; }
};

/// Offsets of what a thread needs of its 16 tokens, 8j + 2(lane % 4) + e of index 2j + e, in the order of lane % 4 and
/// index.
struct E4M3Factors {
  explicit E4M3Factors(int64_t groups) : groups(groups) {}
  int64_t groups;
  static constexpr int64_t wordBytes = 4 * blockTokens, halfBytes = 2 * blockTokens;
  int64_t steps(int64_t group) const {
    return group * wordBytes;
  } ///< f32: a scale over the next one, or the last scale
  int64_t weights() const { return steps(groups); }      ///< f32: log2 of the token's largest scale
  int64_t inverses() const { return steps(groups + 1); } ///< f32: 1 / the largest scale
  int64_t ratios(int64_t group) const { return steps(groups + 2) + group * halfBytes; } ///< f16: scale / the largest
  int64_t bytes() const { return ratios(groups); }
};

int64_t e4m3AttentionSharedBytes(const LatentAttentionShape &shape, int64_t queryTerms);
std::string e4m3AttentionName(const LatentAttentionShape &shape, int64_t queryTerms);

/// Adds the kernel to the module, if it is not there. Queries are quantized in one or two terms of e4m3. L must be 128,
/// 256 or 512, and R 0, 16, 32 or 64. Its arguments, in order: q_latent, q_rope (if R > 0), map pages [pages, page,
/// bytes of a row / 2] of pairs of bytes, with boxes of 128 bytes, the same with boxes of 16 bytes (if there are
/// scales), block_table, lengths, cu_seqlens, out [rows, L], partial out bf16 (LatentPartials), partial lse f32 [slots,
/// rows per sequence], slots i32 [batch, 2], lse f32 [rows] (if wanted); batch, parts, entries per row of the block
/// table, heads, rows per sequence at most, pages, elements between rows of q_latent, and of q_rope (if R > 0); scale ·
/// log2(e). Grid: (ceil(rows of a sequence / 64), parts); ringAttentionThreads threads.
void emitE4M3Attention(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, int64_t queryTerms);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_E4M3ATTENTION_H
