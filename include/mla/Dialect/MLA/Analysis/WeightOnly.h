//===- WeightOnly.h - Values that depend on weights alone -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_WEIGHTONLY_H
#define MLA_DIALECT_MLA_ANALYSIS_WEIGHTONLY_H

#include "mlir/IR/Value.h"

namespace mla {

/// An operation that a `@prepare` function may hold: on weights it gives a
/// weight again.
bool isWeightOp(mlir::Operation *op);

/// The value is made of weights and constants by such operations.
bool isWeightOnly(mlir::Value value);

/// It is, and no `mla.weight` is among them: the folders can make it one constant.
bool isConstantOnly(mlir::Value value);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_WEIGHTONLY_H
