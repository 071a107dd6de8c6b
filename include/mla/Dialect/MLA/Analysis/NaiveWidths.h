//===- NaiveWidths.h - What naive attention has room for --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The plan must not choose forms that no kernel has: it asks what the kernel asks.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_NAIVEWIDTHS_H
#define MLA_DIALECT_MLA_ANALYSIS_NAIVEWIDTHS_H

#include "llvm/Support/MathExtras.h"

namespace mla {

/// Elements of a key, and of a value, that naive attention has room for on an H100.
constexpr int64_t kNaiveWidth = 256;
/// The copy engine brings columns in boxes of so many: both parts of a key are padded to whole ones.
constexpr int64_t kNaiveColumns = 64;

/// Keys of `nope` + `rope` elements and values of `value` fit into `width` each.
inline bool fitsNaiveAttention(int64_t nope, int64_t rope, int64_t value, int64_t width = kNaiveWidth) {
  int64_t key = llvm::divideCeil(nope, kNaiveColumns) + llvm::divideCeil(rope, kNaiveColumns);
  return key * kNaiveColumns <= width && value <= width;
}

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_NAIVEWIDTHS_H
