//===- View.cpp - Rearrange elements of a tensor --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "View.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla::raise;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

View::Axis *View::find(AffineExpr variable) {
  auto *axis = llvm::find_if(axes, [&](const Axis &axis) { return axis.variable == variable; });
  return axis == axes.end() ? nullptr : axis;
}

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

/// Append the axes of one dimension, whose index has the variables as mixed-radix digits.
static bool appendAxes(const Variables &variables, AffineExpr index, int64_t size, View &view) {
  LinearSum sum = variables.linear(index);
  llvm::sort(sum.terms, [](auto &a, auto &b) { return a.second > b.second; });
  ReassociationIndices &group = view.groups.emplace_back();
  int64_t rest = size, offset = sum.constant;
  if (sum.terms.empty()) {
    group.push_back(view.axes.size());
    view.axes.push_back({nullptr, size, offset, 1});
    return true;
  }
  for (auto [variable, stride] : sum.terms) {
    if (!isa<AffineDimExpr>(variable) || stride <= 0 || rest % stride != 0)
      return false;
    View::Axis axis{variable, rest / stride, offset / stride, variables.sizeOf(variable)};
    if (axis.offset + axis.size > axis.whole)
      return false;
    group.push_back(view.axes.size());
    view.axes.push_back(axis);
    rest = stride, offset %= stride;
  }
  return rest == 1;
}

std::optional<View> mla::raise::viewOf(const Variables &variables, TermRef read) {
  auto type = read->kind == Term::Read ? dyn_cast<RankedTensorType>(read->tensor.getType()) : RankedTensorType();
  if (!type || !type.hasStaticShape())
    return std::nullopt;
  View view{read->tensor, {}, {}};
  for (auto [size, index] : llvm::zip(type.getShape(), read->index))
    if (!appendAxes(variables, index, size, view))
      return std::nullopt;
  return view;
}

bool mla::raise::widenToBoth(View &a, AffineExpr axisOfA, View b, AffineExpr axisOfB) {
  if (a.tensor != b.tensor || a.axes.size() != b.axes.size() || a.groups != b.groups)
    return false;
  for (auto [one, two] : llvm::zip(a.axes, b.axes)) {
    bool isWidened = one.variable == axisOfA && two.variable == axisOfB;
    if (one.whole != two.whole || (!isWidened && (one.offset != two.offset || one.size != two.size)))
      return false;
  }
  View::Axis *axis = a.find(axisOfA);
  if (!axis)
    return false;
  axis->offset = 0, axis->size = axis->whole;
  return true;
}

//===----------------------------------------------------------------------===//
// Reshapes, slices and transposes
//===----------------------------------------------------------------------===//

static Value reshape(ImplicitLocOpBuilder &b, Value x, ArrayRef<int64_t> shape, ArrayRef<ReassociationIndices> groups) {
  RankedTensorType type = typeOf(x).clone(shape);
  if (typeOf(x) == type)
    return x;
  if (static_cast<int64_t>(shape.size()) > typeOf(x).getRank())
    return tensor::ExpandShapeOp::create(b, type, x, groups);
  return tensor::CollapseShapeOp::create(b, type, x, groups);
}

/// Slice the part of the view, with one dimension per variable.
static Value takePart(ImplicitLocOpBuilder &b, const View &view) {
  auto whole = llvm::map_to_vector(view.axes, [](const View::Axis &axis) { return axis.whole; });
  Value x = reshape(b, view.tensor, whole, view.groups);
  SmallVector<int64_t> kept;
  SmallVector<OpFoldResult> offsets, sizes, strides(whole.size(), b.getIndexAttr(1));
  for (const View::Axis &axis : view.axes) {
    offsets.push_back(b.getIndexAttr(axis.offset));
    sizes.push_back(b.getIndexAttr(axis.size));
    if (axis.variable)
      kept.push_back(axis.size);
  }
  if (view.isWhole() && kept.size() == view.axes.size())
    return x;
  return tensor::ExtractSliceOp::create(b, typeOf(x).clone(kept), x, offsets, sizes, strides);
}

static Value transpose(ImplicitLocOpBuilder &b, Value x, ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(permutation.size())))
    return x;
  auto shape = llvm::map_to_vector(permutation, [&](int64_t dim) { return typeOf(x).getDimSize(dim); });
  Value init = tensor::EmptyOp::create(b, shape, typeOf(x).getElementType());
  return linalg::TransposeOp::create(b, x, init, permutation).getResult()[0];
}

