//===- DecodeGraph.h - Decode steps of a model on a GPU ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_DECODEGRAPH_H
#define MLA_RUN_DECODEGRAPH_H

#include "Handles.h"
#include "Memory.h"

#include <vector>

namespace mla::run {

/// One decode step of some sequences as a captured graph, which takes the tokens that the last one made.
class DecodeGraph {
public:
  DecodeGraph(const mla_bundle *bundle, mla_cache *cache);

  /// Reserve pages for `steps` tokens more of every sequence, and capture the step. `tokens` are the first ones, one of
  /// every sequence.
  Error prepare(const std::vector<mla_sequence> &sequences, const std::vector<int32_t> &tokens, int64_t steps);
  /// Enqueue a step that appends the current tokens. At most `steps` are possible.
  Error launch();
  /// Enqueue the same step again, without appending.
  Error repeat() { return toError(mla_graph_launch(graph.get(), nullptr)); }
  /// Wait, and read the tokens made by the last step.
  Error read(std::vector<int32_t> &tokens);
  /// Commit what the steps appended.
  Error commit() { return toError(mla_batch_commit(batch.release())); }

private:
  struct Free {
    void operator()(void *memory) const { mla_device_free(memory); }
  };
  struct Destroy {
    void operator()(mla_graph *graph) const { mla_graph_destroy(graph); }
  };
  const mla_bundle *bundle;
  const mla_bundle_info &info;
  mla_cache *cache;
  Batch batch; ///< holds the pages
  Array ids, lengths, bounds, table;
  std::vector<void *> pages;
  std::unique_ptr<void, Free> workspace;
  std::unique_ptr<mla_graph, Destroy> graph;
  mla_model_step step = {};

  Error fillTable(const std::vector<mla_sequence> &sequences);
  Error findPages();
  Error capture();
};

} // namespace mla::run

#endif // MLA_RUN_DECODEGRAPH_H
