//===- EnqueueAttention.cpp - Attention without its layer -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Enqueue.h"
#include "Status.h"

#include "mla/abi.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

using namespace mla;

static constexpr int64_t maxStride = 1 << 24;
static constexpr double log2e = 1.4426950408889634;

static void checkStride(FieldChecker &check, const char *name, int64_t stride, int64_t width) {
  check.size(name, stride, std::max<int64_t>(width, 1), maxStride);
  if (stride % 8)
    check.fail(std::string(name) + " is " + std::to_string(stride) + "; give a multiple of 8");
}

/// Sets and checks the strides of heads of queries, which may be parts of wider rows.
template <typename Attention>
static void setHeads(FieldChecker &check, const mla_bundle_info &info, const Attention &attention, int64_t width,
                     Sizes &sizes) {
  sizes[Size::QStride] = attention.q_stride;
  sizes[Size::QRopeStride] = attention.q_rope_stride ? attention.q_rope_stride : attention.q_stride;
  check.product("tokens", sizes[Size::Tokens], "heads", info.heads);
  checkStride(check, "q_stride", sizes[Size::QStride], width);
  checkStride(check, attention.q_rope_stride ? "q_rope_stride" : "q_stride", sizes[Size::QRopeStride],
              info.qk_rope_head_dim);
}

/// Checks the scale: the kernels assume that the largest product is the largest score.
static void checkScale(FieldChecker &check, double scale) {
  // Kernels have it as a float.
  if (!(scale >= 0 && scale * log2e <= FLT_MAX))
    check.fail("scale is " + std::to_string(scale) + "; give a positive number, or 0 for the model's");
}

//===-- Latent -------------------------------------------------------------===//

static constexpr schema::Core coreOf(const mla_latent_attention *) { return schema::Core::LatentAttention; }

static Sizes checkedSizes(FieldChecker &check, const mla_bundle_info &info, const mla_latent_attention &attention) {
  Sizes sizes = sizesOfPaged(attention);
  checkQueries(check, sizes, MLA_MAX_DECODE_QUERIES);
  setHeads(check, info, attention, info.kv_lora_rank, sizes);
  checkPaged(check, info, sizes);
  return sizes;
}

/// Unlike the first kernel of a layer, this kernel reads tables at once.
static bool overlapsOthers(const mla_latent_attention &attention) { return attention.indices_settled != 0; }

//===-- Naive --------------------------------------------------------------===//

static constexpr schema::Core coreOf(const mla_naive_attention *) { return schema::Core::NaiveAttention; }

static Sizes checkedSizes(FieldChecker &check, const mla_bundle_info &info, const mla_naive_attention &attention) {
  Sizes sizes = sizesOfQueries(attention);
  checkQueries(check, sizes);
  setHeads(check, info, attention, info.qk_nope_head_dim, sizes);
  check.product("cached", attention.cached, "heads", info.heads);
  checkCached(check, sizes);
  return sizes;
}

static bool overlapsOthers(const mla_naive_attention &) { return true; }

//===-- Either -------------------------------------------------------------===//

namespace {
/// A call with checked sizes.
template <typename Attention> struct Checked {
  Attention attention;
  const LaunchList *list = nullptr;
  Sizes sizes;
};
} // namespace

/// Checks everything but the pointers and the scale.
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
  LaunchBindings bindings;
  give(bindings, listOf(coreOf(given)), attention);
  checkGiven(checker, *checked.list, bindings);
  checkScale(checker, attention.scale);
  if (error)
    return error;
  bindings.sizes = checked.sizes;
  bindings.scaleLog2e = attention.scale * log2e;
  bindings.overlapsOthers = overlapsOthers(attention);
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
