//===- LatentAttention.h - Decode attention on the latent -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_LATENTATTENTION_H
#define MLA_CONVERSION_MLATOGPU_SM90_LATENTATTENTION_H

#include "Hopper.h"
#include "ScoreShape.h"
#include "WorkSplit.h"

#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla::gpu {

/// The parameters of the code of latent attention. Heads, tokens and lengths are arguments.
struct LatentAttentionShape {
  int64_t latent = 512; ///< L, a multiple of 16 up to 1024 (in this file's kernels, of 64 up to 512)
  int64_t rope = 64;    ///< R, a multiple of 8 up to 128 (in this file's kernels, up to 64); 0 for none
  int64_t page = 64;    ///< tokens per page: 16, 32, 64 or 128
  bool lse = false;     ///< the log-sum-exp is also a result
  CacheFormat format = CacheFormat::Standard;
  ScoreShape scores;
  WorkSplitChoices split;

  /// Of 64 columns, of which the last may be of k_rope in part.
  int64_t latentTiles() const { return llvm::divideCeil(latent, tileColumns); }
  bool isPacked() const { return format != CacheFormat::Standard; }
  schema::PackedRow packedRow() const;
  /// Whether a packed row holds k_rope as bf16, which TMA copies.
  bool copiesRope() const { return rope > 0 && format == CacheFormat::FP8Row; }
  /// Two warpgroups multiply; a third one converts the rows of a packed cache.
  int64_t threads() const { return isPacked() ? 384 : 256; }
  std::string name() const;      ///< of the attention kernel
  std::string mergeName() const; ///< of the kernel that merges partial results
};

/// Query rows per CTA. Row i of a sequence is its query token i / heads, head i % heads.
inline constexpr int64_t queryRows = 64;

/// A split of a part: blocks begin to end of a sequence. `limit` is the end of the part's share of the sequence.
struct LatentSplit {
  Val sequence, begin, limit, end;
};
/// Returns the blocks of a sequence, at least one.
Val blocksOfLength(KernelBuilder &k, Val length);

/// The address of the block table, the entries of a sequence, and the pages of the cache.
struct BlockTable {
  Val base, width, pages;
};
/// Loads a page number. Entries beyond a sequence may hold anything, so it is clamped to pages that exist.
Val loadPage(KernelBuilder &k, const BlockTable &table, Val sequence, Val entry);

/// Partial results, in the register layout of the attention kernel's accumulators, rounded like whole results: what
/// they cost is their bytes (docs/performance.md).
///   bf16 [slots][row blocks][2 warpgroups][pairs of quads][128 threads][2][4]
/// where element e of quad j of thread t is row 16·(t/32) + (t%32)/4 + 8·(e/2) of the row block, and column
/// 8j + 2·(t%4) + e%2 of those computed by the warpgroup: tiles 0… of the latent, or the last ones. With an odd number
/// of tiles both compute the middle one, and warpgroup 0's is used.
class LatentPartials {
public:
  LatentPartials(KernelBuilder &k, const LatentAttentionShape &shape, Val rowsOfSequence)
      : k(k), ownTiles((shape.latentTiles() + 1) / 2), rows(rowsOfSequence) {}
  int64_t pairs() const { return ownTiles * tileColumns / 16; }
  static constexpr int64_t pairBytes() { return 128 * 16; } ///< from a pair of quads to the next
  /// Returns a thread's part of a pair of quads, of eight elements in f32.
  static Val pack(llvm::ArrayRef<Val> elements);
  Val bytesTo(Val slot, Val rowBlock, Val group);
  Val slotBytes(); ///< from a slot to the next, i32
  static mlir::AffineExpr bytes(const LatentAttentionShape &shape, mlir::AffineExpr slots, mlir::AffineExpr rows);

private:
  KernelBuilder &k;
  int64_t ownTiles;
  Val rows;
};

/// With few sequences the next kernel may start early: there are so many parts that they end early too. Otherwise CTAs
/// that start one by one would read the cache apart from their neighbours, and so twice.
inline Val dependentsMayComeEarly(Val batch, Val parts) { return batch * 4 <= parts; }

/// Dynamic shared memory of the attention kernel, in bytes.
int64_t latentAttentionSharedBytes(const LatentAttentionShape &shape);

/// Adds the kernel to the module, if it is not there. Its arguments, in order:
///   map q_latent [rows, L], map q_rope [rows, R] (if R > 0), map pages [pages, page, L + R] (of a packed cache: map
///   k_rope [pages, page, R] if it is bf16, and the address of the pages), block_table, lengths,
///   cu_seqlens, map out [rows, L], out, partial out bf16 (LatentPartials), partial lse f32 [slots, rows per sequence],
///   slots i32 [batch, 2], lse f32 [rows] (if wanted), sinks f32 [heads] (if there are
///   any); batch, parts, entries per row of the block table, heads, rows per sequence at most, pages (of a packed
///   cache); scale · log2(e).
/// Grid: (row blocks of a sequence, parts); shape.threads() threads.
void emitLatentAttention(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape);

/// Adds the kernel that combines partial results (mla.merge): o = Σ 2^(l_i - l) o_i with 2^l = Σ 2^l_i. Arguments:
///   cu_seqlens, partial out, partial lse, slots, out, lse (if wanted), sinks (if there are any); batch, parts, heads,
///   rows per sequence at most.
/// Slots are the first and the last one of each sequence's partial results; the first is -1 for a single split.
/// Grid: any number of CTAs of 256 threads, which take equal shares; `latentMergeBlocks` per SM fit at once.
inline constexpr int64_t latentMergeBlocks = 2;
int64_t latentMergeSharedBytes(const LatentAttentionShape &shape);
void emitLatentMerge(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_LATENTATTENTION_H