/// Return the variables of all groups in order, without constants.
static SmallVector<AffineExpr> variablesOf(ArrayRef<Dims> groups) {
  SmallVector<AffineExpr> all;
  for (const Dims &group : groups)
    llvm::copy_if(group, std::back_inserter(all), llvm::IsaPred<AffineDimExpr>);
  return all;
}

/// Return each group's dimensions in a tensor with one dimension per variable; a group without variables has none.
static SmallVector<ReassociationIndices> dimensionsOf(ArrayRef<Dims> groups) {
  SmallVector<ReassociationIndices> dimensions;
  int64_t next = 0;
  for (const Dims &group : groups) {
    ReassociationIndices &dims = dimensions.emplace_back();
    for (AffineExpr variable : group)
      if (isa<AffineDimExpr>(variable))
        dims.push_back(next++);
  }
  return dimensions;
}

/// Group dimensions of size 1 with their neighbors, for a reshape from a tensor without them.
static SmallVector<ReassociationIndices> joinUnits(ArrayRef<bool> isReal) {
  SmallVector<ReassociationIndices> groups;
  bool hasReal = false;
  for (auto [dim, real] : llvm::enumerate(isReal)) {
    if (groups.empty() || (real && hasReal))
      groups.emplace_back(), hasReal = false;
    groups.back().push_back(dim);
    hasReal |= real;
  }
  return groups;
}

/// Reshape from one dimension per variable to one per group, or back.
static Value regroup(ImplicitLocOpBuilder &b, const Variables &variables, Value x, ArrayRef<Dims> groups, bool back) {
  SmallVector<int64_t> grouped, merged, single;
  SmallVector<bool> isReal;
  SmallVector<ReassociationIndices> merge;
  for (ReassociationIndices &dims : dimensionsOf(groups))
    if (!dims.empty())
      merge.push_back(dims);
  for (const Dims &group : groups) {
    int64_t size = 1;
    isReal.push_back(llvm::any_of(group, llvm::IsaPred<AffineDimExpr>));
    for (AffineExpr variable : group) {
      size *= variables.sizeOf(variable);
      if (isa<AffineDimExpr>(variable))
        single.push_back(variables.sizeOf(variable));
    }
    grouped.push_back(size);
    if (isReal.back())
      merged.push_back(size);
  }
  SmallVector<ReassociationIndices> units = joinUnits(isReal);
  if (back)
    return reshape(b, reshape(b, x, merged, units), single, merge);
  return reshape(b, reshape(b, x, merged, merge), grouped, units);
}

Value mla::raise::arrange(ImplicitLocOpBuilder &b, const Variables &variables, const View &view,
                          ArrayRef<Dims> groups) {
  SmallVector<AffineExpr> wanted = variablesOf(groups), have;
  for (const View::Axis &axis : view.axes)
    if (axis.variable)
      have.push_back(axis.variable);
  SmallVector<int64_t> permutation, missing, shape;
  for (auto [dim, variable] : llvm::enumerate(wanted)) {
    auto *axis = llvm::find(have, variable);
    shape.push_back(variables.sizeOf(variable));
    if (axis == have.end())
      missing.push_back(dim);
    else
      permutation.push_back(axis - have.begin());
  }
  if (permutation.size() != have.size())
    return nullptr;
  Value x = transpose(b, takePart(b, view), permutation);
  if (!missing.empty()) {
    Value init = tensor::EmptyOp::create(b, shape, typeOf(x).getElementType());
    x = linalg::BroadcastOp::create(b, x, init, missing).getResult()[0];
  }
  return regroup(b, variables, x, groups, /*back=*/false);
}

Value mla::raise::restore(ImplicitLocOpBuilder &b, const Variables &variables, const View &view, ArrayRef<Dims> groups,
                          Value arranged) {
  SmallVector<AffineExpr> have = variablesOf(groups);
  SmallVector<int64_t> permutation, sizes;
  SmallVector<bool> isReal;
  for (const View::Axis &axis : view.axes) {
    sizes.push_back(axis.whole);
    isReal.push_back(static_cast<bool>(axis.variable));
    if (axis.variable)
      permutation.push_back(llvm::find(have, axis.variable) - have.begin());
  }
  if (!view.isWhole() || permutation.size() != have.size() || llvm::is_contained(permutation, have.size()))
    return nullptr;
  Value x = transpose(b, regroup(b, variables, arranged, groups, /*back=*/true), permutation);
  x = reshape(b, x, sizes, joinUnits(isReal));
  return reshape(b, x, typeOf(view.tensor).getShape(), view.groups);
}
