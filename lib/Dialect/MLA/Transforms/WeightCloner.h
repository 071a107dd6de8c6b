//===- WeightCloner.h - Weight arithmetic in one precision ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_WEIGHTCLONER_H
#define MLA_DIALECT_MLA_TRANSFORMS_WEIGHTCLONER_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace mla {

/// Clones the computation of a weight-only value at a builder's insertion point,
/// in an order determined by the value. `inFloat32`: arithmetic and
/// dequantisation produce f32, so that the only rounding is the last cast.
class WeightCloner {
public:
  WeightCloner(mlir::OpBuilder &builder, bool inFloat32) : builder(builder), inFloat32(inFloat32) {}

  mlir::Value clone(mlir::Value value);
  /// Casts elementwise if needed.
  mlir::Value castTo(mlir::Value value, mlir::Type elementType);

private:
  mlir::Value rebuild(mlir::Operation *op);
  mlir::Value copy(mlir::Operation *op);

  mlir::OpBuilder &builder;
  bool inFloat32;
  mlir::IRMapping mapping;
};

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_WEIGHTCLONER_H
