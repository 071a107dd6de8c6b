//===- ScaledWeight.h - Weights that are moved and scaled -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block-scaled weight that is only moved (sliced, split into heads,
// transposed, put above another) need not be dequantized: its elements and its
// scales move alike. Where a block crosses the border of a head, of a slice or of
// a piece, blocks are divided into smaller ones with the same scale. Nothing is
// rounded.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_SCALEDWEIGHT_H
#define MLA_DIALECT_MLA_ANALYSIS_SCALEDWEIGHT_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// A value that moves the elements of dequantized weights.
struct ScaledWeight {
  mlir::Value value;
  mlir::Operation *rounding = nullptr; ///< to the stored type, between moves; null if there is none
  /// Sizes of the blocks with one scale; dimensions that count whole blocks of the checkpoint's weight have 1.
  llvm::SmallVector<int64_t> block;
};

/// Return the scaled weight of e4m3 whose elements are `value`. If there is none, set `why` to the reason: "is a
/// product of weights".
std::optional<ScaledWeight> findScaledWeight(mlir::Value value, std::string &why);

/// The same of what a `@prepare` function stores, before it is rounded.
std::optional<ScaledWeight> findScaledWeight(mlir::func::FuncOp prepare, std::string &why);

/// Return the blocks of the first operand of an operation that moves elements, from those of its result.
llvm::SmallVector<int64_t> getBlocksBefore(mlir::Operation *move, llvm::ArrayRef<int64_t> after);

/// Return the numbers of e4m3 per element of a token, by which the module's scaled weights are multiplied; 0: they are
/// dequantized.
int64_t findTokenTerms(mlir::ModuleOp module);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_SCALEDWEIGHT_H
