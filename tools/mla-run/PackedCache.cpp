//===- PackedCache.cpp - What a packed cache keeps of a row ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PackedCache.h"
#include "Float.h"

#include <algorithm>
#include <cmath>

using namespace mla;
using namespace mla::run;

static constexpr double largest = 448;
static constexpr int64_t groupColumns = 128;

double mla::run::nearestE4M3(double value) {
  if (std::isnan(value))
    return value;
  double magnitude = std::min(std::abs(value), largest);
  // 3 bits behind the first, which is at least that of 2^-6: below are the subnormals.
  int exponent = magnitude == 0 ? -6 : std::max(std::ilogb(magnitude), -6);
  double unit = std::ldexp(1.0, exponent - 3);
  return std::copysign(std::nearbyint(magnitude / unit) * unit, value);
}

Result<CacheRounding> mla::run::cacheRoundingOf(std::string_view format) {
  if (format == "standard")
    return CacheRounding::None;
  if (format == "fp8_tensor")
    return CacheRounding::Tensor;
  if (format == "fp8_row")
    return CacheRounding::Row;
  return Error(ErrorKind::InvalidArgument,
               "mla-run: --self-check has no rounding for cache format '" + std::string(format) + "'; use --check");
}

/// Rounds columns that share a scale. Scale, quotient and product are f32, as in the cache's definition.
static void roundGroup(double *columns, int64_t count) {
  float most = 0;
  for (int64_t i = 0; i < count; ++i)
    most = std::max(most, static_cast<float>(std::abs(columns[i])));
  float scale = std::max(most / static_cast<float>(largest), 0x1p-126f);
  for (int64_t i = 0; i < count; ++i) {
    float quotient = static_cast<float>(columns[i]) / scale;
    columns[i] = static_cast<float>(nearestE4M3(quotient)) * scale;
  }
}

void mla::run::roundRow(CacheRounding rounding, double scale, double *latent, int64_t width, double *key,
                        int64_t keyWidth) {
  if (rounding == CacheRounding::Tensor) {
    auto round = [&](double value) { return nearestE4M3(value / scale) * scale; };
    std::transform(latent, latent + width, latent, round);
    std::transform(key, key + keyWidth, key, round);
  } else if (rounding == CacheRounding::Row) {
    for (int64_t first = 0; first < width; first += groupColumns)
      roundGroup(latent + first, std::min(groupColumns, width - first));
    for (int64_t i = 0; i < keyWidth; ++i)
      key[i] = widenBF16(roundToBF16(static_cast<float>(key[i])));
  }
}
