//===- View.h - Rearrange elements of a tensor ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_VIEW_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_VIEW_H

#include "Term.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mla::raise {

/// A read for all values of its variables: a part of the tensor with one axis per variable.
struct View {
  struct Axis {
    mlir::AffineExpr variable; // null if the index is a constant
    int64_t whole, offset, size;
  };
  mlir::Value tensor;
  llvm::SmallVector<Axis, 4> axes;
  llvm::SmallVector<mlir::ReassociationIndices, 4> groups; // axes of the tensor's dimensions

  bool isWhole() const {
    return llvm::all_of(axes, [](const Axis &axis) { return axis.size == axis.whole; });
  }
  Axis *find(mlir::AffineExpr variable);
};

/// Return the view of a read; std::nullopt if the indices are not mixed-radix numbers: with strides, or divisions that
/// do not simplify.
std::optional<View> viewOf(const Variables &variables, TermRef read);

/// Widen `a` to the whole of an axis, and return whether the views then differ only in the parts of these axes.
bool widenToBoth(View &a, mlir::AffineExpr axisOfA, View b, mlir::AffineExpr axisOfB);

/// Variables that form one dimension, outermost first.
using Dims = llvm::SmallVector<mlir::AffineExpr, 2>;

/// Rearrange the elements to one dimension per group; repeat them for variables that the view does not have.
mlir::Value arrange(mlir::ImplicitLocOpBuilder &builder, const Variables &variables, const View &view,
                    llvm::ArrayRef<Dims> groups);

/// Invert `arrange` for a whole view: return the tensor whose read is `arranged`. Return null if the view repeats or
/// omits elements.
mlir::Value restore(mlir::ImplicitLocOpBuilder &builder, const Variables &variables, const View &view,
                    llvm::ArrayRef<Dims> groups, mlir::Value arranged);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_VIEW_H
