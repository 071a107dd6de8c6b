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

/// Random vectors a tile.
constexpr int kNumProbes = 2;

/// A random vector for every probe.
using ProbeVectors = std::array<std::vector<double>, kNumProbes>;

/// Of a row, for every probe: the sum, the sum of magnitudes, and what the sum may differ by, in units of u = 2^-24.
struct ProbeSums {
  std::array<double, kNumProbes> sums{}, magnitudes{}, errors{};
};

/// A row of exact elements times every random vector.
ProbeSums sumRow(llvm::ArrayRef<double> row, const ProbeVectors &vectors);

/// The rows of one factor times the probes of the other, a step each.
class ProbedFactor {
public:
  explicit ProbedFactor(llvm::ArrayRef<ProbeSums> probes);
  ProbeSums sumRow(llvm::ArrayRef<double> row) const;

private:
  ProbeVectors sums, magnitudes, errors;
};

/// Element `index` of the random vector of a probe: its magnitude is between 1/2 and 1, so that no element of a weight
/// hides, and its sign is random.
double probeElement(uint64_t seed, int probe, int64_t index);

/// `sums[n]` is the sum over columns of tile[row n + column] * vectors[probe][column], in f64. The places' offsets are
/// in elements of `tile`.
void sumRows(const float *tile, llvm::ArrayRef<Place> rows, llvm::ArrayRef<Place> columns, const ProbeVectors &vectors,
             llvm::MutableArrayRef<std::array<double, kNumProbes>> sums);

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_PROBESUMS_H
