//===- Shapes.h - Shapes in verifiers ---------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_DIALECT_MLA_IR_SHAPES_H
#define MLA_LIB_DIALECT_MLA_IR_SHAPES_H

#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla {

inline llvm::ArrayRef<int64_t> shapeOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType()).getShape();
}
inline int64_t rankOf(mlir::Value value) { return shapeOf(value).size(); }

/// Return whether sizes agree, if both are static.
inline bool compatible(int64_t a, int64_t b) {
  return mlir::ShapedType::isDynamic(a) || mlir::ShapedType::isDynamic(b) || a == b;
}

inline bool compatible(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b) {
  return a.size() == b.size() && llvm::all_of_zip(a, b, [](int64_t x, int64_t y) { return compatible(x, y); });
}

inline llvm::LogicalResult requireShape(mlir::Operation *op, llvm::StringRef label, llvm::StringRef name,
                                        mlir::Value value, llvm::ArrayRef<int64_t> expected) {
  if (compatible(shapeOf(value), expected))
    return mlir::success();
  return op->emitOpError() << label << " " << name << " has shape [" << shapeOf(value) << "], expected [" << expected
                           << "]";
}

} // namespace mla

#endif // MLA_LIB_DIALECT_MLA_IR_SHAPES_H
