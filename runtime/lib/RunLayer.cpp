//===- RunLayer.cpp - Running one layer -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bundle.h"
#include "Cache.h"
#include "Status.h"

#include "mla/abi.h"

using namespace mla;

static Error checkBundleAndBatch(const char *function, const mla_bundle *bundle, const mla_batch *batch) {
  if (!bundle || !batch)
    return badArgument(function, "bundle or batch is NULL; pass both");
  if (!batch->open)
    return badArgument(function, "the batch has ended; run layers before mla_batch_commit or _abort");
  if (!(layoutOf(bundle->info) == batch->cache->layout))
    return badArgument(function, "the batch's cache has another page, row, dtype or format than bundle " +
                                     bundle->path + "; use a cache made from it");
  return {};
}

static Result<mla_phase> resolvePhase(const char *function, const mla_batch &batch, mla_phase phase) {
  bool fitsDecode = batch.maxQueries <= MLA_MAX_DECODE_QUERIES;
  if (phase == MLA_PHASE_AUTO)
    return fitsDecode ? MLA_PHASE_DECODE : MLA_PHASE_PREFILL;
  if (phase != MLA_PHASE_PREFILL && phase != MLA_PHASE_DECODE)
    return badArgument(function, "phase is " + std::to_string(static_cast<int>(phase)) + "; use a value of mla_phase");
  if (phase == MLA_PHASE_DECODE && !fitsDecode)
    return badArgument(function, "a sequence of the batch has " + std::to_string(batch.maxQueries) +
                                     " query tokens, decode serves up to " + std::to_string(MLA_MAX_DECODE_QUERIES) +
                                     "; use MLA_PHASE_AUTO or _PREFILL");
  return phase;
}

static Result<int64_t> selectEntry(const char *function, const mla_bundle &bundle, const mla_batch &batch,
                                   mla_phase asked) {
  Result<mla_phase> phase = resolvePhase(function, batch, asked);
  if (!phase)
    return phase.error();
  for (int64_t i = 0; i < bundle.info.num_entries; ++i) {
    const mla_entry_info &entry = bundle.entries[i];
    if (entry.phase == *phase && batch.maxLength >= entry.first_context &&
        (entry.last_context == -1 || batch.maxLength <= entry.last_context))
      return i;
  }
  return Error(ErrorKind::Unsupported, std::string(function) + ": bundle " + bundle.path + " has no " +
                                           (*phase == MLA_PHASE_DECODE ? "decode" : "prefill") +
                                           " entry for a sequence of " + std::to_string(batch.maxLength) +
                                           " tokens; compile it with a plan that has one");
}

static Error checkBuffers(const char *function, const mla_bundle &bundle, const mla_batch &batch, const void *hidden,
                          const void *out) {
  uint64_t element = bundle.info.dtype == MLA_F32 ? 4 : 2;
  uintptr_t from = reinterpret_cast<uintptr_t>(hidden), to = reinterpret_cast<uintptr_t>(out);
  if (!from || !to)
    return badArgument(function, "hidden or out is NULL; pass both");
  if (from % element || to % element)
    return badArgument(function, "hidden or out is not aligned to its elements of " + std::to_string(element) +
                                     " bytes; align both");
  // Entries may write the first rows of out before they read the last of hidden.
  uint64_t bytes = batch.tokens() * bundle.info.hidden_size * element;
  if (from < to ? to - from < bytes : from - to < bytes)
    return badArgument(function, "hidden and out overlap; give out its own memory");
  return {};
}

static Tensor tensor(const void *data, std::initializer_list<int64_t> sizes) {
  Tensor result;
  result.data = const_cast<void *>(data);
  for (int64_t size : sizes)
    result.sizes[result.rank++] = size;
  return result;
}

static Error runLayer(const char *function, const mla_bundle *bundle, int64_t layer, const mla_batch *batch,
                      mla_phase phase, const void *hidden, void *out) {
  if (Error error = checkBundleAndBatch(function, bundle, batch))
    return error;
  if (!bundle->code)
    return badArgument(function, "bundle " + bundle->path + " is only inspected; open it with mla_bundle_open");
  int64_t index = bundle->layerIndex(layer), cacheIndex = batch->cache->layerIndex(layer);
  if (index < 0 || cacheIndex < 0)
    return badArgument(function, std::string(index < 0 ? "the bundle" : "the batch's cache") + " has no layer " +
                                     std::to_string(layer) + "; use a number of info->layers");
  if (Error error = checkBuffers(function, *bundle, *batch, hidden, out))
    return error;
  Result<int64_t> entry = selectEntry(function, *bundle, *batch, phase);
  if (!entry)
    return entry.error();

  const std::vector<Tensor> &weights = bundle->boundWeights(index, *entry);
  Step step;
  step.hidden = tensor(hidden, {batch->tokens(), bundle->info.hidden_size});
  step.cuSeqlens = tensor(batch->cuSeqlens.data(), {batch->count() + 1});
  step.pages = batch->cache->layerPages(cacheIndex);
  step.blockTable = tensor(batch->blockTable.data(), {batch->count(), batch->maxPages});
  step.lengths = tensor(batch->lengths.data(), {batch->count()});
  step.out = tensor(out, {batch->tokens(), bundle->info.hidden_size});
  step.weights = weights.data();
  step.numWeights = static_cast<int64_t>(weights.size());
  return bundle->code->run(*entry, step);
}

mla_status mla_run_layer(const mla_bundle *bundle, int64_t layer, const mla_batch *batch, mla_phase phase,
                         const void *hidden, void *out) {
  return report(runLayer("mla_run_layer", bundle, layer, batch, phase, hidden, out));
}

mla_status mla_select_entry(const mla_bundle *bundle, const mla_batch *batch, mla_phase phase, int64_t *entry) {
  if (!entry)
    return report(badArgument("mla_select_entry", "entry is NULL; pass a place for the result"));
  if (Error error = checkBundleAndBatch("mla_select_entry", bundle, batch))
    return report(error);
  Result<int64_t> selected = selectEntry("mla_select_entry", *bundle, *batch, phase);
  if (!selected)
    return report(selected.error());
  *entry = *selected;
  return MLA_OK;
}
