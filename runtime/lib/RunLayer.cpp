//===- RunLayer.cpp - Running one layer -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Enqueue.h"
#include "Status.h"

#include <numeric>

using namespace mla;

/// Checks both, and finds the batch of the handle.
static Error checkBundleAndBatch(const char *function, const mla_bundle *bundle, const mla_batch *handle,
                                 const mla_batch *&batch) {
  if (!bundle || !handle)
    return badArgument(function, "bundle or batch is NULL; pass both");
  batch = findOpen(handle);
  if (!batch)
    return badArgument(function, "the batch has ended, or its cache is gone; run it before mla_batch_commit or "
                                 "_abort");
  CacheLayout wanted = layoutOf(bundle->info);
  if (!(wanted == batch->cache->layout))
    return badArgument(function, "the batch's cache " +
                                     batch->cache->layout.differenceFrom(wanted, "bundle " + bundle->path) +
                                     "; use a cache made from it");
  return {};
}

Error mla::findBatchLayer(const char *function, const mla_bundle *bundle, int64_t layer, const mla_batch *handle,
                          BatchLayer &found) {
  if (Error error = checkBundleAndBatch(function, bundle, handle, found.batch))
    return error;
  if (!bundle->code && !bundle->gpu)
    return badArgument(function, "bundle " + bundle->path + " is only inspected; open it with mla_bundle_open");
  if (static_cast<bool>(bundle->gpu) != static_cast<bool>(found.batch->gpu))
    return badArgument(function, "bundle " + bundle->path + " is for target " + bundle->manifest.target +
                                     ", but the batch's cache is not; use a cache made from it");
  const mla_batch *batch = found.batch;
  int64_t index = bundle->layerIndex(layer), cacheIndex = batch->cache->layerIndex(layer);
  if (index < 0 || cacheIndex < 0)
    return badArgument(function, std::string(index < 0 ? "the bundle" : "the batch's cache") + " has no layer " +
                                     std::to_string(layer) + "; use a number of info->layers");
  if (bundle->gpu && bundle->gpu->context()->handle != batch->cache->context->handle)
    return badArgument(function, "bundle " + bundle->path +
                                     " and the batch's cache are in different CUDA contexts; open "
                                     "the bundle in the cache's");
  found.index = index;
  found.cacheIndex = cacheIndex;
  return {};
}

static Error checkBuffers(const char *function, const mla_bundle &bundle, const mla_batch &batch, const void *hidden,
                          const void *out) {
  Error error;
  uint64_t element = elementBytes(bundle.info.dtype), bytes = batch.tokens() * widthOf(bundle.info) * element;
  FieldChecker(function, error).hiddenAndOut(hidden, out, bytes, bundle.gpu ? bf16Alignment : element);
  return error;
}

static Error runOnHost(const mla_bundle &bundle, size_t index, size_t cacheIndex, const mla_batch &batch, int64_t entry,
                       const void *hidden, void *out) {
  EntryArguments arguments;
  arguments.hidden = arrayOf(hidden, {batch.tokens(), widthOf(bundle.info)});
  arguments.cuSeqlens = arrayOf(batch.cuSeqlens.data(), {batch.count() + 1});
  arguments.pages = batch.cache->layerPages(cacheIndex);
  arguments.blockTable = arrayOf(batch.blockTable.data(), {batch.count(), batch.maxPages});
  arguments.lengths = arrayOf(batch.lengths.data(), {batch.count()});
  if (bundle.info.num_adapters)
    arguments.adapters = arrayOf(batch.adapters.data(), {batch.count()});
  arguments.out = arrayOf(out, {batch.tokens(), widthOf(bundle.info)});
  return bundle.runOnHost(index, entry, arguments);
}

/// Checks that the bundle has the adapters of the sequences.
static Error checkAdapters(const char *function, const mla_bundle &bundle, const mla_batch &batch) {
  for (int64_t i = 0; i < batch.count(); ++i)
    if (batch.adapters[i] >= bundle.info.num_adapters)
      return badArgument(function, "sequence " + std::to_string(i) + " of the batch has adapter " +
                                       std::to_string(batch.adapters[i]) + ", but bundle " + bundle.path + " has " +
                                       std::to_string(bundle.info.num_adapters) +
                                       " adapters; set one of info->adapters");
  return {};
}

static LaunchBindings bind(const mla_bundle &bundle, size_t index, size_t cacheIndex, const mla_batch &batch,
                           int64_t entry, const void *hidden, void *out) {
  LaunchBindings bindings;
  bindings.give(Buffer::Hidden, hidden);
  bindings.give(Buffer::Out, out);
  bindings.give(Buffer::Pages, batch.cache->layerPages(cacheIndex).data);
  bindings.give(Buffer::CuSeqlens, batch.gpu->cuSeqlens());
  bindings.give(Buffer::Lengths, batch.gpu->lengths());
  bindings.give(Buffer::Adapters, batch.gpu->adapters());
  bindings.give(Buffer::BlockTable, batch.gpu->blockTable());
  bindings.weights = bundle.gpu->weights(index, entry);
  bindings.stream = batch.gpu->stream();
  bindings.sizes[Size::Tokens] = batch.tokens();
  bindings.sizes[Size::Batch] = batch.count();
  bindings.sizes[Size::MaxQueries] = batch.maxQueries;
  bindings.sizes[Size::MaxLength] = batch.maxLength;
  bindings.sizes[Size::Cached] = std::accumulate(batch.lengths.begin(), batch.lengths.end(), int64_t(0));
  bindings.sizes[Size::Pages] = batch.cache->pool.pages();
  bindings.sizes[Size::TableWidth] = batch.maxPages;
  return bindings;
}

