//===- Cache.cpp - The paged cache ----------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cache.h"
#include "Bundle.h"
#include "Status.h"

#include <climits>

using namespace mla;

CacheLayout mla::layoutOf(const mla_bundle_info &info) {
  CacheLayout layout;
  layout.page = info.page;
  layout.row = info.cache_row;
  layout.latent = info.kv_lora_rank;
  layout.dtype = info.cache_dtype;
  layout.format = info.cache_format;
  layout.scale = info.cache_scale;
  layout.tokenRanks = info.token_ranks;
  layout.tokenRank = info.group_rank % info.token_ranks;
  return layout;
}

std::string CacheLayout::differenceFrom(const CacheLayout &other, const std::string &name) const {
  auto differ = [&](const char *what, const std::string &here, const std::string &there) {
    return "has " + std::string(what) + " " + here + ", " + name + " has " + there;
  };
  if (format != other.format)
    return differ("format", format, other.format);
  if (dtype != other.dtype)
    return differ("dtype", schema::elementNames[dtype], schema::elementNames[other.dtype]);
  if (page != other.page)
    return differ("page", std::to_string(page), std::to_string(other.page));
  if (latent != other.latent)
    return differ("kv_lora_rank", std::to_string(latent), std::to_string(other.latent));
  if (tokenRanks != other.tokenRanks)
    return differ("token_ranks", std::to_string(tokenRanks), std::to_string(other.tokenRanks));
  if (tokenRank != other.tokenRank)
    return differ("the pages of rank", std::to_string(tokenRank), std::to_string(other.tokenRank));
  if (scale != other.scale)
    return differ("scale", std::to_string(scale), std::to_string(other.scale));
  return differ("cache_row", std::to_string(row), std::to_string(other.row));
}

mla_cache::~mla_cache() {
  batches.clear(); // on a device, first waits for the layers that use the pages
  if (memory)
    device->release(memory, memoryBytes());
}

Tensor mla_cache::layerPages(size_t layerIndex) const {
  Tensor tensor;
  tensor.data = memory + layerIndex * layerBytes;
  tensor.rank = 3;
  tensor.sizes[0] = pool.pages();
  tensor.sizes[1] = layout.page;
  tensor.sizes[2] = layout.row;
  return tensor;
}

int64_t mla_cache::layerIndex(int64_t layer) const {
  for (size_t i = 0; i < layers.size(); ++i)
    if (layers[i] == layer)
      return static_cast<int64_t>(i);
  return -1;
}

void mla_cache::shrink(Sequence &sequence, int64_t length) {
  while (static_cast<int64_t>(sequence.pages.size()) > pagesFor(length)) {
    pool.drop(sequence.pages.back());
    sequence.pages.pop();
  }
}

Error mla::unknownSequence(const char *function, mla_sequence id) {
  return badArgument(function, "the cache has no sequence " + std::to_string(id) +
                                   "; use a number of mla_sequence_create or _fork that was not freed");
}

Sequence *mla_cache::findIdle(const char *function, mla_sequence id, Error &error) {
  auto found = sequences.find(id);
  if (found == sequences.end())
    error = unknownSequence(function, id);
  else if (found->second.inBatch)
    error = badArgument(function, "sequence " + std::to_string(id) + " is in an open batch; commit or abort it first");
  return error ? nullptr : &found->second;
}

static Error allocate(mla_cache &cache, int64_t pages) {
  // Every layer starts at a multiple of 4096 bytes: aligned for any vector and for the system's pages.
  constexpr uint64_t alignment = 4096;
  uint64_t bytes = 0, all = 0;
  if (__builtin_mul_overflow(cache.layout.page * cache.layout.rowBytes(), static_cast<uint64_t>(pages), &bytes) ||
      bytes > LLONG_MAX - alignment)
    return Error(ErrorKind::OutOfMemory, "mla_cache_create: that many pages exceed 64 bits; ask for fewer");
  cache.layerBytes = (bytes + alignment - 1) / alignment * alignment;
  Result<void *> memory = Error(ErrorKind::OutOfMemory, "");
  if (!__builtin_mul_overflow(cache.layerBytes, static_cast<uint64_t>(cache.layers.size()), &all) && all <= LLONG_MAX)
    memory = cache.device->allocate(all);
  if (memory)
    cache.memory = static_cast<char *>(*memory);
  else if (memory.error().kind() != ErrorKind::OutOfMemory)
    return memory.error();
  if (!cache.memory || !cache.pool.init(pages))
    return Error(ErrorKind::OutOfMemory, std::string("mla_cache_create: the ") + (cache.context ? "device" : "system") +
                                             " does not give " + std::to_string(pages) + " pages for " +
                                             std::to_string(cache.layers.size()) + " layers, " +
                                             std::to_string(cache.layerBytes) + " bytes a layer; ask for fewer pages");
  return {};
}

