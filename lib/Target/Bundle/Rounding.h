//===- Rounding.h - Rounding errors of stored weights -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_ROUNDING_H
#define MLA_LIB_TARGET_BUNDLE_ROUNDING_H

#include <cstdint>

namespace mla {

/// Errors of rounded elements.
struct RoundingError {
  double largest = 0;                    ///< relative to the element, of normal numbers
  double squaredErrors = 0, squares = 0; ///< sums, for the error relative to the norm

  void add(const RoundingError &other);
};

/// Return whether all stored elements are the nearest bf16 to the computed ones, ties to even; add the errors to
/// `error`, whose sums are not finite if an element is not.
bool checkRounding(const float *made, const uint16_t *stored, int64_t count, RoundingError &error);

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_ROUNDING_H
