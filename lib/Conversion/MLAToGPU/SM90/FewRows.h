//===- FewRows.h - Latent attention of few query rows -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Latent attention for 16 or 32 query rows per CTA: operands are swapped, so
// that cached tokens and latent columns, not query rows, fill the 64 rows of a
// product.
//
//   S^T[tokens, rows] = K Q^T
//   O^T[columns, rows] = V^T P^T
//
// One thread copies cached rows into a ring. Two warpgroups take the blocks of a
// split in turn, each with its own maximum and sums; they join their results at
// the end, so that one computes scores while the other adds values.
//
// FewPlainRows multiplies rows of bf16, to which it converts those of a packed
// cache; FewPackedRows multiplies packed ones of some widths as they are.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_FEWROWS_H
#define MLA_CONVERSION_MLATOGPU_SM90_FEWROWS_H

#include "LatentAttention.h"

namespace mla::gpu {

/// Query rows per CTA, and where a kernel of these takes any number of rows.
inline constexpr int64_t fewRows = 16, mostFewRows = 32;

/// Returns whether there are kernels that multiply a packed cache of these widths as it is.
bool multipliesPacked(const LatentAttentionShape &shape);

int64_t fewRowsSharedBytes(const LatentAttentionShape &shape, int64_t rows);
std::string fewRowsName(const LatentAttentionShape &shape, int64_t rows);

/// Adds the kernel of `rows` query rows per CTA to the module, if it is not there. Its arguments, in order: q_latent,
/// q_rope (if R > 0), pages, block_table, lengths,
/// cu_seqlens, out [rows, L], partial out bf16 (LatentPartials), partial lse f32 [slots, rows per sequence], slots i32
/// [batch, 2], lse f32 [rows] (if wanted); batch, parts, entries per row of the block table, heads, rows per sequence
/// at most, pages, elements between rows of q_latent, and of q_rope (if R > 0); scale · log2(e). Grid: (ceil(rows of a
/// sequence / `rows`), parts); ringAttentionThreads threads.
///
/// A packed cache that is multiplied as it is: 16 rows. Others: L is a multiple of 16 up to 1024, and up to 512 with 32
/// rows; R is a multiple of 8.
void emitFewRows(mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape, int64_t rows);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_FEWROWS_H
