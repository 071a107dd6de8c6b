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

/// A product of tokens by a prepared weight: a projection, or one of experts, each of which has its own rows like a
/// head.
struct PreparedProduct {
  mlir::Operation *op;
  mlir::OpOperand *x;
  mlir::Value weight;
  Heads heads;
  int64_t rows, contracted; ///< of the weight; of a head or an expert
  /// Of the two terms of x in e4m3: before heads, which may be contracted together, and in rows of choices, which are
  /// multiplied one by one.
  int64_t termDim;

  int64_t rowDim() const { return ProjectOp::getRowDim(heads); }
};

llvm::SmallVector<PreparedProduct> collectProducts(WeightUsers &users);

/// Return the number of columns of a product's x with one scale: at most 128, and whole parts of the blocks of its
/// weight.
int64_t getTokenGroup(const PreparedProduct &product, llvm::ArrayRef<int64_t> block);

/// Return why the users of a weight cannot multiply its elements in e4m3, or "". `target`: null if kernels do not limit
/// the choice, and the weight is stored dequantized.
std::string findProductRefusal(mlir::func::FuncOp prepare, WeightUsers &users, const KernelTarget *target);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_PRODUCTREFUSAL_H