/// Allocates the pages where the bundle's kernels run.
static Error chooseMemory(mla_cache &cache, const mla_bundle &bundle) {
  if (!bundle.info.device_memory) {
    cache.device = makeHostMemory();
    return {};
  }
  if (!bundle.gpu)
    return badArgument("mla_cache_create", "bundle " + bundle.path +
                                               " is for a GPU and only inspected; open it with "
                                               "mla_bundle_open");
  cache.context = bundle.gpu->context();
  Result<std::unique_ptr<DeviceMemory>> memory = makeGpuMemory("mla_cache_create", cache.context);
  if (!memory)
    return memory.error();
  cache.device = std::move(*memory);
  return {};
}

mla_status mla_cache_create(const mla_bundle *bundle, int64_t pages, mla_cache **cache) {
  if (!bundle || !cache)
    return report(badArgument("mla_cache_create", "bundle or cache is NULL; pass both"));
  // Block tables hold page numbers in int32.
  if (pages < 1 || pages > INT32_MAX)
    return report(badArgument("mla_cache_create", "pages is " + std::to_string(pages) + "; ask for 1 to 2147483647"));
  auto made = std::make_unique<mla_cache>();
  made->layout = layoutOf(bundle->info);
  made->ownRows = bundle->manifest.ownCacheRows;
  made->layers = bundle->manifest.layers;
  if (Error error = chooseMemory(*made, *bundle))
    return report(error);
  if (Error error = allocate(*made, pages))
    return report(error);
  *cache = made.release();
  return MLA_OK;
}

mla_status mla_cache_destroy(mla_cache *cache) {
  if (!cache)
    return MLA_OK;
  {
    std::lock_guard<std::mutex> lock(cache->mutex);
    if (cache->openBatches)
      return report(badArgument("mla_cache_destroy",
                                std::to_string(cache->openBatches) + " batches are open; commit or abort them first"));
  }
  delete cache;
  return MLA_OK;
}

int64_t mla_cache_num_pages(const mla_cache *cache) { return cache ? cache->pool.pages() : 0; }

int64_t mla_cache_free_pages(mla_cache *cache) {
  if (!cache)
    return 0;
  std::lock_guard<std::mutex> lock(cache->mutex);
  return cache->pool.free();
}

mla_status mla_cache_shuffle(mla_cache *cache, uint64_t seed) {
  if (!cache)
    return report(badArgument("mla_cache_shuffle", "cache is NULL; pass one of mla_cache_create"));
  std::lock_guard<std::mutex> lock(cache->mutex);
  cache->pool.shuffleFree(seed);
  return MLA_OK;
}

mla_status mla_cache_pages(mla_cache *cache, int64_t layer, void **data, int64_t dims[3], mla_dtype *dtype) {
  if (!cache || !data || !dims || !dtype)
    return report(badArgument("mla_cache_pages", "an argument is NULL; pass all"));
  int64_t index = cache->layerIndex(layer);
  if (index < 0)
    return report(badArgument("mla_cache_pages", "the cache has no layer " + std::to_string(layer) +
                                                     "; use a number of its bundle's info->layers"));
  Tensor pages = cache->layerPages(index);
  *data = pages.data;
  for (int i = 0; i < 3; ++i)
    dims[i] = pages.sizes[i];
  *dtype = cache->layout.dtype;
  return MLA_OK;
}
