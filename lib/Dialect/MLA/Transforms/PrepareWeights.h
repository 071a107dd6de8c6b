//===- PrepareWeights.h - Weight-only operations move to @prepare -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_PREPAREWEIGHTS_H
#define MLA_DIALECT_MLA_TRANSFORMS_PREPAREWEIGHTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// Move the computation of every function's weights to `@prepare` functions,
/// one per weight for all functions that use it, and fold literal ones to
/// constants. `storage` is the element type of weights of projections, null: as
/// they are; with it, arithmetic on weights is in f32, and gammas and biases are
/// f32. Return the number of created functions.
int64_t prepareWeights(mlir::ModuleOp module, mlir::FloatType storage);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_PREPAREWEIGHTS_H
