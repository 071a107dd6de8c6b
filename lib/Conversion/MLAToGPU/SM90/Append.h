//===- Append.h - Write new tokens to the cache -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_APPEND_H
#define MLA_CONVERSION_MLATOGPU_SM90_APPEND_H

#include "Rope.h"

#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla::gpu {

/// The cache's row of a token: its normalised latent, and its key rotated to the token's position. One warp per token.
/// Other CTAs of the same kernel may rotate the queries, which depend on the same kernels and positions.
struct AppendShape {
  int64_t latent = 0;    ///< L, a multiple of 8
  int64_t page = 64;     ///< tokens
  double epsilon = 0;    ///< of the norm
  RotationDims rotation; ///< no frequencies: rows are only the latent
  Element input = Element::BF16;
  CacheFormat format = CacheFormat::Standard;
  std::optional<RopeShape> queries;

  bool hasKeys() const { return !rotation.frequencies.empty(); }
  /// Elements that latents and keys are stored as.
  Element latentElement() const { return format == CacheFormat::Standard ? Element::BF16 : Element::E4M3; }
  Element keyElement() const { return format == CacheFormat::FP8Tensor ? Element::E4M3 : Element::BF16; }
  schema::PackedRow row() const; ///< its offsets, also of a standard row
  /// CTAs in y: one that appends, and those that rotate queries.
  int64_t blocksOfToken() const;
  std::string name() const;
};

inline constexpr int64_t appendTokens = 4; ///< per CTA
inline constexpr int64_t appendThreads = 32 * appendTokens;
static_assert(appendThreads == ropeThreads, "CTAs of both share a kernel");

/// Indices of the arguments, in order: latents, keys (if there are), gamma f32, pages, block_table; tokens, elements
/// between latents, between keys (if there are), entries per row of the block table, pages; cu_seqlens, lengths, batch;
/// those of the rotation of queries.
struct AppendArguments {
  AppendArguments(KernelBuilder &k, const AppendShape &shape);
  unsigned latents, keys, gamma, pages, table, tokens, latentStride, keyStride, tableWidth, pageCount;
  Positions positions;
  std::optional<RopeArguments> queries;
};

/// The work of CTA (x, y) of emitAppend(), by a CTA of appendThreads or more, which first waits for its predecessors.
void appendOrRotate(KernelBuilder &k, mlir::gpu::GPUModuleOp module, const AppendShape &shape, AppendArguments &a,
                    Val x, Val y);
/// The same for CTAs in one dimension, (0, 0), (0, 1), …: how many there are, and the work of one.
Val countAppendBlocks(KernelBuilder &k, const AppendShape &shape, const AppendArguments &a);
void appendOrRotate(KernelBuilder &k, mlir::gpu::GPUModuleOp module, const AppendShape &shape, AppendArguments &a,
                    Val number);

/// Adds the kernel to the module, if it is not there. Grid: ceil(tokens / appendTokens); with queries (tokens, 1 + CTAs
/// per token of their rotation). Tokens at negative positions, of no sequence, or in pages that do not exist are not
/// written.
void emitAppend(mlir::gpu::GPUModuleOp module, const AppendShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_APPEND_H
