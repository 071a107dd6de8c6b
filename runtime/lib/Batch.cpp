//===- Batch.cpp - Steps of a cache ---------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cache.h"
#include "Status.h"

#include <algorithm>

using namespace mla;

static constexpr const char *begin = "mla_batch_begin";

/// Checks every argument and collects the sequences; changes only marks in the cache.
static Error collect(mla_cache &cache, const mla_sequence *ids, const int32_t *queryTokens, int64_t count,
                     mla_batch &batch) {
  if (!batch.sequences.reserve(count) || !batch.copies.reserve(count))
    return outOfMemory(begin, std::to_string(count) + " sequences");
  int64_t tokens = 0;
  uint64_t mark = cache.nextMark++;
  for (int64_t i = 0; i < count; ++i) {
    Error error;
    Sequence *sequence = cache.findIdle(begin, ids[i], error);
    if (!sequence)
      return error;
    std::string name = "sequence " + std::to_string(ids[i]);
    if (sequence->mark == mark)
      return badArgument(begin, name + " is twice in the batch; give each once");
    if (queryTokens[i] < 1)
      return badArgument(begin, name + " gets " + std::to_string(queryTokens[i]) +
                                    " tokens; give at least 1, or leave the sequence out");
    // Kernels count tokens in int32.
    tokens += queryTokens[i];
    if (sequence->length + queryTokens[i] > INT32_MAX || tokens > INT32_MAX)
      return badArgument(begin, name + ": lengths and the batch's tokens must stay below 2^31; give fewer tokens");
    sequence->mark = mark;
    batch.sequences.push(sequence);
  }
  return {};
}

/// Returns whether the sequence would append to a shared page.
static bool sharesLastPage(const mla_cache &cache, const Sequence &sequence) {
  return sequence.length % cache.layout.span() != 0 && cache.pool.sharers(sequence.pages.back()) > 1;
}

/// Returns the rows of the last page that tokens have filled.
static int64_t rowsOfLastPage(const CacheLayout &layout, int64_t length) {
  int64_t before = layout.tokenRank * layout.page; // of the span, on other ranks
  return std::clamp<int64_t>(length % layout.span() - before, 0, layout.page);
}

/// Starts to replace the last page by the sequence's own copy.
static Error copyLastPage(mla_cache &cache, mla_batch &batch, Sequence &sequence) {
  uint64_t rowBytes = cache.layout.rowBytes(), pageBytes = rowBytes * cache.layout.page;
  int32_t from = sequence.pages.back(), to = cache.pool.take();
  cache.pool.drop(from);
  sequence.pages.back() = to;
  batch.copies.push({&sequence, sequence.pages.size() - 1, from, to});
  int64_t rows = rowsOfLastPage(cache.layout, sequence.length);
  for (size_t layer = 0; rows && layer < cache.layers.size(); ++layer) {
    char *base = cache.memory + layer * cache.layerBytes;
    if (Error error = cache.device->copy(cache, base + to * pageBytes, base + from * pageBytes, rows * rowBytes))
      return error;
  }
  return {};
}

/// Counts the pages that the step needs. If all sharers of a page are in the batch, the last need not copy: counting
/// removes their references one by one (never the last of a page, so none becomes free), and restores them.
static int64_t countPages(mla_cache &cache, mla_batch &batch, const int32_t *queryTokens) {
  int64_t needed = 0;
  for (int64_t i = 0; i < batch.count(); ++i) {
    Sequence &sequence = *batch.sequences[i];
    needed += cache.pagesFor(sequence.length + queryTokens[i]) - static_cast<int64_t>(sequence.pages.size());
    if (!sharesLastPage(cache, sequence))
      continue;
    ++needed;
    int32_t page = sequence.pages.back();
    batch.copies.push({&sequence, 0, page, page});
    cache.pool.drop(page);
  }
  for (const PageCopy &copy : batch.copies)
    cache.pool.share(copy.from);
  batch.copies.clear();
  return needed;
}

/// Reserves memory for the whole step, so that nothing after it runs out of memory.
static Error makeRoom(mla_cache &cache, mla_batch &batch, const int32_t *queryTokens) {
  size_t count = batch.sequences.size();
  int64_t widest = 0;
  bool fits = batch.cuSeqlens.reserve(count + 1) && batch.lengths.reserve(count) && batch.adapters.reserve(count);
  for (size_t i = 0; fits && i < count; ++i) {
    Sequence &sequence = *batch.sequences[i];
    int64_t pages = cache.pagesFor(sequence.length + queryTokens[i]);
    widest = std::max(widest, pages * cache.layout.tokenRanks);
    fits = sequence.pages.reserve(pages);
  }
  if (fits && batch.blockTable.reserve(count * widest))
    return {};
  return outOfMemory(begin, "the arrays of " + std::to_string(count) + " sequences of up to " + std::to_string(widest) +
                                " pages");
}

