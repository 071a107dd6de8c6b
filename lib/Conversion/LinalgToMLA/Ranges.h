//===- Ranges.h - Index expressions with bounded variables ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reshapes cause divisions and remainders in index expressions, most of which
// simplify if the sizes of the variables are known: for b * 6 + s with s < 6,
// the quotient by 6 is b and the remainder is s.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_RANGES_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_RANGES_H

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/SmallVector.h"

namespace mla::raise {

/// `sum(coefficient * atom) + constant`; an atom is a variable, or a quotient or remainder that does not simplify.
struct LinearSum {
  llvm::SmallVector<std::pair<mlir::AffineExpr, int64_t>, 4> terms;
  int64_t constant = 0;
};

/// The minimum and maximum value.
struct Interval {
  int64_t first, last;
  bool isWithin(int64_t from, int64_t to) const { return first >= from && last < to; }
};

/// Variables of index expressions. A variable ranges from 0 to its size, exclusive.
class Variables {
public:
  explicit Variables(mlir::MLIRContext *context) : context(context) {}

  /// Create a variable, or the constant 0 if the size is 1. A size may be dynamic.
  mlir::AffineExpr make(int64_t size);
  mlir::AffineExpr constant(int64_t value) const { return mlir::getAffineConstantExpr(value, context); }
  /// Return the size of a variable or constant returned by `make`.
  int64_t sizeOf(mlir::AffineExpr variable) const;

  LinearSum linear(mlir::AffineExpr expr) const;
  /// Simplify an expression; equal expressions get the same form.
  mlir::AffineExpr simplify(mlir::AffineExpr expr) const;
  Interval rangeOf(mlir::AffineExpr expr) const;
  bool equal(mlir::AffineExpr a, mlir::AffineExpr b) const { return simplify(a - b) == constant(0); }

private:
  mlir::AffineExpr rebuild(const LinearSum &sum) const;
  mlir::AffineExpr divide(mlir::AffineExpr dividend, int64_t divisor, bool remainder) const;

  mlir::MLIRContext *context;
  llvm::SmallVector<int64_t> sizes;
};

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_RANGES_H
