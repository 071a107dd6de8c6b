//===- Tune.h - mla-run --tune ----------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_TUNE_H
#define MLA_RUN_TUNE_H

#include "Tuned.h"

#include "mla/tune.h"

#include <map>
#include <set>

namespace mla::run {

/// What was measured of a choice.
struct MeasuredChoice {
  std::map<int64_t, std::vector<double>> costs; ///< by size, of each class; negative: not measured
  std::vector<std::set<std::string>> kernels;   ///< of each class
  std::vector<int64_t> before, limits;          ///< in use, and chosen
};

/// The measurements, by numbers of choices.
using Measurements = std::map<int64_t, MeasuredChoice>;

/// Print a table of each choice.
void printMeasurements(const mla_bundle *bundle, const Measurements &measured, const std::string &unit);

class JsonWriter;
void write(JsonWriter &json, const Tuning &tuning);

/// Write the limits and the measurements into the bundle, with those of an earlier run on this device that this one did
/// not measure.
Error writeTuning(const mla_bundle *bundle, const Measurements &measured, const std::string &unit);

} // namespace mla::run

#endif // MLA_RUN_TUNE_H
