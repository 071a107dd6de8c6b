//===- DecodeGraph.cpp - Decode steps of a model on a GPU -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecodeGraph.h"

#include <algorithm>

using namespace mla;
using namespace mla::run;

DecodeGraph::DecodeGraph(const mla_bundle *bundle, mla_cache *cache)
    : bundle(bundle), info(*mla_bundle_get_info(bundle)), cache(cache), ids(info), lengths(info), bounds(info),
      table(info) {}

static int32_t *integers(Array &array) { return reinterpret_cast<int32_t *>(array.host()); }

/// Copy integers to host and device.
static Error fill(Array &array, const std::vector<int32_t> &values) {
  if (Error error = array.resize(values.size() * sizeof(int32_t)))
    return error;
  std::copy(values.begin(), values.end(), integers(array));
  return array.send();
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
  return fill(table, all);
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

Error DecodeGraph::capture() {
  step.size = sizeof(step);
  step.which = MLA_LOGITS_LAST;
  step.max_queries = 1;
  step.max_length = mla_batch_max_length(batch.get());
  step.ids = static_cast<const int32_t *>(ids.address());
  step.next = static_cast<int32_t *>(ids.address());
  step.cu_seqlens = static_cast<const int32_t *>(bounds.address());
  step.lengths = static_cast<const int32_t *>(lengths.address());
  step.block_table = static_cast<const int32_t *>(table.address());
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
                           int64_t steps) {
  auto count = static_cast<int64_t>(sequences.size());
  std::vector<int32_t> counts(count, static_cast<int32_t>(steps)), cached, first;
  for (mla_sequence sequence : sequences) {
    int64_t length = 0;
    if (Error error = toError(mla_sequence_length(cache, sequence, &length)))
      return error;
    cached.push_back(static_cast<int32_t>(length));
  }
  mla_batch *begun = nullptr;
  if (Error error = toError(mla_batch_begin(cache, sequences.data(), counts.data(), count, &begun)))
    return error;
  batch.reset(begun);
  for (int64_t i = 0; i <= count; ++i)
    first.push_back(static_cast<int32_t>(i));
  step.tokens = step.batch = count;
  if (Error error = fill(bounds, first))
    return error;
  if (Error error = fill(lengths, cached))
    return error;
  if (Error error = fill(ids, tokens))
    return error;
  if (Error error = fillTable(sequences))
    return error;
  if (Error error = findPages())
    return error;
  return capture();
}

Error DecodeGraph::launch() {
  for (int64_t i = 0; i < step.batch; ++i)
    ++integers(lengths)[i];
  if (Error error = lengths.send())
    return error;
  return repeat();
}

Error DecodeGraph::read(std::vector<int32_t> &tokens) {
  if (Error error = ids.fetch())
    return error;
  tokens.assign(integers(ids), integers(ids) + step.batch);
  return {};
}
