//===- ExpectedProbes.h - Expected probes of a weight -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Computes the products of a weight's rows and random vectors r by definition
// and in double precision, without computing products of matrices: (A B) r is A
// (B r), a sum is probed term by term, and values without products are read
// element by element. Bounds of the error of f32 arithmetic are accumulated as
// multiples of u = 2^-24 (Higham, 2002, section 2.2):
//
//   A B, of k steps   max(sqrt(k), k / sqrt(m)) |A||B||r|, plus the errors of
//                     the factors; m is the number of columns
//   A + B             the errors of the terms, plus |A||r| + |B||r|
//   c A               |c| times the error of A, plus |c||A||r|
//
// Errors of k steps grow like sqrt(k) if they are independent. Those of one
// element may be dependent and reach k; the random signs of r make those of m
// columns independent. Below f32's normal numbers errors are absolute: a
// multiplication may add 2^-150, half the smallest number.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_EXPECTEDPROBES_H
#define MLA_LIB_TARGET_BUNDLE_EXPECTEDPROBES_H

#include "ProbeSums.h"
#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla {

/// Return the contracted size of the deepest product in the expression of the value, not counting factors of products;
/// 0 if there is none.
int64_t findDepth(mlir::Value value);

class ExpectedProbes {
public:
  /// Both arguments must outlive this object. `vectors` has one element per selected column.
  ExpectedProbes(const Reference &reference, const ProbeVectors &vectors);

  /// Write the probes of the selected rows to `out`. The last dimension is the columns; an element's offset is row *
  /// columns + column, where row is the row's index in `out`. Return an error that names an operation that cannot be
  /// probed.
  llvm::Error probe(mlir::Value value, const Selection &selection, llvm::MutableArrayRef<ProbeSums> out) const;

  /// Write the probes of a head of a product, given those of its inner factor: `inner` has one per step, `out` one per
  /// row.
  llvm::Error probeOuter(ComposeOp op, int64_t head, llvm::ArrayRef<Place> rows, llvm::ArrayRef<ProbeSums> inner,
                         llvm::MutableArrayRef<ProbeSums> out) const;

private:
  llvm::Error probeElements(mlir::Value value, const Selection &selection, llvm::MutableArrayRef<ProbeSums> out) const;
  llvm::Error probeBlocks(mlir::Value value, const Selection &selection, size_t size,
                          llvm::MutableArrayRef<ProbeSums> out) const;
  llvm::Error probeMoved(mlir::Operation *op, const Selection &selection, llvm::MutableArrayRef<ProbeSums> out) const;
  llvm::Error probeProduct(ComposeOp op, const Selection &selection, llvm::MutableArrayRef<ProbeSums> out) const;
  llvm::Error probeSum(mlir::Operation *op, const Selection &selection, llvm::MutableArrayRef<ProbeSums> out) const;
  llvm::Error probeScaled(mlir::Operation *op, const Selection &selection, llvm::MutableArrayRef<ProbeSums> out) const;
  int64_t numColumns() const { return vectors[0].size(); }

  const Reference &reference;
  const ProbeVectors &vectors;
  std::array<double, kNumProbes> underflow; ///< error of one multiplication per element, in units of u
};

/// Return all combinations of the indices of all dimensions but the last, in row-major order; their index is their
/// position.
llvm::SmallVector<Place> joinRows(const Selection &selection);

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_EXPECTEDPROBES_H
