//===- WeightOnly.h - Values that depend only on weights --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_WEIGHTONLY_H
#define MLA_DIALECT_MLA_ANALYSIS_WEIGHTONLY_H

#include "mlir/IR/Value.h"

namespace mla {

/// Return whether a `@prepare` function may hold the operation: on weights it
/// returns a weight.
bool isWeightOp(mlir::Operation *op);

/// Return whether the value is computed from weights and constants by such operations.
bool isWeightOnly(mlir::Value value);

/// The same without any `mla.weight`: the folders can turn it into one constant.
bool isConstantOnly(mlir::Value value);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_WEIGHTONLY_H
