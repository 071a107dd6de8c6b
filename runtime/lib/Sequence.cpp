//===- Sequence.cpp - Sequences of a cache --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cache.h"
#include "Status.h"

#include <algorithm>
#include <atomic>

using namespace mla;

static Error nullArgument(const char *function) {
  return badArgument(function, "cache, or the place for the result, is NULL; pass both");
}

/// Returns a number unique among all caches, so that a sequence of another cache is recognised.
static mla_sequence newNumber() {
  static std::atomic<mla_sequence> last{0};
  return ++last;
}

/// Calls action(sequence) under the cache's lock if the sequence exists and is idle. The action returns an Error.
template <typename Action>
static mla_status withIdle(const char *function, mla_cache *cache, mla_sequence id, Action action) {
  std::lock_guard<std::mutex> lock(cache->mutex);
  Error error;
  Sequence *sequence = cache->findIdle(function, id, error);
  return report(sequence ? action(*sequence) : error);
}

mla_status mla_sequence_create(mla_cache *cache, mla_sequence *sequence) {
  if (!cache || !sequence)
    return report(nullArgument("mla_sequence_create"));
  std::lock_guard<std::mutex> lock(cache->mutex);
  *sequence = newNumber();
  cache->sequences[*sequence];
  return MLA_OK;
}

mla_status mla_sequence_free(mla_cache *cache, mla_sequence sequence) {
  if (!cache)
    return report(nullArgument("mla_sequence_free"));
  return withIdle("mla_sequence_free", cache, sequence, [&](Sequence &found) {
    cache->shrink(found, 0);
    cache->sequences.erase(sequence);
    return Error();
  });
}

mla_status mla_sequence_fork(mla_cache *cache, mla_sequence sequence, mla_sequence *copy) {
  if (!cache || !copy)
    return report(nullArgument("mla_sequence_fork"));
  return withIdle("mla_sequence_fork", cache, sequence, [&](Sequence &found) {
    Sequence forked;
    if (!forked.pages.assign(found.pages))
      return outOfMemory("mla_sequence_fork", "the pages of another sequence");
    for (int32_t page : found.pages)
      cache->pool.share(page);
    forked.length = found.length;
    forked.adapter = found.adapter;
    *copy = newNumber();
    cache->sequences.emplace(*copy, std::move(forked));
    return Error();
  });
}

mla_status mla_sequence_truncate(mla_cache *cache, mla_sequence sequence, int64_t length) {
  if (!cache)
    return report(nullArgument("mla_sequence_truncate"));
  return withIdle("mla_sequence_truncate", cache, sequence, [&](Sequence &found) {
    if (length < 0 || length > found.length)
      return badArgument("mla_sequence_truncate",
                         "length is " + std::to_string(length) + ", but sequence " + std::to_string(sequence) +
                             " has " + std::to_string(found.length) + " tokens; truncation only shortens");
    cache->shrink(found, length);
    found.length = length;
    return Error();
  });
}

mla_status mla_sequence_set_adapter(mla_cache *cache, mla_sequence sequence, int32_t adapter) {
  const char *function = "mla_sequence_set_adapter";
  if (!cache)
    return report(nullArgument(function));
  return withIdle(function, cache, sequence, [&](Sequence &found) {
    if (adapter < -1)
      return badArgument(function,
                         "adapter is " + std::to_string(adapter) + "; give a number of info->adapters, or -1 for none");
    if (adapter != found.adapter && found.length && cache->ownRows)
      return badArgument(function, "sequence " + std::to_string(sequence) + " has " + std::to_string(found.length) +
                                       " tokens, whose rows in the cache were computed with adapter " +
                                       std::to_string(found.adapter) + "; truncate it to 0 tokens first");
    found.adapter = adapter;
    return Error();
  });
}

/// Finds a sequence for reading, which is allowed in an open batch too.
static Sequence *find(mla_cache *cache, mla_sequence id) {
  auto found = cache->sequences.find(id);
  return found == cache->sequences.end() ? nullptr : &found->second;
}

mla_status mla_sequence_length(mla_cache *cache, mla_sequence sequence, int64_t *length) {
  if (!cache || !length)
    return report(nullArgument("mla_sequence_length"));
  std::lock_guard<std::mutex> lock(cache->mutex);
  Sequence *found = find(cache, sequence);
  if (!found)
    return report(unknownSequence("mla_sequence_length", sequence));
  *length = found->length;
  return MLA_OK;
}

mla_status mla_sequence_pages(mla_cache *cache, mla_sequence sequence, int32_t *pages, int64_t capacity,
                              int64_t *count) {
  if (!cache || !count || capacity < 0 || (capacity && !pages))
    return report(badArgument("mla_sequence_pages", "an argument is NULL, or capacity is negative"));
  std::lock_guard<std::mutex> lock(cache->mutex);
  Sequence *found = find(cache, sequence);
  if (!found)
    return report(unknownSequence("mla_sequence_pages", sequence));
  int64_t needed = static_cast<int64_t>(found->pages.size()) * cache->layout.tokenRanks;
  if (capacity && capacity < needed)
    return report(badArgument("mla_sequence_pages", "capacity is " + std::to_string(capacity) + ", the sequence has " +
                                                        std::to_string(needed) + " pages; make room for all"));
  for (int64_t entry = 0; capacity && entry < needed; ++entry)
    pages[entry] = cache->tableEntry(*found, entry, -1);
  *count = needed;
  return MLA_OK;
}
