//===- ProbeSums.h - Sums of rows with random vectors -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_PROBESUMS_H
#define MLA_LIB_TARGET_BUNDLE_PROBESUMS_H

#include "Reference.h"

#include <array>

namespace mla {

/// Number of random vectors per tile.
constexpr int kNumProbes = 2;

/// A random vector for every probe.
using ProbeVectors = std::array<std::vector<double>, kNumProbes>;

/// For every probe of a row: the sum, the sum of magnitudes, and the bound of the sum's error in units of u = 2^-24.
struct ProbeSums {
  std::array<double, kNumProbes> sums{}, magnitudes{}, errors{};
};

/// Multiply a row of exact elements with every random vector.
ProbeSums sumRow(llvm::ArrayRef<double> row, const ProbeVectors &vectors);

/// Multiplies the rows of one factor with the probes of the other, one per step.
class ProbedFactor {
public:
  explicit ProbedFactor(llvm::ArrayRef<ProbeSums> probes);
  ProbeSums sumRow(llvm::ArrayRef<double> row) const;

private:
  ProbeVectors sums, magnitudes, errors;
};

/// Return element `index` of a probe's random vector: its magnitude is between 1/2 and 1, so that every element of a
/// weight contributes, and its sign is random.
double probeElement(uint64_t seed, int probe, int64_t index);

/// Set `sums[n]` to the sum over columns of tile[row n + column] * vectors[probe][column], in f64. Offsets of places
/// are in elements of `tile`.
void sumRows(const float *tile, llvm::ArrayRef<Place> rows, llvm::ArrayRef<Place> columns, const ProbeVectors &vectors,
             llvm::MutableArrayRef<std::array<double, kNumProbes>> sums);

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_PROBESUMS_H
