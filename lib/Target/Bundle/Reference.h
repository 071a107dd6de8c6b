//===- Reference.h - Weights by definition ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A small interpreter of `@prepare` functions, against which the code that was
// generated from them is checked. It shares nothing with that code but the
// operations' definitions: a function an operation, in double precision, rounded
// only where an operation's result type says so.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_REFERENCE_H
#define MLA_LIB_TARGET_BUNDLE_REFERENCE_H

#include "mla/safetensors.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Error.h"

namespace mla {

/// One index of a dimension, and how far elements of that index lie from the others in the caller's memory.
struct Place {
  int64_t index, offset;
};

/// Some indices of every dimension of a tensor. Their combinations are its elements; an element's place in memory is
/// the sum of its offsets. Operations that move elements thus only rename indices.
using Selection = llvm::SmallVector<llvm::SmallVector<Place>>;

/// A box in row-major order.
Selection selectBox(llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes);
/// All of a shape in row-major order.
Selection selectAll(llvm::ArrayRef<int64_t> shape);
/// The elements of the source of an operation that moves elements. An error where they are no combinations of indices.
llvm::Expected<Selection> selectSource(mlir::Operation *op, const Selection &selection);

/// The same elements, densely in row-major order.
Selection dense(const Selection &selection);

/// In several parts, one an index of the first dimension that has several; nothing if none has.
std::vector<Selection> splitSelection(const Selection &selection);

class Reference {
public:
  /// `prepare` has bound weights; `inputs` are these, in the order of its arguments.
  /// The operation `unrounded`, if any, is passed over.
  Reference(mlir::func::FuncOp prepare, llvm::ArrayRef<const SafetensorsTensor *> inputs,
            mlir::Operation *unrounded = nullptr)
      : made(prepare.front().getTerminator()->getOperand(0)), inputs(inputs), unrounded(unrounded) {}

  mlir::Value result() const { return made; }
  /// Writes the selected elements to `out`. An error names an operation that has no definition here.
  llvm::Error evaluate(mlir::Value value, const Selection &selection, double *out) const;

private:
  llvm::Error evaluateMoved(mlir::Operation *op, const Selection &selection, double *out) const;

  mlir::Value made;
  llvm::SmallVector<const SafetensorsTensor *> inputs;
  mlir::Operation *unrounded;
};

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_REFERENCE_H
