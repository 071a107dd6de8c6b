//===- Plots.h - What a report's maps and curves are drawn from -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Numbers of the cost model over a range of steps. JSON has them as they are.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_REPORT_PLOTS_H
#define MLA_REPORT_PLOTS_H

#include "mla/Report/ModelCosts.h"

namespace mla::report {

/// What a device has to hold for each batch and context in the planned form: bytes[batch][context].
struct MemoryMap {
  std::vector<int64_t> batches, contexts;
  std::vector<std::vector<double>> bytes;
};

/// One attention layer in a step of the report's batch: the form that takes the least time.
struct CrossoverCell {
  int64_t queries, context;
  Forms cheapest;
  double seconds;             ///< of that form
  double naive, absorb, fold; ///< seconds where both sides have one form
};

/// Cells for all queries up to their context.
struct CrossoverMap {
  std::vector<int64_t> queries, contexts;
  std::vector<CrossoverCell> cells;
};

/// Decode at another batch, in the order of `PhaseCosts::forms`.
struct BatchSample {
  int64_t batch;
  std::vector<double> tokensPerSecond;
  std::vector<bool> fits; ///< the device's memory
};

/// A step, or its attention core alone, by what bounds it.
struct RooflinePoint {
  Phase phase;
  std::string form; ///< the key of FormCosts
  bool core;        ///< the attention core, else the whole step
  double flopsPerByte, flopsPerSecond;
};

} // namespace mla::report

#endif // MLA_REPORT_PLOTS_H
