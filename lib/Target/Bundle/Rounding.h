//===- Rounding.h - What storing a weight costs -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_ROUNDING_H
#define MLA_LIB_TARGET_BUNDLE_ROUNDING_H

#include <cstdint>

namespace mla {

/// How elements differ from what they were rounded from.
struct RoundingError {
  double largest = 0;                    ///< relative to the element, of those that are normal numbers
  double squaredErrors = 0, squares = 0; ///< sums, for the error relative to the norm

  void add(const RoundingError &other);
};

/// Whether all elements are the bf16 nearest to what was made, ties to even; how they differ is added to `error`, whose
/// sums are not finite if an element is not.
bool checkRounding(const float *made, const uint16_t *stored, int64_t count, RoundingError &error);

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_ROUNDING_H
