//===- Regimes.h - Planned forms of functions -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How passes that act read the plan.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_REGIMES_H
#define MLA_DIALECT_MLA_TRANSFORMS_REGIMES_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// Return the forms of a function: those of its regime, else `unplanned` if the
/// module has no plan, else naive.
Forms getForms(mlir::func::FuncOp function, Form unplanned);

/// Turns every function of a planned phase into one function per form and band of
/// tokens, each with its `mla.regime`. The first one keeps the name; another is
/// called `<name>_<form>`, or `<name>_<q>_<o>` if the sides differ. The regime
/// of a function that serves several ranges of contexts has none; they stay in
/// the plan.
void specializeByPlan(mlir::ModuleOp module);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_REGIMES_H
