//===- Collectives.h - Exchanges of ranks as blocks -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MLATOLINALG_COLLECTIVES_H
#define MLA_LIB_CONVERSION_MLATOLINALG_COLLECTIVES_H

#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// Turn gathers and exchanges along any dimension into those of blocks, along the first. Fails with a diagnostic if the
/// module has no grid of their ranks.
mlir::LogicalResult lowerCollectives(mlir::ModuleOp module);

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_COLLECTIVES_H
