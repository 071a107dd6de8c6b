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

Error mla::findCore(const char *function, const mla_bundle *bundle, CoreKind kind, const LaunchList *&list) {
  if (Error error = checkGpuBundle(function, bundle))
    return error;
  const std::optional<LaunchList> &core = bundle->manifest.cores[static_cast<unsigned>(kind)];
  if (!core)
    return Error(ErrorKind::Unsupported, std::string(function) + ": bundle " + bundle->path + " has no kernel " +
                                             coreName(kind) +
                                             " of its own; it was made by an earlier release, or for widths that there "
                                             "is no such kernel for");
  list = &*core;
  return {};
}

/// Of the queries of a core.
static void checkQueries(FieldChecker &check, const mla_bundle &bundle, int64_t tokens, int64_t batch,
                         int64_t maxQueries, int64_t stride, int64_t width) {
  check.size("tokens", tokens, 1);
  check.size("batch", batch, 1);
  check.size("max_queries", maxQueries, 1);
  check.product("tokens", tokens, "heads", bundle.info.heads);
  if (check.failed())
    return; // the products below would overflow
  if (tokens > batch * maxQueries)
    check.fail("tokens is " + std::to_string(tokens) + ", more than batch times max_queries, " + std::to_string(batch) +
               " times " + std::to_string(maxQueries) + "; raise max_queries");
  check.size("q_stride", stride, width, maxStride);
  if (stride % 8)
    check.fail("q_stride is " + std::to_string(stride) + "; give a multiple of 8");
}

