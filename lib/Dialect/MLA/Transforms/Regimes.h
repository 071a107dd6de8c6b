//===- Regimes.h - The forms that a function is to have ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The plan is decided elsewhere; passes that act ask here what it says.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_REGIMES_H
#define MLA_DIALECT_MLA_TRANSFORMS_REGIMES_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// The forms of a function: its regime's, else `unplanned` where the module has
/// no plan, else naive: the plan names no such function.
Forms getForms(mlir::func::FuncOp function, Form unplanned);

/// Every function of a phase that the plan speaks of becomes a function a form
/// and a band of tokens, and gets its `mla.regime`. The first one keeps the
/// name; another is called `<name>_<form>`, or `<name>_<q>_<o>` where the sides
/// differ. A function that serves one range of contexts says it; one that serves
/// several says none, they stay in the plan.
void specializeByPlan(mlir::ModuleOp module);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_REGIMES_H
