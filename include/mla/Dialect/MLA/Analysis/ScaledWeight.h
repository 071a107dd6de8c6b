//===- ScaledWeight.h - Weights that are moved and scaled -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block-scaled weight that is only moved (sliced, split into heads,
// transposed) need not be dequantized: its elements and its scales move alike.
// Where a block crosses the border of a head or of a slice, blocks are divided
// into smaller ones with the same scale. Nothing is rounded.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_SCALEDWEIGHT_H
#define MLA_DIALECT_MLA_ANALYSIS_SCALEDWEIGHT_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// A value that moves the elements of a dequantized weight.
struct ScaledWeight {
  DequantizeOp source;
  llvm::SmallVector<mlir::Operation *> moves; ///< from the source to the value
  llvm::SmallVector<int64_t> unit;  ///< sizes of the source's blocks after they are divided; they divide its own
  llvm::SmallVector<int64_t> block; ///< of the value: dimensions that count whole units have 1
};

/// Return the scaled weight of e4m3 whose elements are `value`. If there is none, set `why` to the reason: "is a
/// product of weights".
std::optional<ScaledWeight> findScaledWeight(mlir::Value value, std::string &why);

/// The same of what a `@prepare` function stores, before it is rounded.
std::optional<ScaledWeight> findScaledWeight(mlir::func::FuncOp prepare, std::string &why);

/// Return the numbers of e4m3 per element of a token, by which the module's scaled weights are multiplied; 0: they are
/// dequantized.
int64_t findTokenTerms(mlir::ModuleOp module);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_SCALEDWEIGHT_H