/// An array that a model without rotary part does not have.
static void checkRope(FieldChecker &check, const mla_bundle &bundle, const char *name, const void *pointer) {
  if (bundle.info.qk_rope_head_dim)
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

static void checkLatentSizes(FieldChecker &check, const mla_bundle &bundle, mla_latent_attention &attention) {
  const mla_bundle_info &info = bundle.info;
  check.size("max_queries", attention.max_queries, 1, MLA_MAX_DECODE_QUERIES);
  checkQueries(check, bundle, attention.tokens, attention.batch, attention.max_queries, attention.q_stride,
               std::max(info.kv_lora_rank, info.qk_rope_head_dim));
  check.size("max_length", attention.max_length, 1);
  check.size("cached", attention.cached, 0);
  check.size("num_pages", attention.num_pages, 1);
  check.size("table_width", attention.table_width, 1);
  check.product("num_pages", attention.num_pages, "page", info.page);
  check.product("batch", attention.batch, "table_width", attention.table_width);
  if (check.failed())
    return;
  if (attention.max_length > attention.table_width * info.page)
    check.fail("max_length is " + std::to_string(attention.max_length) + ", but a row of block_table has room for " +
               std::to_string(attention.table_width * info.page) + " tokens; raise table_width");
  if (attention.cached == 0) {
    check.product("batch", attention.batch, "max_length", attention.max_length);
    attention.cached = attention.batch * attention.max_length;
  }
  if (attention.cached > attention.batch * attention.max_length)
    check.fail("cached is " + std::to_string(attention.cached) + ", more than batch times max_length; give less");
}

static Sizes sizesOf(const mla_latent_attention &attention) {
  Sizes sizes;
  sizes[Size::Tokens] = attention.tokens;
  sizes[Size::Batch] = attention.batch;
  sizes[Size::MaxQueries] = attention.max_queries;
  sizes[Size::MaxLength] = attention.max_length;
  sizes[Size::Cached] = attention.cached;
  sizes[Size::Pages] = attention.num_pages;
  sizes[Size::TableWidth] = attention.table_width;
  sizes[Size::QStride] = attention.q_stride;
  return sizes;
}

static Error checkLatent(const char *function, const mla_bundle *bundle, const mla_latent_attention *given,
                         mla_latent_attention &attention, const LaunchList *&list) {
  if (Error error = findCore(function, bundle, CoreKind::LatentAttention, list))
    return error;
  if (Error error = copyStruct(function, "attention", given, attention))
    return error;
  Error error;
  FieldChecker check(function, error);
  checkLatentSizes(check, *bundle, attention);
  return error;
}

static Error checkPointers(const char *function, const mla_bundle &bundle, const mla_latent_attention &attention) {
  Error error;
  FieldChecker check(function, error);
  check.pointer("q_latent", attention.q_latent, bf16Alignment);
  checkRope(check, bundle, "q_rope", attention.q_rope);
  check.pointer("pages", attention.pages, bf16Alignment);
  check.pointer("block_table", attention.block_table, int32Alignment);
  check.pointer("lengths", attention.lengths, int32Alignment);
  check.pointer("cu_seqlens", attention.cu_seqlens, int32Alignment);
  check.pointer("out", attention.out, bf16Alignment);
  check.pointer("lse", attention.lse, sizeof(float));
  checkScale(check, attention.scale);
  return error;
}

static Error enqueueLatent(const char *function, const mla_bundle *bundle, const mla_latent_attention *given) {
  mla_latent_attention attention;
  const LaunchList *list = nullptr;
  if (Error error = checkLatent(function, bundle, given, attention, list))
    return error;
  if (Error error = checkPointers(function, *bundle, attention))
    return error;
  const mla_bundle_info &info = bundle->info;
  int64_t rows = attention.tokens * info.heads, stride = attention.q_stride;
  LaunchBindings bindings;
  bindings[Given::QLatent] = queryArray(attention.q_latent, rows, stride, info.kv_lora_rank);
  bindings[Given::QRope] = queryArray(attention.q_rope, rows, stride, info.qk_rope_head_dim);
  bindings[Given::Pages] =
      deviceArray(attention.pages,
                  attention.num_pages * info.page * (info.kv_lora_rank + info.qk_rope_head_dim) * sizeof(uint16_t));
  bindings[Given::BlockTable] =
      deviceArray(attention.block_table, attention.batch * attention.table_width * sizeof(int32_t));
  bindings[Given::Lengths] = deviceArray(attention.lengths, attention.batch * sizeof(int32_t));
  bindings[Given::CuSeqlens] = deviceArray(attention.cu_seqlens, (attention.batch + 1) * sizeof(int32_t));
  bindings[Given::Out] = deviceArray(attention.out, rows * info.kv_lora_rank * sizeof(uint16_t));
  bindings[Given::Lse] = deviceArray(attention.lse, rows * sizeof(float));
  bindings.sizes = sizesOf(attention);
  bindings.scaleLog2e = attention.scale * log2e;
  // This kernel, other than the first of a layer, reads them at once.
  bindings.overlapsOthers = attention.indices_settled != 0;
  return enqueueList(function, *bundle, *list, bindings,
                     {attention.workspace, attention.workspace_bytes, attention.stream});
}

mla_status mla_enqueue_latent_attention(const mla_bundle *bundle, const mla_latent_attention *attention) {
  return report(enqueueLatent("mla_enqueue_latent_attention", bundle, attention));
}

mla_status mla_latent_attention_workspace(const mla_bundle *bundle, const mla_latent_attention *attention,
                                          uint64_t *bytes) {
  const char *function = "mla_latent_attention_workspace";
  mla_latent_attention copy;
  const LaunchList *list = nullptr;
  if (!bytes)
    return report(badArgument(function, "bytes is NULL; pass a place for the result"));
  if (Error error = checkLatent(function, bundle, attention, copy, list))
    return report(error);
  Result<uint64_t> result = bundle->gpu->workspaceBytes(function, *list, sizesOf(copy));
  if (!result)
    return report(result.error());
  *bytes = *result;
  return MLA_OK;
}

//===-- Naive --------------------------------------------------------------===//

static void checkNaiveSizes(FieldChecker &check, const mla_bundle &bundle, const mla_naive_attention &attention) {
  const mla_bundle_info &info = bundle.info;
  checkQueries(check, bundle, attention.tokens, attention.batch, attention.max_queries, attention.q_stride,
               std::max(info.qk_nope_head_dim, info.qk_rope_head_dim));
  check.size("max_length", attention.max_length, 1);
  check.size("cached", attention.cached, 1);
  check.product("cached", attention.cached, "heads", info.heads);
  if (check.failed())
    return;
  if (attention.cached > attention.batch * attention.max_length)
    check.fail("cached is " + std::to_string(attention.cached) +
               ", more than batch times max_length; raise max_length");
}

static Sizes sizesOf(const mla_naive_attention &attention) {
  Sizes sizes;
  sizes[Size::Tokens] = attention.tokens;
  sizes[Size::Batch] = attention.batch;
  sizes[Size::MaxQueries] = attention.max_queries;
  sizes[Size::MaxLength] = attention.max_length;
  sizes[Size::Cached] = attention.cached;
  sizes[Size::QStride] = attention.q_stride;
  return sizes;
}

static Error checkNaive(const char *function, const mla_bundle *bundle, const mla_naive_attention *given,
                        mla_naive_attention &attention, const LaunchList *&list) {
  if (Error error = findCore(function, bundle, CoreKind::NaiveAttention, list))
    return error;
  if (Error error = copyStruct(function, "attention", given, attention))
    return error;
  Error error;
  FieldChecker check(function, error);
  checkNaiveSizes(check, *bundle, attention);
  return error;
}

static Error checkPointers(const char *function, const mla_bundle &bundle, const mla_naive_attention &attention) {
  Error error;
  FieldChecker check(function, error);
  check.pointer("q_nope", attention.q_nope, bf16Alignment);
  checkRope(check, bundle, "q_rope", attention.q_rope);
  check.pointer("k_nope", attention.k_nope, bf16Alignment);
  checkRope(check, bundle, "k_rope", attention.k_rope);
  check.pointer("v", attention.v, bf16Alignment);
  check.pointer("cu_seqlens", attention.cu_seqlens, int32Alignment);
  check.pointer("cu_keys", attention.cu_keys, int32Alignment);
  check.pointer("out", attention.out, bf16Alignment);
  checkScale(check, attention.scale);
  return error;
}

static Error enqueueNaive(const char *function, const mla_bundle *bundle, const mla_naive_attention *given) {
  mla_naive_attention attention;
  const LaunchList *list = nullptr;
  if (Error error = checkNaive(function, bundle, given, attention, list))
    return error;
  if (Error error = checkPointers(function, *bundle, attention))
    return error;
  const mla_bundle_info &info = bundle->info;
  int64_t rows = attention.tokens * info.heads, stride = attention.q_stride;
  uint64_t keys = attention.cached * info.heads * sizeof(uint16_t);
  LaunchBindings bindings;
  bindings[Given::QNope] = queryArray(attention.q_nope, rows, stride, info.qk_nope_head_dim);
  bindings[Given::QRope] = queryArray(attention.q_rope, rows, stride, info.qk_rope_head_dim);
  bindings[Given::KNope] = deviceArray(attention.k_nope, keys * info.qk_nope_head_dim);
  bindings[Given::KRope] = deviceArray(attention.k_rope, attention.cached * info.qk_rope_head_dim * sizeof(uint16_t));
  bindings[Given::V] = deviceArray(attention.v, keys * info.v_head_dim);
  bindings[Given::CuSeqlens] = deviceArray(attention.cu_seqlens, (attention.batch + 1) * sizeof(int32_t));
  bindings[Given::CuKeys] = deviceArray(attention.cu_keys, (attention.batch + 1) * sizeof(int32_t));
  bindings[Given::Out] = deviceArray(attention.out, rows * info.v_head_dim * sizeof(uint16_t));
  bindings.sizes = sizesOf(attention);
  bindings.scaleLog2e = attention.scale * log2e;
  return enqueueList(function, *bundle, *list, bindings,
                     {attention.workspace, attention.workspace_bytes, attention.stream});
}

mla_status mla_enqueue_naive_attention(const mla_bundle *bundle, const mla_naive_attention *attention) {
  return report(enqueueNaive("mla_enqueue_naive_attention", bundle, attention));
}

mla_status mla_naive_attention_workspace(const mla_bundle *bundle, const mla_naive_attention *attention,
                                         uint64_t *bytes) {
  const char *function = "mla_naive_attention_workspace";
  mla_naive_attention copy;
  const LaunchList *list = nullptr;
  if (!bytes)
    return report(badArgument(function, "bytes is NULL; pass a place for the result"));
  if (Error error = checkNaive(function, bundle, attention, copy, list))
    return report(error);
  Result<uint64_t> result = bundle->gpu->workspaceBytes(function, *list, sizesOf(copy));
  if (!result)
    return report(result.error());
  *bytes = *result;
  return MLA_OK;
}
