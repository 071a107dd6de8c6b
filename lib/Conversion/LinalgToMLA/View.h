//===- View.h - Elements of a tensor in another order -----------*- C++ -*-===//
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

/// What a read says of all values of its variables: the tensor with an axis a variable, of which it takes a part.
struct View {
  struct Axis {
    mlir::AffineExpr variable; // null where the index is a constant
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

/// Nothing where the indices are no digits of one another: a stride, or a division that is left.
std::optional<View> viewOf(const Variables &variables, TermRef read);

/// Whether two views are one but for what they take of an axis each, which comes to be all of it in `a`.
bool widenToBoth(View &a, mlir::AffineExpr axisOfA, View b, mlir::AffineExpr axisOfB);

/// Variables that are one dimension together, the first one outermost.
using Dims = llvm::SmallVector<mlir::AffineExpr, 2>;

/// The elements with a dimension a group; repeated over variables that the view does not have.
mlir::Value arrange(mlir::ImplicitLocOpBuilder &builder, const Variables &variables, const View &view,
                    llvm::ArrayRef<Dims> groups);

/// The inverse, for a view that is whole: the tensor that reads as `arranged` does. Null where the view repeats or
/// leaves out elements.
mlir::Value restore(mlir::ImplicitLocOpBuilder &builder, const Variables &variables, const View &view,
                    llvm::ArrayRef<Dims> groups, mlir::Value arranged);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_VIEW_H
