//===- ProbeSums.cpp - Sums of rows with random vectors -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProbeSums.h"
#include "WideVectors.h"

#include <cmath>

using namespace mla;

/// SplitMix64 (Steele, Lea, Flood, 2014).
static uint64_t scramble(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

double mla::probeElement(uint64_t seed, int probe, int64_t index) {
  uint64_t bits = scramble(scramble(seed + probe) ^ static_cast<uint64_t>(index));
  double magnitude = 0.5 + static_cast<double>(bits >> 12) * 0x1p-53;
  return bits & 1 ? -magnitude : magnitude;
}

/// Number of adjacent rows summed together, so that vectors of them are loaded.
static constexpr int64_t kLanes = 32;

MLA_WIDE_VECTORS static void sumLanes(const float *tile, const Place *columns, int64_t numColumns, const double *a,
                                      const double *b, double *sums) {
  double ofA[kLanes] = {}, ofB[kLanes] = {};
  for (int64_t m = 0; m < numColumns; ++m) {
    const float *lanes = tile + columns[m].offset;
    double x = a[m], y = b[m];
    for (int64_t i = 0; i < kLanes; ++i) {
      ofA[i] += lanes[i] * x;
      ofB[i] += lanes[i] * y;
    }
  }
  for (int64_t i = 0; i < kLanes; ++i) {
    sums[2 * i] = ofA[i];
    sums[2 * i + 1] = ofB[i];
  }
}

// Allow reassociation, so that sums are vectorized.
#pragma clang fp reassociate(on)

MLA_WIDE_VECTORS static void sumContiguous(const float *row, int64_t numColumns, const double *a, const double *b,
                                           double *sums) {
  double ofA = 0, ofB = 0;
  for (int64_t m = 0; m < numColumns; ++m) {
    ofA += row[m] * a[m];
    ofB += row[m] * b[m];
  }
  sums[0] = ofA;
  sums[1] = ofB;
}

MLA_WIDE_VECTORS static void sumWithMagnitudes(const double *row, int64_t count, const double *a, double &sum,
                                               double &magnitude) {
  double ofTerms = 0, ofMagnitudes = 0;
  for (int64_t m = 0; m < count; ++m) {
    double term = row[m] * a[m];
    ofTerms += term;
    ofMagnitudes += std::fabs(term);
  }
  sum = ofTerms;
  magnitude = ofMagnitudes;
}

MLA_WIDE_VECTORS static void sumOfFactor(const double *row, int64_t count, const double *a, const double *magnitudes,
                                         const double *errors, double &sum, double &magnitude, double &error) {
  double ofTerms = 0, ofMagnitudes = 0, ofErrors = 0;
  for (int64_t m = 0; m < count; ++m) {
    ofTerms += row[m] * a[m];
    ofMagnitudes += std::fabs(row[m]) * magnitudes[m];
    ofErrors += std::fabs(row[m]) * errors[m];
  }
  sum = ofTerms;
  magnitude = ofMagnitudes;
  error = ofErrors;
}

#pragma clang fp reassociate(off)

ProbeSums mla::sumRow(llvm::ArrayRef<double> row, const ProbeVectors &vectors) {
  ProbeSums result;
  for (int probe = 0; probe < kNumProbes; ++probe)
    sumWithMagnitudes(row.data(), row.size(), vectors[probe].data(), result.sums[probe], result.magnitudes[probe]);
  return result;
}

ProbedFactor::ProbedFactor(llvm::ArrayRef<ProbeSums> probes) {
  for (const ProbeSums &step : probes)
    for (int probe = 0; probe < kNumProbes; ++probe) {
      sums[probe].push_back(step.sums[probe]);
      magnitudes[probe].push_back(step.magnitudes[probe]);
      errors[probe].push_back(step.errors[probe]);
    }
}

ProbeSums ProbedFactor::sumRow(llvm::ArrayRef<double> row) const {
  ProbeSums result;
  for (int probe = 0; probe < kNumProbes; ++probe)
    sumOfFactor(row.data(), row.size(), sums[probe].data(), magnitudes[probe].data(), errors[probe].data(),
                result.sums[probe], result.magnitudes[probe], result.errors[probe]);
  return result;
}

static bool areContiguous(llvm::ArrayRef<Place> places) {
  return places.back().offset - places.front().offset == static_cast<int64_t>(places.size()) - 1;
}

void mla::sumRows(const float *tile, llvm::ArrayRef<Place> rows, llvm::ArrayRef<Place> columns,
                  const ProbeVectors &vectors, llvm::MutableArrayRef<std::array<double, kNumProbes>> sums) {
  static_assert(kNumProbes == 2, "the loops above take two");
  const double *a = vectors[0].data(), *b = vectors[1].data();
  for (size_t n = 0; n < rows.size();) {
    const float *first = tile + rows[n].offset;
    if (n + kLanes <= rows.size() && areContiguous(rows.slice(n, kLanes))) {
      sumLanes(first, columns.data(), columns.size(), a, b, sums[n].data());
      n += kLanes;
      continue;
    }
    if (areContiguous(columns)) {
      sumContiguous(first + columns[0].offset, columns.size(), a, b, sums[n].data());
    } else {
      sums[n] = {};
      for (size_t m = 0; m < columns.size(); ++m) {
        sums[n][0] += first[columns[m].offset] * a[m];
        sums[n][1] += first[columns[m].offset] * b[m];
      }
    }
    ++n;
  }
}
