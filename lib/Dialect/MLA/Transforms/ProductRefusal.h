//===- ProductRefusal.h - Reasons against e4m3 --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_PRODUCTREFUSAL_H
#define MLA_DIALECT_MLA_TRANSFORMS_PRODUCTREFUSAL_H

#include "WeightUsers.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// The suffix of the `@prepare` function of a weight's scales.
constexpr llvm::StringLiteral kScaleSuffix = "_scale";

/// Return the number of columns of a projection's x with one scale: at most 128, and whole parts of the blocks of its
/// weight.
int64_t getTokenGroup(ProjectOp project, llvm::ArrayRef<int64_t> block);

/// Return why the users of a weight cannot multiply its elements in e4m3, or "". `target`: null if kernels do not limit
/// the choice, and the weight is stored dequantized.
std::string findProductRefusal(mlir::func::FuncOp prepare, WeightUsers &users, const KernelTarget *target);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_PRODUCTREFUSAL_H
