//===- DecodeGraph.cpp - Decode steps of a model on a GPU -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecodeGraph.h"

#include <algorithm>
#include <numeric>

using namespace mla;

DecodeGraph::DecodeGraph(const mla_bundle *bundle, mla_cache *cache)
    : bundle(bundle), info(*mla_bundle_get_info(bundle)), cache(cache) {}

/// Copies numbers to host and device.
static Error fill(MirroredArray<int32_t> &array, std::vector<int32_t> values) {
  array.host = std::move(values);
  Error error = array.allocate();
  return error ? error : array.send();
}

Error DecodeGraph::findLengths(const std::vector<mla_sequence> &sequences) {
  std::vector<int32_t> cached;
  for (mla_sequence sequence : sequences) {
    int64_t length = 0;
    if (Error error = toError(mla_sequence_length(cache, sequence, &length)))
      return error;
    cached.push_back(static_cast<int32_t>(length));
  }
  return fill(lengths, std::move(cached));
}

Error DecodeGraph::fillTable(const std::vector<mla_sequence> &sequences) {
  std::vector<std::vector<int32_t>> rows;
  for (mla_sequence sequence : sequences) {
    int64_t count = 0;
    if (Error error = toError(mla_sequence_pages(cache, sequence, nullptr, 0, &count)))
      return error;
    std::vector<int32_t> &row = rows.emplace_back(count);
    if (Error error = toError(mla_sequence_pages(cache, sequence, row.data(), count, &count)))
      return error;
    step.table_width = std::max(step.table_width, count);
  }
  std::vector<int32_t> all;
  for (std::vector<int32_t> &row : rows) {
    row.resize(step.table_width);
    all.insert(all.end(), row.begin(), row.end());
  }
  return fill(table, std::move(all));
}

Error DecodeGraph::findPages() {
  for (int64_t i = 0; i < info.num_layers; ++i) {
    int64_t dims[3];
    mla_dtype dtype;
    if (Error error = toError(mla_cache_pages(cache, info.layers[i], &pages.emplace_back(), dims, &dtype)))
      return error;
    step.num_pages = dims[0];
  }
  return {};
}

Error DecodeGraph::capture(bool givesLogits) {
  step.size = sizeof(step);
  step.which = MLA_LOGITS_LAST;
  step.max_queries = 1;
  step.max_length = mla_batch_max_length(batch.get());
  step.ids = ids.address();
  step.next = givesLogits ? nullptr : ids.address();
  step.logits = givesLogits ? scores.address() : nullptr;
  step.cu_seqlens = bounds.address();
  step.lengths = lengths.address();
  step.block_table = table.address();
  step.pages = pages.data();
  void *memory = nullptr;
  if (Error error = toError(mla_model_workspace(bundle, &step, &step.workspace_bytes)))
    return error;
  if (Error error = toError(mla_device_malloc(step.workspace_bytes, &memory)))
    return error;
  workspace.reset(memory);
  step.workspace = memory;
  mla_graph *made = nullptr;
  if (Error error = toError(mla_model_graph_create(bundle, &step, &made)))
    return error;
  graph.reset(made);
  return {};
}

Error DecodeGraph::prepare(const std::vector<mla_sequence> &sequences, const std::vector<int32_t> &tokens,
                           const std::vector<int32_t> &steps, bool givesLogits) {
  auto count = static_cast<int64_t>(sequences.size());
  if (Error error = findLengths(sequences))
    return error;
  mla_batch *begun = nullptr;
  if (Error error = toError(mla_batch_begin(cache, sequences.data(), steps.data(), count, &begun)))
    return error;
  batch.reset(begun);
  step.tokens = step.batch = count;
  std::vector<int32_t> first(count + 1);
  std::iota(first.begin(), first.end(), 0);
  if (Error error = fill(bounds, std::move(first)))
    return error;
  if (Error error = fill(ids, tokens))
    return error;
  if (givesLogits)
    scores.host.resize(count * info.vocab_size);
  if (Error error = givesLogits ? scores.allocate() : Error())
    return error;
  if (Error error = fillTable(sequences))
    return error;
  if (Error error = findPages())
    return error;
  return capture(givesLogits);
}

Error DecodeGraph::launch() {
  for (int32_t &length : lengths.host)
    ++length;
  if (Error error = lengths.send())
    return error;
  return repeat();
}

Result<std::vector<int32_t>> DecodeGraph::tokens() {
  if (Error error = ids.fetch())
    return error;
  return ids.host;
}

Result<const float *> DecodeGraph::logits() {
  if (Error error = scores.fetch())
    return error;
  return static_cast<const float *>(scores.host.data());
}

Error DecodeGraph::setTokens(const std::vector<int32_t> &tokens) {
  ids.host = tokens;
  return ids.send();
}
