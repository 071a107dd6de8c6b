//===- Replay.h - Steps through a paged cache -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_REPLAY_H
#define MLA_RUN_REPLAY_H

#include "Memory.h"

#include <string>
#include <vector>

namespace mla::run {

/// Runs steps of one layer in order, with one sequence per row. The cache exposes errors: pages are shuffled, and rows
/// without a token are NaN.
class Replay {
public:
  Replay(const mla_bundle *bundle, int64_t layer)
      : bundle(bundle), info(*mla_bundle_get_info(bundle)), layer(layer), hidden(info), out(info) {}

  /// `rowTokens` is the total number of tokens of each row, `adapters` the number of its adapter.
  Error prepare(const std::vector<int64_t> &rowTokens, const std::vector<int32_t> &adapters);

  /// Run a step of lengths[row] tokens per row, some of which may be 0. `states` are the hidden states, row by row
  /// without gaps, and are rounded to the bundle's type.
  Error run(mla_phase phase, const std::vector<int64_t> &lengths, const std::vector<float> &states);

  /// Return element `index` of the last step's output, in the order of `states`, and the entry that ran.
  float output(size_t index) const;
  int64_t entry() const { return lastEntry; }
  /// Return the bytes of that output.
  const char *bytes() const { return out.host(); }
  uint64_t numBytes() const { return out.size(); }

  /// Warn if the last step, of that name, has numbers that a packed cache does not hold.
  void warnOfSaturation(const std::string &step) const;

private:
  const mla_bundle *bundle;
  const mla_bundle_info &info;
  int64_t layer;
  Cache cache;
  std::vector<mla_sequence> rows;
  Array hidden, out;
  int64_t lastEntry = 0;
  mla_saturation saturation = {};

  Error createRow(mla_sequence &row, int32_t adapter);
  Error poison();
  Error pack(const std::vector<float> &states);
  Error countSaturation(const mla_batch *batch);
  Error runBatch(mla_phase phase, const std::vector<int64_t> &lengths);
};

} // namespace mla::run

#endif // MLA_RUN_REPLAY_H
