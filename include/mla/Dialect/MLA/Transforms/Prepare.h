//===- Prepare.h - Functions that compute weights ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function `@prepare.<name>` computes the weight `<name>` of the layer from
// weights of the checkpoint. It runs once, when the layer is built. The runtime
// calls entries: functions of regimes, and the ends of a model.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_PREPARE_H
#define MLA_DIALECT_MLA_TRANSFORMS_PREPARE_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace mla {

constexpr llvm::StringLiteral kPreparePrefix = "prepare.";

inline bool isPrepare(mlir::func::FuncOp function) { return function.getName().starts_with(kPreparePrefix); }

/// Return the weight computed by a `@prepare` function.
inline llvm::StringRef getPreparedName(mlir::func::FuncOp function) {
  return function.getName().drop_front(kPreparePrefix.size());
}

/// The attribute of the function of an end of a model: "embed", from ids to the residual stream, or "logits".
constexpr llvm::StringLiteral kEndAttr = "mla.end";

/// Return whether the runtime calls the function.
inline bool isEntry(mlir::func::FuncOp function) {
  return function->hasAttr(kRegimeAttr) || function->hasAttr(kEndAttr);
}

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_PREPARE_H
