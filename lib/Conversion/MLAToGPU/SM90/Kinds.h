//===- Kinds.h - The kinds of kernels of Hopper -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Activations are bf16 unless stated otherwise. Positions come from
// mla.positions in the region, with `cu` and the cache.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_KINDS_H
#define MLA_CONVERSION_MLATOGPU_SM90_KINDS_H

#include "mla/Dialect/MLA/IR/KernelKind.h"

namespace mla::gpu {

/// mla.project of any `heads`; x may be a slice. The result may be f32.
std::unique_ptr<KernelKind> createProjectionKind();
/// mla.swiglu of both halves of the result of a plain mla.project or of mla.grouped_project.
std::unique_ptr<KernelKind> createGatedKind();
/// mla.sort_choices; rows are bf16.
std::unique_ptr<KernelKind> createSortKind();
/// mla.rms_norm, mla.project, of bf16, mla.route, mla.sort_choices of the norm; also stores the norm, the route, and
/// the sum that the norm is of.
std::unique_ptr<KernelKind> createRoutedKind();
/// mla.grouped_project.
std::unique_ptr<KernelKind> createGroupedKind();
/// mla.grouped_project, mla.mix_choices.
std::unique_ptr<KernelKind> createMixKind();
/// mla.rms_norm, its gamma f32; or mla.rms_norm to f32, mla.position_scale, arith.truncf: a scaled query. The norm may
/// be of a sum, which it also stores if others read it.
std::unique_ptr<KernelKind> createNormalizeKind();
/// mla.rope of [T, H, R], x may be a slice; or arith.extf, mla.rope, mla.position_scale, arith.truncf.
std::unique_ptr<KernelKind> createQuantizeKind();
std::unique_ptr<KernelKind> createRopeKind();
/// mla.append of mla.rms_norm (to f32) and mla.rope, both of slices; yields the cache. Also stores what a rope kernel
/// would, of the same positions.
std::unique_ptr<KernelKind> createAppendKind();
/// mla.gather: latent, k_rope, cu_keys (i32 [B + 1]).
std::unique_ptr<KernelKind> createGatherKind();
/// mla.latent_attention, queries may be slices; o, and the LSE (f32) if it has one.
std::unique_ptr<KernelKind> createLatentAttentionKind();
/// mla.attention, queries may be slices; k_nope and v [N, H, …] or shared by all heads [N, …]; o, and the LSE if it has
/// one.
std::unique_ptr<KernelKind> createNaiveAttentionKind();

/// mla.embed from a table of bf16; ids are i32.
std::unique_ptr<KernelKind> createEmbedKind();
/// arith.addf of tensors [T, D] of f32 or, with arith.extf, of bf16, in any tree; then arith.truncf.
std::unique_ptr<KernelKind> createSumKind();
/// mla.swiglu of slices [T, I] or [T, C, I] of bf16 or f32.
std::unique_ptr<KernelKind> createSwigluKind();
/// mla.gate; x and the gate may be slices, of bf16 or f32.
std::unique_ptr<KernelKind> createGateKind();
/// mla.pass_choices; x may be a slice.
std::unique_ptr<KernelKind> createPassKind();
/// tensor.concat of two tensors [T, D], which may be slices, in their columns.
std::unique_ptr<KernelKind> createJoinKind();
/// shard.all_reduce, a sum.
std::unique_ptr<KernelKind> createReduceKind();
/// mla.route of logits of f32, the correction f32: numbers i32 and weights f32, [T, C].
std::unique_ptr<KernelKind> createRouteKind();

/// Updates by adapters that are not merged: AdaptKind.cpp.
std::unique_ptr<KernelKind> createAdaptKind();
/// mla.project, of bf16, and mla.route.
std::unique_ptr<KernelKind> createRouterKind();

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_KINDS_H
