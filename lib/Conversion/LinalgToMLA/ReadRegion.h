//===- ReadRegion.h - Scalar operations as formulas -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_READREGION_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_READREGION_H

#include "Term.h"

namespace mla::raise {

/// Return the function of an operation on numbers.
std::optional<Function> functionOf(mlir::Operation *op);

/// Evaluate a function of numbers; truth values are 0 and 1.
std::optional<double> evaluate(Function function, llvm::ArrayRef<double> operands);

/// Evaluate an integer comparison if it has the same result for all differences `a - b` in a range.
std::optional<bool> compareRange(mlir::Operation *comparison, Interval difference);
bool isSameComparison(mlir::Operation *a, mlir::Operation *b);
/// The condition of an integer comparison: `a - b >= offset` (first), or `b - a >= offset` (not first).
struct Bound {
  bool first;
  int64_t offset;
};
std::optional<Bound> boundOf(mlir::Operation *comparison);

/// Reads the body of a linalg operation for one iteration.
class RegionReader {
public:
  RegionReader(Terms &terms, mlir::linalg::LinalgOp op, llvm::ArrayRef<mlir::AffineExpr> iteration)
      : terms(terms), op(op), iteration(iteration) {}

  /// Return the formula of a scalar, or null if an operation is unsupported.
  TermRef read(mlir::Value scalar);

private:
  TermRef readArgument(mlir::BlockArgument argument);
  TermRef readOperation(mlir::Operation *scalar);
  TermRef readElement(mlir::Value tensor, mlir::ValueRange indices);

  Terms &terms;
  mlir::linalg::LinalgOp op;
  llvm::ArrayRef<mlir::AffineExpr> iteration;
  llvm::DenseMap<mlir::Value, TermRef> known;
};

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_READREGION_H
