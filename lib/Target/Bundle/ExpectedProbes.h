//===- ExpectedProbes.h - What probes of a weight must be -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rows of a weight times random vectors r, by definition and in double
// precision, without multiplying a product out: (A B) r is A (B r), a sum is
// probed term by term, and what holds no product is read element by element.
// What f32 arithmetic may differ by adds up on the way, as multiples of
// u = 2^-24 (Higham, 2002, section 2.2):
//
//   A B, of k steps   max(sqrt(k), k / sqrt(m)) |A||B||r|, with what the factors
//                     differ by; m is the number of columns
//   A + B             what the terms differ by, and |A||r| + |B||r|
//   c A               |c| times what A differs by, and |c||A||r|
//
// Errors of k steps grow like sqrt(k) where they are independent. Those of one
// element need not be and may reach k; the random signs of r make those of m
// columns so. Below f32's normal numbers an error is relative to nothing: a
// multiplication may add 2^-150, half the smallest number.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_EXPECTEDPROBES_H
#define MLA_LIB_TARGET_BUNDLE_EXPECTEDPROBES_H

#include "ProbeSums.h"
#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla {

/// The contracted size of the deepest product that the value is, or is made of by anything but products; 0 if there is
/// none.
int64_t findDepth(mlir::Value value);

class ExpectedProbes {
public:
  /// Both must outlive this. `vectors` has an element a selected column.
  ExpectedProbes(const Reference &reference, const ProbeVectors &vectors);

  /// Writes the probes of the selected rows to `out`. The last dimension is the columns; an element's offset is
  /// row * columns + column, with the row's place in `out`. An error names an operation through which there is no
  /// probe.
  llvm::Error probe(mlir::Value value, const Selection &selection, llvm::MutableArrayRef<ProbeSums> out) const;

  /// Probes of a head of a product, by those of its inner factor: `inner` has one a step, `out` one a row.
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
  std::array<double, kNumProbes> underflow; ///< what one multiplication an element may add, in units of u
};

/// The combinations of all dimensions but the last, in row-major order; their index is a number in that order.
llvm::SmallVector<Place> joinRows(const Selection &selection);

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_EXPECTEDPROBES_H
