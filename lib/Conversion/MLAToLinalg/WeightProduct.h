//===- WeightProduct.h - Products of weights ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MLATOLINALG_WEIGHTPRODUCT_H
#define MLA_LIB_CONVERSION_MLATOLINALG_WEIGHTPRODUCT_H

#include "Emitter.h"

namespace mla {

/// The destination of the element in row n and column m of a product: `tensor`, f32, at `origin` plus n and m in two of
/// its dimensions. With panels, dimension `rowDim` counts panels of rows and the last one counts the rows of a panel.
struct ProductPlace {
  mlir::Value tensor;
  llvm::SmallVector<mlir::Value> origin;
  int64_t rowDim, columnDim;
  bool panels;
};

/// Return `place.tensor` with outer · inner inserted; outer is [n, k], inner [k, m], both f32 of static shape.
mlir::Value emitWeightProduct(Emitter &e, mlir::Value outer, mlir::Value inner, const ProductPlace &place);

/// Multiply `weight`, which starts at `offsets` of the whole one (empty: at its first element), with the scales of its
/// blocks.
mlir::Value emitDequantized(Emitter &e, mlir::Value weight, mlir::Value scale, llvm::ArrayRef<int64_t> block,
                            mlir::ValueRange offsets, mlir::Type elementType);

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_WEIGHTPRODUCT_H
