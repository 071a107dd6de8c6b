//===- EnqueueLayer.cpp - A layer on the caller's memory ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Enqueue.h"
#include "Status.h"

#include <algorithm>

using namespace mla;

void FieldChecker::fail(const std::string &what) {
  if (!error)
    error = badArgument(function, what);
}

void FieldChecker::size(const char *name, int64_t value, int64_t least, int64_t most) {
  if (value < least || value > most)
    fail(std::string(name) + " is " + std::to_string(value) + "; give " + std::to_string(least) + " to " +
         std::to_string(most));
}

void FieldChecker::product(const char *name, int64_t left, const char *otherName, int64_t right) {
  int64_t result = 0;
  if (__builtin_mul_overflow(left, right, &result) || result > INT32_MAX)
    fail(std::string(name) + " times " + otherName + ", " + std::to_string(left) + " times " + std::to_string(right) +
         ", exceeds 2147483647; give less");
}

void FieldChecker::pointer(const char *name, const void *pointer, uint64_t alignment) {
  if (!pointer)
    fail(std::string(name) + " is NULL; pass its address");
  else if (reinterpret_cast<uintptr_t>(pointer) % alignment)
    fail(std::string(name) + " is not aligned to " + std::to_string(alignment) + " bytes; align it");
}

Error mla::checkGpuBundle(const char *function, const mla_bundle *bundle) {
  if (!bundle)
    return badArgument(function, "bundle is NULL; pass one of mla_bundle_open");
  if (bundle->gpu)
    return {};
  if (!bundle->info.device_memory)
    return Error(ErrorKind::Unsupported, std::string(function) + ": bundle " + bundle->path + " is for target " +
                                             bundle->manifest.target + "; run it with mla_run_layer");
  return badArgument(function, "bundle " + bundle->path + " is only inspected; open it with mla_bundle_open");
}

Error mla::enqueueList(const char *function, const mla_bundle &bundle, const LaunchList &list, LaunchBindings &bindings,
                       const Workspace &workspace) {
  Error error;
  FieldChecker check(function, error);
  if (!list.workspace.empty())
    check.pointer("workspace", workspace.memory, workspaceAlignment);
  if (error)
    return error;
  bindings.workspace = deviceArray(workspace.memory, workspace.bytes);
  bindings.stream = static_cast<cuda::Stream>(workspace.stream);
  return bundle.gpu->enqueue(function, list, bindings);
}

static void checkSizes(FieldChecker &check, const mla_bundle &bundle, mla_step &step) {
  int64_t page = bundle.info.page;
  check.size("tokens", step.tokens, 1);
  check.size("batch", step.batch, 1);
  check.size("max_queries", step.max_queries, 1);
  check.size("max_length", step.max_length, 1);
  check.size("cached", step.cached, 0);
  check.size("num_pages", step.num_pages, 1);
  check.size("table_width", step.table_width, 1);
  check.product("num_pages", step.num_pages, "page", page);
  check.product("batch", step.batch, "table_width", step.table_width);
  if (check.failed())
    return; // the products below would overflow
  if (step.tokens > step.batch * step.max_queries)
    check.fail("tokens is " + std::to_string(step.tokens) + ", more than batch times max_queries, " +
               std::to_string(step.batch) + " times " + std::to_string(step.max_queries) + "; raise max_queries");
  if (step.max_length > step.table_width * page)
    check.fail("max_length is " + std::to_string(step.max_length) + ", but a row of block_table has room for " +
               std::to_string(step.table_width * page) + " tokens; raise table_width");
  if (step.cached == 0) {
    check.product("batch", step.batch, "max_length", step.max_length);
    step.cached = step.batch * step.max_length;
  }
  if (step.cached < step.tokens || step.cached > step.batch * step.max_length)
    check.fail("cached is " + std::to_string(step.cached) + "; give a bound of the sum of lengths, from tokens, " +
               std::to_string(step.tokens) + ", to batch times max_length, " +
               std::to_string(step.batch * step.max_length));
}

