//===- OnlineSoftmax.h - Attention over tiles of keys -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The softmax of FlashAttention (arXiv:2205.14135, section 3.1): a running
// maximum, sum and weighted values for each of M query rows. Scores are [keys,
// M]: query rows are the vector dimension, so that maximum, sum and exponential
// need no shuffles and elements of keys are broadcast from memory.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MLATOLINALG_ONLINESOFTMAX_H
#define MLA_LIB_CONVERSION_MLATOLINALG_ONLINESOFTMAX_H

#include "Emitter.h"

namespace mla {

class OnlineSoftmax {
public:
  /// Initialize without keys: maximum -inf, sum 0, values 0. For matrix tiles, values are transposed and multiplied in
  /// bf16.
  OnlineSoftmax(Emitter &e, int64_t rows, int64_t width, bool matrixTiles = false);
  /// Wrap the values carried by a loop.
  explicit OnlineSoftmax(mlir::ValueRange carried, bool matrixTiles = false)
      : maximum(carried[0]), sum(carried[1]), values(carried[2]), matrixTiles(matrixTiles) {}

  llvm::SmallVector<mlir::Value> carried() const { return {maximum, sum, values}; }

  /// Accumulate keys: their scores [keys, M] and values [keys, V], for matrix tiles [V, keys] of bf16. A score of -inf
  /// hides its key.
  void step(Emitter &e, mlir::Value scores, mlir::Value tileValues);

  /// Return the attention [M, V], 0 for a row without keys, and its LSE [M]. `sink`, or null: the logit that joins the
  /// denominator of all rows.
  std::pair<mlir::Value, mlir::Value> finish(Emitter &e, mlir::Value sink = {}) const;

private:
  mlir::Value maximum, sum, values; ///< [M], [M], and [M, V] or [V, M]
  bool matrixTiles;
};

/// Return the maximum to subtract: 0 instead of -inf, since -inf - -inf is NaN.
mlir::Value finiteMaximum(Emitter &e, mlir::Value maximum);

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_ONLINESOFTMAX_H
