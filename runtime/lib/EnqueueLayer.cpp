//===- EnqueueLayer.cpp - A layer on the caller's memory ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Enqueue.h"
#include "Status.h"

using namespace mla;

void mla::checkStepSizes(FieldChecker &check, const mla_bundle_info &info, Sizes &sizes) {
  checkQueries(check, sizes);
  checkPaged(check, info, sizes);
  if (!check.failed() && sizes[Size::Cached] < sizes[Size::Tokens])
    check.fail("cached is " + std::to_string(sizes[Size::Cached]) + ", less than tokens, " +
               std::to_string(sizes[Size::Tokens]) + "; give a bound of the sum of lengths");
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
  checked.sizes = sizesOfPaged(step);
  if (!error)
    checkStepSizes(check, bundle.info, checked.sizes);
  if (error)
    return error;
  Result<int64_t> entry = selectEntry(function, bundle, step.layer, step.phase, step.max_queries, step.max_length);
  if (!entry)
    return entry.error();
  checked.layerIndex = index;
  checked.entry = *entry;
  return {};
}

static Error checkPointers(const char *function, const mla_bundle &bundle, const mla_step &step) {
  Error error;
  FieldChecker check(function, error);
  uint64_t hidden = elementBytes(bundle.info.dtype), cached = elementBytes(bundle.info.cache_dtype);
  check.hiddenAndOut(step.hidden, step.out, step.tokens * widthOf(bundle.info) * hidden,
                     bundle.gpu ? bf16Alignment : hidden);
  check.pointer("pages", step.pages, bundle.gpu ? bf16Alignment : cached);
  checkTables(check, step);
  if (bundle.info.num_adapters)
    check.pointer("adapters", step.adapters, int32Alignment);
  else if (step.adapters)
    check.fail("adapters is given, but bundle " + bundle.path + " has none to choose from; pass NULL");
  return error;
}

/// Checks that every number is that of an adapter, or -1.
static Error judgeAdapters(const char *function, const mla_bundle &bundle, const mla_step &step) {
  for (int64_t i = 0; i < step.batch && step.adapters; ++i)
    if (step.adapters[i] < -1 || step.adapters[i] >= bundle.info.num_adapters)
      return badArgument(function, "adapters[" + std::to_string(i) + "] is " + std::to_string(step.adapters[i]) +
                                       "; give -1 for none, or 0 to " + std::to_string(bundle.info.num_adapters - 1));
  return {};
}

/// Checks the tables first: wrong tables, which give wrong tokens on a device, would access wrong memory here.
static Error runOnHost(const char *function, const mla_bundle &bundle, const CheckedStep &checked) {
  const mla_step &step = checked.step;
  const mla_bundle_info &info = bundle.info;
  if (step.stream)
    return badArgument(function, "stream is given, but bundle " + bundle.path + " is for the host; pass NULL");
  if (Error error = judgeTablesOnHost(function, bundle, checked))
    return error;
  if (Error error = judgeAdapters(function, bundle, step))
    return error;
  EntryArguments arguments;
  arguments.hidden = arrayOf(step.hidden, {step.tokens, widthOf(info)});
  arguments.cuSeqlens = arrayOf(step.cu_seqlens, {step.batch + 1});
  arguments.pages = arrayOf(step.pages, {step.num_pages, info.page, layoutOf(info).row});
  arguments.blockTable = arrayOf(step.block_table, {step.batch, step.table_width});
  arguments.lengths = arrayOf(step.lengths, {step.batch});
  if (info.num_adapters)
    arguments.adapters = arrayOf(step.adapters, {step.batch});
  arguments.out = arrayOf(step.out, {step.tokens, widthOf(info)});
  return bundle.runOnHost(checked.layerIndex, checked.entry, arguments);
}

static Error enqueueOnDevice(const char *function, const mla_bundle &bundle, const CheckedStep &checked) {
  const mla_step &step = checked.step;
  LaunchBindings bindings;
  give(bindings, schema::List::Entry, step);
  bindings.weights = bundle.gpu->weights(checked.layerIndex, checked.entry);
  bindings.sizes = checked.sizes;
  return enqueueList(function, bundle, bundle.manifest.entries[checked.entry].launches, bindings,
                     {step.workspace, step.workspace_bytes, step.stream});
}

static Error enqueueLayer(const char *function, const mla_bundle *bundle, const mla_step *given) {
  CheckedStep checked;
  if (Error error = checkOpenBundle(function, bundle))
    return error;
  if (Error error = checkStep(function, *bundle, given, checked))
    return error;
  if (Error error = checkPointers(function, *bundle, checked.step))
    return error;
  return bundle->gpu ? enqueueOnDevice(function, *bundle, checked) : runOnHost(function, *bundle, checked);
}

mla_status mla_enqueue_layer(const mla_bundle *bundle, const mla_step *step) {
  return report(enqueueLayer("mla_enqueue_layer", bundle, step));
}

/// Code for the host allocates its own memory.
static Error giveNoWorkspace(const char *function, uint64_t *bytes) {
  if (!bytes)
    return badArgument(function, "bytes is NULL; pass a place for the result");
  *bytes = 0;
  return {};
}

static Error stepWorkspace(const char *function, const mla_bundle *bundle, const mla_step *given, uint64_t *bytes) {
  CheckedStep checked;
  bool inspected = bundle && bundle->info.device_memory && !bundle->gpu;
  if (Error error = inspected ? Error() : checkOpenBundle(function, bundle))
    return error;
  if (Error error = checkStep(function, *bundle, given, checked))
    return error;
  if (!bundle->info.device_memory)
    return giveNoWorkspace(function, bytes);
  return giveWorkspace(function, *bundle, bundle->manifest.entries[checked.entry].launches, checked.sizes, bytes);
}

mla_status mla_step_workspace(const mla_bundle *bundle, const mla_step *step, uint64_t *bytes) {
  return report(stepWorkspace("mla_step_workspace", bundle, step, bytes));
}