Error mla::checkStep(const char *function, const mla_bundle &bundle, const mla_step *given, CheckedStep &checked) {
  mla_step &step = checked.step;
  if (Error error = copyStruct(function, "step", given, step))
    return error;
  Error error;
  FieldChecker check(function, error);
  int64_t index = bundle.layerIndex(step.layer);
  if (index < 0)
    check.fail("the bundle has no layer " + std::to_string(step.layer) + "; use a number of info->layers");
  if (step.reserved)
    check.fail("reserved is " + std::to_string(step.reserved) + "; zero what you do not use");
  if (!error)
    checkSizes(check, bundle, step);
  if (error)
    return error;
  Result<int64_t> entry = selectEntry(function, bundle, step.phase, step.max_queries, step.max_length);
  if (!entry)
    return entry.error();
  checked.layerIndex = index;
  checked.entry = *entry;
  checked.sizes[Size::Tokens] = step.tokens;
  checked.sizes[Size::Batch] = step.batch;
  checked.sizes[Size::MaxQueries] = step.max_queries;
  checked.sizes[Size::MaxLength] = step.max_length;
  checked.sizes[Size::Cached] = step.cached;
  checked.sizes[Size::Pages] = step.num_pages;
  checked.sizes[Size::TableWidth] = step.table_width;
  return {};
}

static Error checkPointers(const char *function, const mla_step &step, uint64_t bytes) {
  Error error;
  FieldChecker check(function, error);
  check.pointer("hidden", step.hidden, bf16Alignment);
  check.pointer("cu_seqlens", step.cu_seqlens, int32Alignment);
  check.pointer("pages", step.pages, bf16Alignment);
  check.pointer("block_table", step.block_table, int32Alignment);
  check.pointer("lengths", step.lengths, int32Alignment);
  check.pointer("out", step.out, bf16Alignment);
  uintptr_t from = reinterpret_cast<uintptr_t>(step.hidden), to = reinterpret_cast<uintptr_t>(step.out);
  if (from < to ? to - from < bytes : from - to < bytes)
    check.fail("hidden and out overlap; give out its own memory");
  return error;
}

static Error enqueueLayer(const char *function, const mla_bundle *bundle, const mla_step *given) {
  CheckedStep checked;
  if (Error error = checkGpuBundle(function, bundle))
    return error;
  if (Error error = checkStep(function, *bundle, given, checked))
    return error;
  const mla_step &step = checked.step;
  const mla_bundle_info &info = bundle->info;
  uint64_t bytes = step.tokens * info.hidden_size * sizeof(uint16_t);
  if (Error error = checkPointers(function, step, bytes))
    return error;
  LaunchBindings bindings;
  bindings[Given::Hidden] = deviceArray(step.hidden, bytes);
  bindings[Given::CuSeqlens] = deviceArray(step.cu_seqlens, (step.batch + 1) * sizeof(int32_t));
  bindings[Given::Pages] = deviceArray(step.pages, step.num_pages * info.page *
                                                       (info.kv_lora_rank + info.qk_rope_head_dim) * sizeof(uint16_t));
  bindings[Given::BlockTable] = deviceArray(step.block_table, step.batch * step.table_width * sizeof(int32_t));
  bindings[Given::Lengths] = deviceArray(step.lengths, step.batch * sizeof(int32_t));
  bindings[Given::Out] = deviceArray(step.out, bytes);
  bindings.weights = bundle->gpu->weights(checked.layerIndex, checked.entry);
  bindings.sizes = checked.sizes;
  return enqueueList(function, *bundle, bundle->manifest.entries[checked.entry].launches, bindings,
                     {step.workspace, step.workspace_bytes, step.stream});
}

mla_status mla_enqueue_layer(const mla_bundle *bundle, const mla_step *step) {
  return report(enqueueLayer("mla_enqueue_layer", bundle, step));
}

mla_status mla_step_workspace(const mla_bundle *bundle, const mla_step *step, uint64_t *bytes) {
  const char *function = "mla_step_workspace";
  if (!bytes)
    return report(badArgument(function, "bytes is NULL; pass a place for the result"));
  CheckedStep checked;
  if (Error error = checkGpuBundle(function, bundle))
    return report(error);
  if (Error error = checkStep(function, *bundle, step, checked))
    return report(error);
  Result<uint64_t> result =
      bundle->gpu->workspaceBytes(function, bundle->manifest.entries[checked.entry].launches, checked.sizes);
  if (!result)
    return report(result.error());
  *bytes = *result;
  return MLA_OK;
}
