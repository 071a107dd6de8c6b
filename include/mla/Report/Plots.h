//===- Plots.h - Data of a report's plots -----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Numbers of the cost model over a range of steps. JSON contains them unchanged.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_REPORT_PLOTS_H
#define MLA_REPORT_PLOTS_H

#include "mla/Report/ModelCosts.h"

namespace mla::report {

/// The memory that a device needs for each batch and context in the planned form: bytes[batch][context].
struct MemoryMap {
  std::vector<int64_t> batches, contexts;
  std::vector<std::vector<double>> bytes;
};

/// The cheapest form of one attention layer in a step of the report's batch.
struct CrossoverCell {
  int64_t queries, context;
  Forms cheapest;
  double seconds;             ///< of that form
  double naive, absorb, fold; ///< seconds with both sides in that form
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
  std::vector<bool> fits; ///< in the device's memory
};

/// The roofline coordinates of a step, or of its attention core alone.
struct RooflinePoint {
  Phase phase;
  std::string form; ///< the key of FormCosts
  bool core;        ///< the attention core, else the whole step
  double flopsPerByte, flopsPerSecond;
};

} // namespace mla::report

#endif // MLA_REPORT_PLOTS_H
