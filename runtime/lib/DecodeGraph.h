//===- DecodeGraph.h - Decode steps of a model on a GPU ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Uses only the C API, so that mla-run measures what generation runs.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_DECODEGRAPH_H
#define MLA_RUNTIME_DECODEGRAPH_H

#include "Handles.h"

#include <vector>

namespace mla {

/// An array of numbers on the host, and its copy on the device. The device's context must be current.
template <typename T> class MirroredArray {
public:
  std::vector<T> host;

  /// Allocates the copy, of the host's size.
  Error allocate() {
    void *memory = nullptr;
    Error error = toError(mla_device_malloc(bytes(), &memory));
    device.reset(memory);
    return error;
  }
  T *address() const { return static_cast<T *>(device.get()); }
  Error send() { return toError(mla_device_copy_in(device.get(), host.data(), bytes())); }
  /// Waits for the work before.
  Error fetch() { return toError(mla_device_copy_out(host.data(), device.get(), bytes())); }

private:
  DeviceBlock device;
  uint64_t bytes() const { return host.size() * sizeof(T); }
};

/// One decode step of some sequences as a captured graph. The bundle's context must be current.
class DecodeGraph {
public:
  DecodeGraph(const mla_bundle *bundle, mla_cache *cache);

  /// Reserves pages for steps[i] tokens more of sequence i, and captures the step. `tokens` are the first ones, one of
  /// every sequence. The step chooses the likeliest next tokens, and takes those that the last one made; or, if it
  /// `givesLogits`, gives logits only.
  Error prepare(const std::vector<mla_sequence> &sequences, const std::vector<int32_t> &tokens,
                const std::vector<int32_t> &steps, bool givesLogits = false);
  /// Enqueues a step that appends the current tokens.
  Error launch();
  /// Enqueues the same step again, without appending.
  Error repeat() { return toError(mla_graph_launch(graph.get(), nullptr)); }
  /// Waits, and returns the tokens made by the last step.
  Result<std::vector<int32_t>> tokens();
  /// Waits, and returns the logits, a row per sequence. They are valid until the next call.
  Result<const float *> logits();
  /// Replaces the current tokens.
  Error setTokens(const std::vector<int32_t> &tokens);
  /// Commits all that was reserved; what no step appended must be truncated.
  Error commit() { return toError(mla_batch_commit(batch.release())); }

private:
  const mla_bundle *bundle;
  const mla_bundle_info &info;
  mla_cache *cache;
  Batch batch; ///< holds the pages
  MirroredArray<int32_t> ids, lengths, bounds, table;
  MirroredArray<float> scores;
  std::vector<void *> pages;
  DeviceBlock workspace;
  Graph graph;
  mla_model_step step = {};

  Error findLengths(const std::vector<mla_sequence> &sequences);
  Error fillTable(const std::vector<mla_sequence> &sequences);
  Error findPages();
  Error capture(bool givesLogits);
};

} // namespace mla

#endif // MLA_RUNTIME_DECODEGRAPH_H
