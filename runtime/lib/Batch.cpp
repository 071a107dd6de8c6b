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

/// Checks every argument and notes the sequences; nothing of the cache changes but marks.
static Error collect(mla_cache &cache, const mla_sequence *ids, const int32_t *queryTokens, int64_t count,
                     mla_batch &batch) {
  batch.sequences.clear();
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
    batch.sequences.push_back(sequence);
  }
  return {};
}

/// Whether the sequence would append to a page that others read too.
static bool sharesLastPage(const mla_cache &cache, const Sequence &sequence) {
  return sequence.length % cache.layout.page != 0 && cache.pool.sharers(sequence.pages.back()) > 1;
}

/// Makes the last page the sequence's own.
static Error copyLastPage(mla_cache &cache, Sequence &sequence) {
  uint64_t rowBytes = cache.layout.rowBytes(), pageBytes = rowBytes * cache.layout.page;
  int32_t from = sequence.pages.back(), to = cache.pool.take();
  for (size_t layer = 0; layer < cache.layers.size(); ++layer) {
    char *base = cache.memory + layer * cache.layerBytes;
    if (Error error = cache.device->copy(cache, base + to * pageBytes, base + from * pageBytes,
                                         sequence.length % cache.layout.page * rowBytes)) {
      cache.pool.drop(to);
      return error;
    }
  }
  cache.pool.drop(from);
  sequence.pages.back() = to;
  return {};
}

/// The pages that the step needs. Of sharers that are all in the batch, the last need not copy: counting takes their
/// references away one by one (never the last of a page, so none becomes free), and gives them back.
static int64_t countPages(mla_cache &cache, const mla_batch &batch, const int32_t *queryTokens) {
  int64_t needed = 0;
  std::vector<int32_t> copied;
  for (int64_t i = 0; i < batch.count(); ++i) {
    const Sequence &sequence = *batch.sequences[i];
    needed += cache.pagesFor(sequence.length + queryTokens[i]) - static_cast<int64_t>(sequence.pages.size());
    if (!sharesLastPage(cache, sequence))
      continue;
    ++needed;
    copied.push_back(sequence.pages.back());
    cache.pool.drop(copied.back());
  }
  for (int32_t page : copied)
    cache.pool.share(page);
  return needed;
}

static Error reserve(mla_cache &cache, const mla_batch &batch, const int32_t *queryTokens) {
  for (int64_t i = 0; i < batch.count(); ++i) {
    Sequence &sequence = *batch.sequences[i];
    if (sharesLastPage(cache, sequence))
      if (Error error = copyLastPage(cache, sequence))
        return error;
    int64_t needed = cache.pagesFor(sequence.length + queryTokens[i]);
    while (static_cast<int64_t>(sequence.pages.size()) < needed)
      sequence.pages.push_back(cache.pool.take());
    sequence.inBatch = true;
  }
  return {};
}

/// Gives back what reserve() took.
static void unreserve(mla_cache &cache, const mla_batch &batch) {
  for (Sequence *sequence : batch.sequences) {
    cache.shrink(*sequence, sequence->length);
    sequence->inBatch = false;
  }
}

/// Builds what kernels read.
static void buildArrays(mla_batch &batch, const int32_t *queryTokens) {
  batch.cuSeqlens.assign(1, 0);
  batch.lengths.clear();
  batch.maxPages = batch.maxLength = batch.maxQueries = 0;
  for (int64_t i = 0; i < batch.count(); ++i) {
    const Sequence &sequence = *batch.sequences[i];
    int64_t length = sequence.length + queryTokens[i];
    batch.cuSeqlens.push_back(batch.cuSeqlens.back() + queryTokens[i]);
    batch.lengths.push_back(static_cast<int32_t>(length));
    batch.maxPages = std::max(batch.maxPages, static_cast<int64_t>(sequence.pages.size()));
    batch.maxLength = std::max(batch.maxLength, length);
    batch.maxQueries = std::max<int64_t>(batch.maxQueries, queryTokens[i]);
  }
  // Rows end in zeros: kernels do not read past a length, and if one did, page 0 exists.
  batch.blockTable.assign(batch.count() * batch.maxPages, 0);
  for (int64_t i = 0; i < batch.count(); ++i)
    std::copy(batch.sequences[i]->pages.begin(), batch.sequences[i]->pages.end(),
              batch.blockTable.begin() + i * batch.maxPages);
}

