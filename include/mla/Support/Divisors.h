//===- Divisors.h - Tiles that divide a size --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_SUPPORT_DIVISORS_H
#define MLA_SUPPORT_DIVISORS_H

#include <algorithm>
#include <cstdint>

namespace mla {

/// Return the largest divisor of a positive size that is at most `limit`, used
/// to tile a static size without partial tiles.
inline int64_t largestDivisor(int64_t size, int64_t limit) {
  for (int64_t divisor = std::min(size, limit); divisor > 1; --divisor)
    if (size % divisor == 0)
      return divisor;
  return 1;
}

} // namespace mla

#endif // MLA_SUPPORT_DIVISORS_H