/// Takes the pages. giveBack() or keep() must follow, also after an error.
static Error reserve(mla_cache &cache, mla_batch &batch, const int32_t *queryTokens) {
  Error error;
  for (int64_t i = 0; i < batch.count(); ++i)
    batch.sequences[i]->inBatch = true;
  for (int64_t i = 0; i < batch.count() && !error; ++i) {
    Sequence &sequence = *batch.sequences[i];
    if (sharesLastPage(cache, sequence))
      error = copyLastPage(cache, batch, sequence);
    int64_t needed = cache.pagesFor(sequence.length + queryTokens[i]);
    while (!error && static_cast<int64_t>(sequence.pages.size()) < needed)
      sequence.pages.push(cache.pool.take());
  }
  // No one may write to an original, or reuse it for another sequence, before it is copied. Not earlier: the last of
  // several sharers in the batch is the only one left, and does not copy.
  for (const PageCopy &copy : batch.copies)
    cache.pool.share(copy.from);
  return error;
}

/// Commits the pages taken by reserve().
static void keep(mla_cache &cache, mla_batch &batch) {
  for (const PageCopy &copy : batch.copies)
    cache.pool.drop(copy.from);
  batch.copies.clear();
}

/// Undoes reserve().
static void giveBack(mla_cache &cache, mla_batch &batch) {
  for (Sequence *sequence : batch.sequences) {
    cache.shrink(*sequence, sequence->length);
    sequence->inBatch = false;
  }
  for (const PageCopy &copy : batch.copies) {
    copy.sequence->pages[copy.index] = copy.from;
    cache.pool.drop(copy.to);
  }
  batch.copies.clear();
}

/// Builds the arrays for kernels. makeRoom() reserved the memory.
static bool buildArrays(mla_batch &batch, const int32_t *queryTokens) {
  batch.cuSeqlens.clear();
  batch.cuSeqlens.push(0);
  batch.lengths.clear();
  batch.adapters.clear();
  batch.maxPages = batch.maxLength = batch.maxQueries = 0;
  for (int64_t i = 0; i < batch.count(); ++i) {
    const Sequence &sequence = *batch.sequences[i];
    int64_t length = sequence.length + queryTokens[i];
    batch.cuSeqlens.push(batch.cuSeqlens.back() + queryTokens[i]);
    batch.lengths.push(static_cast<int32_t>(length));
    batch.adapters.push(sequence.adapter);
    batch.maxLength = std::max(batch.maxLength, length);
    batch.maxQueries = std::max<int64_t>(batch.maxQueries, queryTokens[i]);
  }
  const CacheLayout &layout = batch.cache->layout;
  auto entriesOf = [&](int64_t length) { return (length + layout.page - 1) / layout.page; };
  batch.maxPages = entriesOf(batch.maxLength);
  // Rows end in zeros: kernels do not read past a length, and if one did, page 0 exists.
  bool fits = batch.blockTable.assign(batch.count() * batch.maxPages, 0);
  for (int64_t i = 0; fits && i < batch.count(); ++i)
    for (int64_t entry = 0; entry < entriesOf(batch.lengths[i]); ++entry)
      batch.blockTable[i * batch.maxPages + entry] = batch.cache->tableEntry(*batch.sequences[i], entry, 0);
  return fits;
}

/// Returns an unused batch. Reusing batches keeps their arrays' memory, so that later steps allocate nothing.
static mla_batch *spareBatch(mla_cache *cache) {
  for (const std::unique_ptr<mla_batch> &batch : cache->batches)
    if (!batch->inUse)
      return batch.get();
  auto made = std::make_unique<mla_batch>(cache);
  if (!made->slot)
    return nullptr;
  cache->batches.push_back(std::move(made));
  return cache->batches.back().get();
}

/// Checks the step and reserves memory for it; the cache is unchanged.
static Error prepare(mla_cache &cache, const mla_sequence *sequences, const int32_t *queryTokens, int64_t count,
                     mla_batch &batch) {
  batch.sequences.clear();
  if (Error error = collect(cache, sequences, queryTokens, count, batch))
    return error;
  int64_t needed = countPages(cache, batch, queryTokens);
  if (needed > cache.pool.free())
    return Error(ErrorKind::OutOfPages, std::string(begin) + ": the step needs " + std::to_string(needed) + " pages, " +
                                            std::to_string(cache.pool.free()) + " of " +
                                            std::to_string(cache.pool.pages()) +
                                            " are free; free or truncate sequences, or make a larger cache");
  return makeRoom(cache, batch, queryTokens);
}

