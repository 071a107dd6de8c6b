//===- WeightUsers.h - Users of prepared weights ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_WEIGHTUSERS_H
#define MLA_DIALECT_MLA_TRANSFORMS_WEIGHTUSERS_H

#include "mla/Dialect/MLA/IR/Adapt.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

namespace mla {

/// The users of one prepared weight, outside of `@prepare` functions.
struct WeightUsers {
  llvm::SmallVector<WeightOp> weights;
  llvm::SmallVector<ProjectOp> projections;
  llvm::SmallVector<ExpertsProjectOp> ofExperts;
  llvm::SmallVector<mlir::OpOperand *> ofUpdates; ///< `down` or `up` of `mla.adapt`
  bool other = false;                             ///< Something else uses it too, or it is already packed.

  void add(WeightOp weight);
};

/// Return the users of all weights, by name, in the order of the module.
llvm::MapVector<llvm::StringRef, WeightUsers> collectWeightUsers(mlir::ModuleOp module);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_WEIGHTUSERS_H
