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

/// Rebuilds what makes a weight-only value at a builder's place, in an order
/// that only the value decides. `inFloat32`: arithmetic and dequantisation give
/// f32, whatever they gave, so that the only rounding is the last cast.
class WeightCloner {
public:
  WeightCloner(mlir::OpBuilder &builder, bool inFloat32) : builder(builder), inFloat32(inFloat32) {}

  mlir::Value clone(mlir::Value value);
  /// An elementwise cast, or the value itself.
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
