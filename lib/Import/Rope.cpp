//===- Rope.cpp - Rotary frequencies, with YaRN ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// These functions follow modeling_rope_utils.py of transformers operation by
// operation: tensors are float here, Python numbers are double. At position
// 100,000 the last bit of a frequency amounts to 0.01 radian, so the order of
// rounding matters. One bit of difference remains: torch's vectorized pow
// (SLEEF, within 1 ulp) and powf disagreed on 1 of 260 frequencies tried. This
// file is compiled without contraction into FMAs.
//
//===----------------------------------------------------------------------===//

#include "Rope.h"

#include <algorithm>
#include <cmath>

using namespace mla::importer;

/// Return theta^(2i/dim): base ** (torch.arange(0, dim, 2, dtype=torch.float) / dim).
static float wavelength(double theta, int64_t pair, int64_t dim) {
  return powf(static_cast<float>(theta), static_cast<float>(2 * pair) / static_cast<float>(dim));
}

std::vector<float> mla::importer::plainFrequencies(double theta, int64_t dim) {
  std::vector<float> result(dim / 2);
  for (int64_t pair = 0; pair < dim / 2; ++pair)
    result[pair] = 1.0f / wavelength(theta, pair, dim);
  return result;
}

namespace {
/// The pairs between which YaRN blends from the plain to the divided frequency.
struct CorrectionRange {
  double low, high;
};
} // namespace

/// Return the pair that makes `rotations` rotations over the original length (find_correction_dim).
static double correctionDim(double rotations, double theta, int64_t dim, const Yarn &yarn) {
  const double pi = 3.141592653589793;
  return dim * std::log(yarn.originalLength / (rotations * 2 * pi)) / (2 * std::log(theta));
}

static CorrectionRange correctionRange(double theta, int64_t dim, const Yarn &yarn) {
  double low = correctionDim(yarn.betaFast, theta, dim, yarn);
  double high = correctionDim(yarn.betaSlow, theta, dim, yarn);
  if (yarn.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dim - 1));
  if (low == high)
    high += 0.001; // avoids a division by zero, like the reference
  return {low, high};
}

std::vector<float> mla::importer::yarnFrequencies(double theta, int64_t dim, const Yarn &yarn) {
  CorrectionRange range = correctionRange(theta, dim, yarn);
  float low = static_cast<float>(range.low), width = static_cast<float>(range.high - range.low);
  std::vector<float> result(dim / 2);
  for (int64_t pair = 0; pair < dim / 2; ++pair) {
    float ramp = std::clamp((static_cast<float>(pair) - low) / width, 0.0f, 1.0f);
    float extrapolation = 1.0f - ramp;
    float plain = 1.0f / wavelength(theta, pair, dim);
    float divided = 1.0f / (static_cast<float>(yarn.factor) * wavelength(theta, pair, dim));
    result[pair] = divided * (1.0f - extrapolation) + plain * extrapolation;
  }
  return result;
}

double mla::importer::yarnMscale(double factor, double mscale) {
  return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}
