//===- Ranks.h - The ranks of a collective operation ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_RANKS_H
#define MLA_DIALECT_MLA_ANALYSIS_RANKS_H

#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// Return how many ranks take part in a collective operation on these axes of the module's grid `@ranks`. They are
/// consecutive. Return 0 if there is no such grid, it lacks an axis, or the ranks are not consecutive.
int64_t countRanks(mlir::ModuleOp module, llvm::ArrayRef<int16_t> axes);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_RANKS_H
