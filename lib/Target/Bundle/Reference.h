//===- Reference.h - Weights by definition ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A small interpreter of `@prepare` functions, which checks the code generated
// from them. It shares only the operations' definitions with that code: one
// function per operation, in double precision, rounded only according to an
// operation's result type.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_REFERENCE_H
#define MLA_LIB_TARGET_BUNDLE_REFERENCE_H

#include "mla/safetensors.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Error.h"

namespace mla {

/// An index of a dimension, and its offset in the caller's memory.
struct Place {
  int64_t index, offset;
};

/// A list of indices of every dimension of a tensor. Their combinations are its elements; an element's position in
/// memory is the sum of its offsets. Operations that move elements only rename indices.
using Selection = llvm::SmallVector<llvm::SmallVector<Place>>;

/// Select a box in row-major order.
Selection selectBox(llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes);
/// Select all elements of a shape in row-major order.
Selection selectAll(llvm::ArrayRef<int64_t> shape);
/// Return the source elements of an operation that moves elements, or an error if they are not a product of indices.
llvm::Expected<Selection> selectSource(mlir::Operation *op, const Selection &selection);

/// Return the same elements, contiguous in row-major order.
Selection dense(const Selection &selection);

/// Split the selection along the first dimension with several indices; return an empty list if there is none.
std::vector<Selection> splitSelection(const Selection &selection);

class Reference {
public:
  /// `prepare` has bound weights; `inputs` are those weights, in the order of its arguments. The operation `unrounded`,
  /// if any, is skipped.
  Reference(mlir::func::FuncOp prepare, llvm::ArrayRef<const SafetensorsTensor *> inputs,
            mlir::Operation *unrounded = nullptr)
      : made(prepare.front().getTerminator()->getOperand(0)), inputs(inputs), unrounded(unrounded) {}

  mlir::Value result() const { return made; }
  /// Write the selected elements to `out`. Return an error that names an unsupported operation.
  llvm::Error evaluate(mlir::Value value, const Selection &selection, double *out) const;

private:
  llvm::Error evaluateMoved(mlir::Operation *op, const Selection &selection, double *out) const;
  llvm::Error evaluateScalar(mlir::Value scalar, const Selection &places, double *out) const;

  mlir::Value made;
  llvm::SmallVector<const SafetensorsTensor *> inputs;
  mlir::Operation *unrounded;
};

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_REFERENCE_H
