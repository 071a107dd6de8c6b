//===- HoistPositionScale.h - Scale a query once ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_DIALECT_MLA_TRANSFORMS_HOISTPOSITIONSCALE_H
#define MLA_LIB_DIALECT_MLA_TRANSFORMS_HOISTPOSITIONSCALE_H

#include "mla/Dialect/MLA/Transforms/Passes.h"

namespace mla {

/// Where every part of a function's query is scaled by position, and all come of one normalised query latent, that is
/// scaled instead: a factor a token commutes with projections, slices and rotations. Else nothing changes.
void hoistPositionScales(mlir::func::FuncOp function);

} // namespace mla

#endif // MLA_LIB_DIALECT_MLA_TRANSFORMS_HOISTPOSITIONSCALE_H
