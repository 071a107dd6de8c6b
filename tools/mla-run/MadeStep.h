//===- MadeStep.h - A step to measure ------------------------- -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_MADESTEP_H
#define MLA_RUN_MADESTEP_H

#include "Memory.h"
#include "Options.h"

#include <algorithm>
#include <vector>

namespace mla::run {

/// A step on a cache of random values, of the sizes that the options give.
class MadeStep {
public:
  MadeStep(const Options &options, const mla_bundle *bundle)
      : options(options), bundle(bundle), info(*mla_bundle_get_info(bundle)), hidden(info), out(info) {
    batchSize = options.batch < 0 ? 1 : options.batch;
    stepCount = options.steps >= 0 ? options.steps : options.emulate ? 1 : 20;
  }
  Error prepare();

protected:
  const Options &options;
  const mla_bundle *bundle;
  const mla_bundle_info &info;
  std::vector<int64_t> layers;
  int64_t batchSize = 1, stepCount = 20;
  int64_t context = 0, tokens = 1; ///< per sequence: cached before the step, and new in it
  int64_t decodeTokens = 1;        ///< new in a step of decode, at most
  Cache cache;
  std::vector<mla_sequence> sequences;
  Array hidden, out;

  mla_phase phase() const { return options.prefill ? MLA_PHASE_PREFILL : MLA_PHASE_DECODE; }
  /// Begin the step.
  Result<Batch> begin();
  /// Return token numbers of a model, for every token of the step.
  std::vector<int32_t> ids() const;

private:
  Error fillCache();
  Error fillSequence(mla_sequence sequence);
};

/// Return the median of sorted numbers, of which there is at least one.
inline double medianOf(const std::vector<double> &sorted) {
  size_t half = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

} // namespace mla::run

#endif // MLA_RUN_MADESTEP_H
