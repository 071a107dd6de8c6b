//===- TakePart.h - Compute only a part of a value --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_TAKEPART_H
#define MLA_TRANSFORMS_TAKEPART_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// Elements `first` to `first + count - 1` of dimension `dim` of a tensor.
struct Part {
  int64_t dim, first, count;
};

/// Take a part of a value. Of all values that are computed from tokens, dimension 0 may be dynamic.
mlir::Value takePart(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, Part part);

/// Move parts that `takePart` took in front of the operations that compute the whole, up to the weights: operations
/// that divide (DivisibleOpInterface) compute only the part. What does not divide is computed whole, with a remark. A
/// part of a weight keeps its name. `prefix` is the checkpoint's.
void movePartsToWeights(mlir::func::FuncOp function, llvm::StringRef prefix);

} // namespace mla

#endif // MLA_TRANSFORMS_TAKEPART_H
