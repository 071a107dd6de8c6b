//===- PackedCache.h - What a packed cache keeps of a row -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rounding of the packed cache formats, for the reference. It shares no
// code with the compiler.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_PACKEDCACHE_H
#define MLA_RUN_PACKEDCACHE_H

#include "mla/error.h"

#include <cstdint>
#include <string_view>

namespace mla::run {

/// Rounds to e4m3, to nearest, ties to even. What exceeds 448 saturates.
double nearestE4M3(double value);

/// What a cache format does to a row.
enum class CacheRounding {
  None,   ///< standard: the row's type decides
  Tensor, ///< fp8_tensor: all in e4m3, with one scale
  Row     ///< fp8_row: the latent in e4m3 with a scale per 128 columns, the key in bf16
};

/// Returns the rounding of a format, or an error if it is unknown.
Result<CacheRounding> cacheRoundingOf(std::string_view format);

/// Rounds the latent and the key of one token. `scale` is that of fp8_tensor.
void roundRow(CacheRounding rounding, double scale, double *latent, int64_t width, double *key, int64_t keyWidth);

} // namespace mla::run

#endif // MLA_RUN_PACKEDCACHE_H