/// A batch that is not open. Using them again keeps their arrays' memory, so that steps soon allocate nothing.
static mla_batch *spareBatch(mla_cache *cache) {
  for (const std::unique_ptr<mla_batch> &batch : cache->batches)
    if (!batch->open)
      return batch.get();
  cache->batches.push_back(std::make_unique<mla_batch>());
  cache->batches.back()->cache = cache;
  return cache->batches.back().get();
}

/// What a device needs before the host changes anything: the layers that ran on this batch before are done.
static Error prepareDevice(mla_batch &batch) {
  if (!batch.cache->context)
    return {};
  if (batch.gpu)
    return batch.gpu->restart(begin);
  Result<std::unique_ptr<GpuBatch>> made = GpuBatch::create(begin, batch.cache->context);
  if (!made)
    return made.error();
  batch.gpu = std::move(*made);
  return {};
}

/// Takes the pages and makes the arrays, or changes nothing.
static Error build(mla_cache &cache, mla_batch &batch, const int32_t *queryTokens) {
  Error error = reserve(cache, batch, queryTokens);
  if (!error) {
    buildArrays(batch, queryTokens);
    if (batch.gpu)
      error = batch.gpu->upload(begin, batch.cuSeqlens, batch.lengths, batch.blockTable);
  }
  if (error)
    unreserve(cache, batch);
  return error;
}

mla_status mla_batch_begin(mla_cache *cache, const mla_sequence *sequences, const int32_t *query_tokens, int64_t count,
                           mla_batch **batch) {
  if (!cache || !sequences || !query_tokens || !batch)
    return report(badArgument(begin, "an argument is NULL; pass all"));
  if (count < 1)
    return report(badArgument(begin, "count is " + std::to_string(count) + "; give at least one sequence"));
  std::lock_guard<std::mutex> lock(cache->mutex);
  mla_batch *made = spareBatch(cache);
  if (Error error = collect(*cache, sequences, query_tokens, count, *made))
    return report(error);
  int64_t needed = countPages(*cache, *made, query_tokens);
  if (needed > cache->pool.free())
    return report(Error(ErrorKind::OutOfPages, std::string(begin) + ": the step needs " + std::to_string(needed) +
                                                   " pages, " + std::to_string(cache->pool.free()) + " of " +
                                                   std::to_string(cache->pool.pages()) +
                                                   " are free; free or truncate sequences, or make a larger cache"));
  if (Error error = prepareDevice(*made))
    return report(error);
  if (Error error = build(*cache, *made, query_tokens))
    return report(error);
  made->open = true;
  ++cache->openBatches;
  *batch = made;
  return MLA_OK;
}

mla_status mla_batch_set_stream(mla_batch *batch, void *stream) {
  const char *function = "mla_batch_set_stream";
  if (!batch)
    return report(badArgument(function, "batch is NULL; pass one of mla_batch_begin"));
  if (!batch->open)
    return report(badArgument(function, "the batch has ended; set the stream after mla_batch_begin"));
  if (!batch->gpu && stream)
    return report(badArgument(function, "the batch runs on the host, which has no streams; pass NULL"));
  return batch->gpu ? report(batch->gpu->setStream(function, static_cast<cuda::Stream>(stream))) : MLA_OK;
}

static mla_status endBatch(const char *function, mla_batch *batch, bool commit) {
  std::lock_guard<std::mutex> lock(batch->cache->mutex);
  if (!batch->open)
    return report(badArgument(function, "the batch has ended; begin another"));
  for (int64_t i = 0; i < batch->count(); ++i) {
    Sequence &sequence = *batch->sequences[i];
    if (commit)
      sequence.length = batch->lengths[i];
    else
      batch->cache->shrink(sequence, sequence.length);
    sequence.inBatch = false;
  }
  batch->open = false;
  --batch->cache->openBatches;
  return MLA_OK;
}

mla_status mla_batch_commit(mla_batch *batch) {
  if (!batch)
    return report(badArgument("mla_batch_commit", "batch is NULL; pass one of mla_batch_begin"));
  return endBatch("mla_batch_commit", batch, true);
}

mla_status mla_batch_abort(mla_batch *batch) { return batch ? endBatch("mla_batch_abort", batch, false) : MLA_OK; }

int64_t mla_batch_tokens(const mla_batch *batch) { return batch && batch->open ? batch->tokens() : 0; }

int64_t mla_batch_max_length(const mla_batch *batch) { return batch && batch->open ? batch->maxLength : 0; }
