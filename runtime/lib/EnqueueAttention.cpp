//===- EnqueueAttention.cpp - The attention kernels alone -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Enqueue.h"
#include "Status.h"

#include "mla/abi.h"

#include <algorithm>
#include <cmath>

using namespace mla;

static constexpr int64_t maxStride = 1 << 24;
static constexpr double log2e = 1.4426950408889634;

/// Heads of queries, which may lie in wider rows.
static void checkHeads(FieldChecker &check, const mla_bundle_info &info, const Sizes &sizes, int64_t width) {
  int64_t stride = sizes[Size::QStride];
  check.product("tokens", sizes[Size::Tokens], "heads", info.heads);
  check.size("q_stride", stride, std::max(width, info.qk_rope_head_dim), maxStride);
  if (stride % 8)
    check.fail("q_stride is " + std::to_string(stride) + "; give a multiple of 8");
}

/// An array that a model without rotary part does not have.
static void checkRope(FieldChecker &check, const mla_bundle_info &info, const char *name, const void *pointer) {
  if (info.qk_rope_head_dim)
    check.pointer(name, pointer, bf16Alignment);
}

/// The kernels take the largest product for the largest score.
static void checkScale(FieldChecker &check, double scale) {
  if (!std::isfinite(scale) || scale < 0)
    check.fail("scale is " + std::to_string(scale) + "; give a positive number, or 0 for the model's");
}

/// Heads of queries, from the first to the end of the last. Arrays that the model does not have are empty.
static DeviceArray queryArray(const void *address, int64_t rows, int64_t stride, int64_t width) {
  return deviceArray(address, width ? ((rows - 1) * stride + width) * sizeof(uint16_t) : 0);
}

//===-- Latent -------------------------------------------------------------===//

static constexpr CoreKind coreOf(const mla_latent_attention *) { return CoreKind::LatentAttention; }

static Sizes checkedSizes(FieldChecker &check, const mla_bundle_info &info, const mla_latent_attention &attention) {
  Sizes sizes = sizesOfPaged(attention);
  sizes[Size::QStride] = attention.q_stride;
  checkQueries(check, sizes, MLA_MAX_DECODE_QUERIES);
  checkHeads(check, info, sizes, info.kv_lora_rank);
  checkPaged(check, info, sizes);
  return sizes;
}

static void checkPointers(FieldChecker &check, const mla_bundle_info &info, const mla_latent_attention &attention) {
  check.pointer("q_latent", attention.q_latent, bf16Alignment);
  checkRope(check, info, "q_rope", attention.q_rope);
  check.pointer("pages", attention.pages, bf16Alignment);
  checkTables(check, attention);
  check.pointer("out", attention.out, bf16Alignment);
  check.pointer("lse", attention.lse, sizeof(float));
}

static void bind(LaunchBindings &bindings, const mla_bundle_info &info, const mla_latent_attention &attention) {
  int64_t rows = attention.tokens * info.heads, stride = attention.q_stride;
  bindings[Given::QLatent] = queryArray(attention.q_latent, rows, stride, info.kv_lora_rank);
  bindings[Given::QRope] = queryArray(attention.q_rope, rows, stride, info.qk_rope_head_dim);
  bindTables(bindings, attention);
  bindPages(bindings, info, attention);
  bindings[Given::Out] = deviceArray(attention.out, rows * info.kv_lora_rank * sizeof(uint16_t));
  bindings[Given::Lse] = deviceArray(attention.lse, rows * sizeof(float));
  // This kernel, other than the first of a layer, reads them at once.
  bindings.overlapsOthers = attention.indices_settled != 0;
}

//===-- Naive --------------------------------------------------------------===//

static constexpr CoreKind coreOf(const mla_naive_attention *) { return CoreKind::NaiveAttention; }

static Sizes checkedSizes(FieldChecker &check, const mla_bundle_info &info, const mla_naive_attention &attention) {
  Sizes sizes = sizesOfQueries(attention);
  sizes[Size::QStride] = attention.q_stride;
  checkQueries(check, sizes);
  checkHeads(check, info, sizes, info.qk_nope_head_dim);
  check.product("cached", attention.cached, "heads", info.heads);
  checkCached(check, sizes);
  return sizes;
}

