//===- Range.h - Ranges of numbers ------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_IR_RANGE_H
#define MLA_DIALECT_MLA_IR_RANGE_H

#include "llvm/ADT/Hashing.h"

#include <cstdint>

namespace mla {

/// The numbers from `first` to `last`, inclusive; by default all.
struct Range {
  static constexpr int64_t kUnbounded = -1;
  int64_t first = 0;
  int64_t last = kUnbounded;

  bool isBounded() const { return last != kUnbounded; }
  bool isAll() const { return first == 0 && !isBounded(); }
  bool isEmpty() const { return isBounded() && last < first; }
  bool covers(int64_t number) const { return number >= first && (!isBounded() || number <= last); }

  bool operator==(const Range &other) const { return first == other.first && last == other.last; }
  bool operator!=(const Range &other) const { return !(*this == other); }
  friend llvm::hash_code hash_value(const Range &range) { return llvm::hash_combine(range.first, range.last); }
};

} // namespace mla

#endif // MLA_DIALECT_MLA_IR_RANGE_H
