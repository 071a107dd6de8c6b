//===- Matrix.h - Weights of a reference ------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_MATRIX_H
#define MLA_RUN_MATRIX_H

#include <cstdint>
#include <functional>
#include <vector>

namespace mla::run {

/// A weight [out, in] of which rows are made when they are needed: in double, the weights of a large layer would not
/// fit in memory.
struct Matrix {
  int64_t rows = 0, columns = 0;
  std::function<void(int64_t row, double *to)> read;

  explicit operator bool() const { return static_cast<bool>(read); }
};

/// Rows [tokens, width], one after the other.
using Rows = std::vector<double>;

/// x W^T, with `bias` on every row unless it is empty.
Rows project(const Rows &x, const Matrix &weight, const std::vector<double> &bias = {});

} // namespace mla::run

#endif // MLA_RUN_MATRIX_H