static Error runOnDevice(const char *function, const mla_bundle &bundle, size_t index, size_t cacheIndex,
                         const mla_batch &batch, int64_t entry, const void *hidden, void *out, Profile *profile) {
  if (Error error = batch.gpu->refuseCapture(function, "capture mla_enqueue_layer instead"))
    return error;
  const LaunchList &list = bundle.manifest.entries[entry].launches;
  LaunchBindings bindings = bind(bundle, index, cacheIndex, batch, entry, hidden, out);
  Result<uint64_t> bytes = bundle.gpu->workspaceBytes(function, list, bindings.sizes);
  if (!bytes)
    return bytes.error();
  Result<uint64_t> workspace = batch.gpu->workspace(function, *bytes);
  if (!workspace)
    return workspace.error();
  bindings.workspace = {*workspace, batch.gpu->workspaceBytes()};
  int64_t layer = bundle.manifest.layers[index];
  Error error = profile ? profile->enqueue(function, bundle, list, bindings, layer)
                        : bundle.gpu->enqueue(function, list, bindings);
  // Also after a failure: kernels before it may run.
  Error recorded = batch.gpu->record(function);
  return error ? error : recorded;
}

/// Returns the bytes that a layer moves at most: the entry's weights, the cached rows, the states.
static double bytesOnHost(const mla_bundle &bundle, const mla_batch &batch, int64_t entry) {
  auto cached = std::accumulate(batch.lengths.begin(), batch.lengths.end(), int64_t(0));
  double states = 2.0 * static_cast<double>(batch.tokens() * widthOf(bundle.info));
  return static_cast<double>(bundle.entries[entry].weight_bytes) +
         static_cast<double>(cached * bundle.info.cache_row * elementBytes(bundle.info.cache_dtype)) +
         states * static_cast<double>(elementBytes(bundle.info.dtype));
}

Error mla::runLayer(const char *function, const mla_bundle *bundle, int64_t layer, const mla_batch *handle,
                    mla_phase phase, const void *hidden, void *out, Profile *profile) {
  BatchLayer found;
  if (Error error = findBatchLayer(function, bundle, layer, handle, found))
    return error;
  const mla_batch *batch = found.batch;
  if (Error error = checkBuffers(function, *bundle, *batch, hidden, out))
    return error;
  if (Error error = checkAdapters(function, *bundle, *batch))
    return error;
  Result<int64_t> entry = selectEntry(function, *bundle, layer, phase, batch->maxQueries, batch->maxLength);
  if (!entry)
    return entry.error();
  if (bundle->gpu)
    return runOnDevice(function, *bundle, found.index, found.cacheIndex, *batch, *entry, hidden, out, profile);
  auto run = [&] { return runOnHost(*bundle, found.index, found.cacheIndex, *batch, *entry, hidden, out); };
  return profile ? profile->run(bundle->manifest.entries[*entry].symbol, "", layer,
                                bytesOnHost(*bundle, *batch, *entry), run)
                 : run();
}

mla_status mla_run_layer(const mla_bundle *bundle, int64_t layer, const mla_batch *batch, mla_phase phase,
                         const void *hidden, void *out) {
  return report(runLayer("mla_run_layer", bundle, layer, batch, phase, hidden, out));
}

static Error timeLayer(const char *function, const mla_bundle *bundle, int64_t layer, const mla_batch *batch,
                       mla_phase phase, const void *hidden, void *out, mla_launch_time *times, int64_t capacity,
                       int64_t *count) {
  if (!count || capacity < 0 || (capacity && !times))
    return badArgument(function, "count is NULL, or times is and capacity is not 0; pass places for the results");
  if (bundle && !bundle->info.device_memory)
    return Error(ErrorKind::Unsupported, std::string(function) + ": bundle " + bundle->path + " is for target " +
                                             bundle->manifest.target + ", which has no kernels; time mla_run_layer");
  Profile profile;
  if (Error error = runLayer(function, bundle, layer, batch, phase, hidden, out, &profile))
    return error;
  *count = static_cast<int64_t>(profile.items().size());
  for (int64_t i = 0; i < std::min(*count, capacity); ++i) {
    const mla_profile_item &item = profile.items()[i];
    times[i] = {item.name, {item.grid[0], item.grid[1], item.grid[2]}, item.seconds};
  }
  return {};
}

mla_status mla_time_layer(const mla_bundle *bundle, int64_t layer, const mla_batch *batch, mla_phase phase,
                          const void *hidden, void *out, mla_launch_time *times, int64_t capacity, int64_t *count) {
  return report(timeLayer("mla_time_layer", bundle, layer, batch, phase, hidden, out, times, capacity, count));
}

mla_status mla_select_entry(const mla_bundle *bundle, const mla_batch *batch, mla_phase phase, int64_t *entry) {
  if (!entry)
    return report(badArgument("mla_select_entry", "entry is NULL; pass a place for the result"));
  const mla_batch *open = nullptr;
  if (Error error = checkBundleAndBatch("mla_select_entry", bundle, batch, open))
    return report(error);
  Result<int64_t> selected = selectEntry("mla_select_entry", *bundle, bundle->manifest.layers.front(), phase,
                                         open->maxQueries, open->maxLength);
  if (!selected)
    return report(selected.error());
  *entry = *selected;
  return MLA_OK;
}