static void checkPointers(FieldChecker &check, const mla_bundle_info &info, const mla_naive_attention &attention) {
  check.pointer("q_nope", attention.q_nope, bf16Alignment);
  checkRope(check, info, "q_rope", attention.q_rope);
  check.pointer("k_nope", attention.k_nope, bf16Alignment);
  checkRope(check, info, "k_rope", attention.k_rope);
  check.pointer("v", attention.v, bf16Alignment);
  check.pointer("cu_seqlens", attention.cu_seqlens, int32Alignment);
  check.pointer("cu_keys", attention.cu_keys, int32Alignment);
  check.pointer("out", attention.out, bf16Alignment);
}

static void bind(LaunchBindings &bindings, const mla_bundle_info &info, const mla_naive_attention &attention) {
  int64_t rows = attention.tokens * info.heads, stride = attention.q_stride;
  uint64_t keys = attention.cached * info.heads * sizeof(uint16_t);
  bindings[Given::QNope] = queryArray(attention.q_nope, rows, stride, info.qk_nope_head_dim);
  bindings[Given::QRope] = queryArray(attention.q_rope, rows, stride, info.qk_rope_head_dim);
  bindings[Given::KNope] = deviceArray(attention.k_nope, keys * info.qk_nope_head_dim);
  bindings[Given::KRope] = deviceArray(attention.k_rope, attention.cached * info.qk_rope_head_dim * sizeof(uint16_t));
  bindings[Given::V] = deviceArray(attention.v, keys * info.v_head_dim);
  bindings[Given::CuSeqlens] = deviceArray(attention.cu_seqlens, (attention.batch + 1) * sizeof(int32_t));
  bindings[Given::CuKeys] = deviceArray(attention.cu_keys, (attention.batch + 1) * sizeof(int32_t));
  bindings[Given::Out] = deviceArray(attention.out, rows * info.v_head_dim * sizeof(uint16_t));
}

//===-- Either -------------------------------------------------------------===//

namespace {
/// One whose sizes were checked.
template <typename Attention> struct Checked {
  Attention attention;
  const LaunchList *list = nullptr;
  Sizes sizes;
};
} // namespace

/// Checks all but the pointers and the scale.
template <typename Attention>
static Error check(const char *function, const mla_bundle *bundle, const Attention *given,
                   Checked<Attention> &checked) {
  if (Error error = findCore(function, bundle, coreOf(given), checked.list))
    return error;
  if (Error error = copyStruct(function, "attention", given, checked.attention))
    return error;
  Error error;
  FieldChecker checker(function, error);
  checked.sizes = checkedSizes(checker, bundle->info, checked.attention);
  return error;
}

template <typename Attention>
static Error enqueue(const char *function, const mla_bundle *bundle, const Attention *given) {
  Checked<Attention> checked;
  if (Error error = check(function, bundle, given, checked))
    return error;
  const Attention &attention = checked.attention;
  Error error;
  FieldChecker checker(function, error);
  checkPointers(checker, bundle->info, attention);
  checkScale(checker, attention.scale);
  if (error)
    return error;
  LaunchBindings bindings;
  bindings.sizes = checked.sizes;
  bindings.scaleLog2e = attention.scale * log2e;
  bind(bindings, bundle->info, attention);
  return enqueueList(function, *bundle, *checked.list, bindings,
                     {attention.workspace, attention.workspace_bytes, attention.stream});
}

template <typename Attention>
static Error workspace(const char *function, const mla_bundle *bundle, const Attention *given, uint64_t *bytes) {
  Checked<Attention> checked;
  if (Error error = check(function, bundle, given, checked))
    return error;
  return giveWorkspace(function, *bundle, *checked.list, checked.sizes, bytes);
}

mla_status mla_enqueue_latent_attention(const mla_bundle *bundle, const mla_latent_attention *attention) {
  return report(enqueue("mla_enqueue_latent_attention", bundle, attention));
}

mla_status mla_latent_attention_workspace(const mla_bundle *bundle, const mla_latent_attention *attention,
                                          uint64_t *bytes) {
  return report(workspace("mla_latent_attention_workspace", bundle, attention, bytes));
}

mla_status mla_enqueue_naive_attention(const mla_bundle *bundle, const mla_naive_attention *attention) {
  return report(enqueue("mla_enqueue_naive_attention", bundle, attention));
}

mla_status mla_naive_attention_workspace(const mla_bundle *bundle, const mla_naive_attention *attention,
                                         uint64_t *bytes) {
  return report(workspace("mla_naive_attention_workspace", bundle, attention, bytes));
}