/// Waits for the copies and for the layers that previously ran on the batch, and uploads the arrays. The cache is not
/// locked meanwhile; what needs the lock is left in `made`.
static Error settleOnDevice(const mla_batch &batch, std::unique_ptr<GpuBatch> &made, Error error) {
  const mla_cache &cache = *batch.cache;
  // Also after an error: the destination pages of the copies will be given back.
  if (!batch.copies.empty())
    if (Error failed = cache.device->finishCopies(); failed && !error)
      error = failed;
  if (error)
    return error;
  if (batch.gpu) {
    if (Error failed = batch.gpu->restart(begin))
      return failed;
  } else {
    Result<std::unique_ptr<GpuBatch>> created = GpuBatch::create(begin, cache.context);
    if (!created)
      return created.error();
    made = std::move(*created);
  }
  GpuBatch &gpu = batch.gpu ? *batch.gpu : *made;
  return gpu.upload(begin, {&batch.cuSeqlens, &batch.lengths, &batch.adapters, &batch.blockTable});
}

/// Takes the pages and builds the arrays, or changes nothing. On a device the lock is released while it waits.
static Error build(mla_batch &batch, const int32_t *queryTokens, std::unique_lock<std::mutex> &lock) {
  mla_cache &cache = *batch.cache;
  Error error = reserve(cache, batch, queryTokens);
  if (!error && !buildArrays(batch, queryTokens))
    error = outOfMemory(begin, "the block table");
  if (cache.context) {
    std::unique_ptr<GpuBatch> made;
    lock.unlock();
    error = settleOnDevice(batch, made, std::move(error));
    lock.lock();
    if (made)
      batch.gpu = std::move(made);
  }
  error ? giveBack(cache, batch) : keep(cache, batch);
  return error;
}

mla_status mla_batch_begin(mla_cache *cache, const mla_sequence *sequences, const int32_t *query_tokens, int64_t count,
                           mla_batch **batch) {
  if (!cache || !sequences || !query_tokens || !batch)
    return report(badArgument(begin, "an argument is NULL; pass all"));
  if (count < 1)
    return report(badArgument(begin, "count is " + std::to_string(count) + "; give at least one sequence"));
  std::unique_lock<std::mutex> lock(cache->mutex);
  mla_batch *made = spareBatch(cache);
  if (!made)
    return report(outOfMemory(begin, "another batch"));
  if (Error error = prepare(*cache, sequences, query_tokens, count, *made))
    return report(error);
  made->inUse = true;
  ++cache->openBatches;
  if (Error error = build(*made, query_tokens, lock)) {
    made->inUse = false;
    --cache->openBatches;
    return report(error);
  }
  *batch = openHandle(*made->slot);
  return MLA_OK;
}

static Error ended(const char *function) {
  return badArgument(function, "the batch has ended, or its cache is gone; begin another");
}

mla_status mla_batch_set_stream(mla_batch *batch, void *stream) {
  const char *function = "mla_batch_set_stream";
  if (!batch)
    return report(badArgument(function, "batch is NULL; pass one of mla_batch_begin"));
  mla_batch *open = findOpen(batch);
  if (!open)
    return report(ended(function));
  if (!open->gpu && stream)
    return report(badArgument(function, "the batch runs on the host, which has no streams; pass NULL"));
  return open->gpu ? report(open->gpu->setStream(function, static_cast<cuda::Stream>(stream))) : MLA_OK;
}

static mla_status endBatch(const char *function, mla_batch *handle, bool commit) {
  mla_batch *batch = closeHandle(handle);
  if (!batch)
    return report(ended(function));
  // The cache still exists: it is not destroyed while it counts this batch.
  std::lock_guard<std::mutex> lock(batch->cache->mutex);
  for (int64_t i = 0; i < batch->count(); ++i) {
    Sequence &sequence = *batch->sequences[i];
    if (commit)
      sequence.length = batch->lengths[i];
    else
      batch->cache->shrink(sequence, sequence.length);
    sequence.inBatch = false;
  }
  batch->inUse = false;
  --batch->cache->openBatches;
  return MLA_OK;
}

mla_status mla_batch_commit(mla_batch *batch) {
  if (!batch)
    return report(badArgument("mla_batch_commit", "batch is NULL; pass one of mla_batch_begin"));
  return endBatch("mla_batch_commit", batch, true);
}

mla_status mla_batch_abort(mla_batch *batch) { return batch ? endBatch("mla_batch_abort", batch, false) : MLA_OK; }

int64_t mla_batch_tokens(const mla_batch *batch) {
  const mla_batch *open = findOpen(batch);
  return open ? open->tokens() : 0;
}

int64_t mla_batch_max_length(const mla_batch *batch) {
  const mla_batch *open = findOpen(batch);
  return open ? open->maxLength : 0;
}
