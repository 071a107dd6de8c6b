//===- NaiveAttention.h - Prefill attention in the naive form ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_NAIVEATTENTION_H
#define MLA_CONVERSION_MLATOGPU_SM90_NAIVEATTENTION_H

#include "Hopper.h"
#include "ScoreShape.h"

namespace mla::gpu {

/// The parameters of the code of naive attention. Heads, tokens and lengths are arguments.
struct NaiveAttentionShape {
  int64_t nope = 128;        ///< P, a multiple of 16
  int64_t rope = 64;         ///< R, a multiple of 16; 0 for none. P + R, each rounded up to 64, is at most 256
  int64_t value = 128;       ///< V, a multiple of 16 up to 256
  int64_t tileKeys = 128;    ///< keys per step, a multiple of 16 up to 256
  bool keysPerHead = true;   ///< else k_nope is [cached, P], shared by all heads
  bool valuesPerHead = true; ///< else v is [cached, V]
  bool lse = false;          ///< the log-sum-exp is also a result
  ScoreShape scores;
  /// The two warpgroups alternate: one computes its softmax while the other uses the tensor cores.
  bool turns = false;
  /// Number of concurrent heads: as many as have this much of K and V, to stay in L2, but at least `minGroupHeads`, for
  /// the balance between CTAs; tiles of one head share what they read anyway.
  int64_t cachedBytes = int64_t(24) << 20;
  int64_t minGroupHeads = 16;

  std::string name() const;
};

inline constexpr int64_t naiveTileQueries = 128; ///< per CTA; 64 per warpgroup
inline constexpr int64_t naiveThreads = 3 * 128;

/// Returns the most keys per step that registers and shared memory allow.
int64_t naiveAttentionTileKeys(int64_t nope, int64_t rope, int64_t value);

/// Dynamic shared memory, in bytes.
int64_t naiveAttentionSharedBytes(const NaiveAttentionShape &shape);

/// Adds the kernel to the module, if it is not there. Its arguments, in order:
///   maps of q_nope [tokens, H, P], q_rope [tokens, H, R] (if R > 0), k_nope [cached, H, P], k_rope [cached, R] (if
///   R > 0), v [cached, H, V], in boxes of 64 columns, 1 head, and 64 queries or `tileKeys` keys;
///   cu_seqlens [batch + 1] of queries, cu_keys [batch + 1] of keys, out [tokens, H, V] bf16, lse
///   [tokens, H] f32 (if wanted), sinks [H] f32 (if there are any), a counter, i32, which is 0; batch, H; scale ·
///   log2(e).
/// Grid: any number of CTAs, best one per SM; `naiveThreads` threads.
void emitNaiveAttention(mlir::gpu::GPUModuleOp module, const NaiveAttentionShape &shape);

/// Adds the kernel that zeroes the counter, to be launched before; its argument. Grid: 1; `naiveStartThreads` threads.
inline constexpr int64_t naiveStartThreads = 32;
inline constexpr llvm::StringLiteral naiveStartName = "naive_attention_start";
void emitNaiveAttentionStart(mlir::gpu::GPUModuleOp module);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_NAIVEATTENTION_H
