//===- Views.cpp - Memory of tensors in kernels -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/MLAToGPU/Views.h"
#include "mla/Dialect/MLA/Analysis/Commuting.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Return the number of sequences plus one.
static AffineExpr cumulative(MLIRContext *context) { return expressionOf(Size::Batch, context) + 1; }

/// Return the row of the table of bindings of the caller's buffer, or null if it has no name.
static const schema::Binding *bindingOf(BlockArgument argument, FunctionOpInterface function) {
  auto buffer = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kBufferAttr);
  const auto *named = llvm::find_if(
      schema::bindings, [&](const schema::Binding &binding) { return buffer && binding.name == buffer.getValue(); });
  return named == std::end(schema::bindings) ? nullptr : named;
}

/// Derives the rows of the caller's buffers from the table of bindings, or without a name from the type.
static AffineExpr rowsOfArgument(BlockArgument argument, FunctionOpInterface function) {
  MLIRContext *context = argument.getContext();
  if (const schema::Binding *named = bindingOf(argument, function))
    if (const schema::ExtentRow &rows = rowOf(named->extents[0]); rows.kind == schema::ExtentRow::Step)
      return expressionOf(rows.size, context) + rows.number;
  bool isBounds = getElementTypeOrSelf(argument.getType()).isInteger(32);
  return isBounds ? cumulative(context) : expressionOf(Size::Tokens, context);
}

static AffineExpr rowsOfResult(OpResult result) {
  Operation *op = result.getOwner();
  if (auto kernel = dyn_cast<KernelOp>(op))
    return rowsOf(kernel.getYield()->getOperand(result.getResultNumber()));
  if (isa<GatherOp>(op))
    return result.getResultNumber() == 2 ? cumulative(op->getContext()) : expressionOf(Size::Cached, op->getContext());
  // For all others, the first operand has one row for every row of the result.
  return rowsOf(op->getOperand(0));
}

static AffineExpr isAtMost(AffineExpr count, AffineExpr most) {
  return (most + 1).floorDiv(count + 1).ceilDiv(most + 2);
}

AffineExpr mla::gpu::isAtMost(AffineExpr count, int64_t most) {
  return ::isAtMost(count, getAffineConstantExpr(most, count.getContext()));
}

AffineExpr mla::gpu::addClass(Launches &launches, AffineExpr size, int64_t limit, int64_t most) {
  if (!launches.choice)
    launches.choice = {size, {}, {}};
  Choice &choice = *launches.choice;
  choice.limits.push_back(limit);
  choice.most.push_back(most);
  return ::isAtMost(size, limitOf(choice.limits.size() - 1, size.getContext()));
}

AffineExpr mla::gpu::rowsOf(Value value) {
  if (auto type = cast<RankedTensorType>(value.getType()); !type.isDynamicDim(0))
    return getAffineConstantExpr(type.getDimSize(0), value.getContext());
  if (auto result = dyn_cast<OpResult>(value))
    return rowsOfResult(result);
  auto argument = cast<BlockArgument>(value);
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto kernel = dyn_cast<KernelOp>(parent))
    return rowsOf(kernel.getInputs()[argument.getArgNumber()]);
  return rowsOfArgument(argument, cast<FunctionOpInterface>(parent));
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

/// Return a width that is known only to a step: that of a caller's query.
static AffineExpr widthOf(Value value, int64_t dim) {
  auto argument = dyn_cast<BlockArgument>(value);
  Operation *parent = argument ? argument.getOwner()->getParentOp() : nullptr;
  if (auto kernel = dyn_cast_or_null<KernelOp>(parent))
    return widthOf(kernel.getInputs()[argument.getArgNumber()], dim);
  auto function = dyn_cast_or_null<FunctionOpInterface>(parent);
  const schema::Binding *named = function ? bindingOf(argument, function) : nullptr;
  Size size = named ? rowOf(named->extents[dim]).size : Size::QStride;
  return expressionOf(size, value.getContext());
}

/// Return row-major strides.
static SmallVector<AffineExpr> stridesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<AffineExpr> strides(type.getRank());
  AffineExpr stride = getAffineConstantExpr(1, value.getContext());
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    strides[i] = stride;
    if (i > 0)
      stride = stride * (type.isDynamicDim(i) ? widthOf(value, i)
                                              : getAffineConstantExpr(type.getDimSize(i), value.getContext()));
  }
  return strides;
}

FailureOr<Buffer> mla::gpu::operandOf(Value value) {
  // What the kernel stores, its later launches may read.
  for (OpOperand &use : value.getUses())
    if (isa<YieldOp>(use.getOwner()) && !isa<BlockArgument>(value))
      return Buffer{Buffer::Result, use.getOperandNumber()};
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || !isa<KernelOp>(argument.getOwner()->getParentOp()))
    return emitError(value.getLoc(), "expected an operand of the kernel, got a value that it computes");
  return Buffer{Buffer::Operand, argument.getArgNumber()};
}

/// Return the bytes from the start of the source to the slice's first element.
static FailureOr<int64_t> offsetOf(tensor::ExtractSliceOp slice, ArrayRef<AffineExpr> strides) {
  if (llvm::any_of(slice.getStaticOffsets(), ShapedType::isDynamic) ||
      llvm::any_of(slice.getStaticStrides(), [](int64_t stride) { return stride != 1; }))
    return slice.emitOpError("requires static offsets and strides of 1");
  AffineExpr elements = getAffineConstantExpr(0, slice.getContext());
  for (auto [offset, stride] : llvm::zip_equal(slice.getStaticOffsets(), strides))
    elements = elements + stride * offset;
  auto constant = dyn_cast<AffineConstantExpr>(elements);
  if (!constant)
    return slice.emitOpError("requires a static offset in memory");
  return constant.getValue() * (slice.getType().getElementTypeBitWidth() / 8);
}

static FailureOr<View> viewInMemory(Value value);

/// Return the view of parts of dimensions: neighbours in an outer one are a whole inner one apart.
static FailureOr<View> viewOfExpanded(tensor::ExpandShapeOp expanded) {
  FailureOr<View> view = viewInMemory(expanded.getSrc());
  if (failed(view))
    return failure();
  RankedTensorType type = expanded.getResultType();
  SmallVector<ReassociationIndices> groups = expanded.getReassociationIndices();
  if (groups.empty() || groups.front().size() != 1)
    return FailureOr<View>(expanded.emitOpError("expected all rows of its source"));
  SmallVector<AffineExpr> strides(type.getRank());
  for (auto [dims, outer] : llvm::zip_equal(groups, view->strides)) {
    AffineExpr stride = outer;
    for (int64_t dim : llvm::reverse(dims)) {
      strides[dim] = stride;
      stride = stride * (type.isDynamicDim(dim) ? 1 : type.getDimSize(dim));
    }
  }
  view->strides = strides;
  view->shape.assign(type.getShape().begin(), type.getShape().end());
  return view;
}

static FailureOr<View> viewInMemory(Value value) {
  if (auto expanded = value.getDefiningOp<tensor::ExpandShapeOp>())
    return viewOfExpanded(expanded);
  auto type = cast<RankedTensorType>(value.getType());
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice) {
    FailureOr<Buffer> buffer = operandOf(value);
    if (failed(buffer))
      return failure();
    return View{*buffer, rowsOf(value), SmallVector<int64_t>(type.getShape()), stridesOf(value)};
  }
  FailureOr<View> view = viewInMemory(slice.getSource());
  if (failed(view) || slice.getSourceType().getRank() != type.getRank())
    return failed(view) ? view : FailureOr<View>(slice.emitOpError("expected the rank of the source"));
  if (!takesAllRows(slice))
    return slice.emitOpError("requires all rows of its source");
  FailureOr<int64_t> offset = offsetOf(slice, view->strides);
  if (failed(offset))
    return failure();
  view->buffer.offset += *offset;
  view->shape.assign(type.getShape().begin(), type.getShape().end());
  return view;
}

static StringRef nameOf(Elements elements) {
  return elements == Elements::BF16 ? "bf16" : elements == Elements::Float ? "bf16 or f32" : "e4m3";
}

/// Return a view of rows of static width, with elements that kernels read.
FailureOr<View> mla::gpu::viewOf(Value value, Elements elements) {
  auto type = cast<RankedTensorType>(value.getType());
  Type element = type.getElementType();
  bool isRead = elements == Elements::E4M3 ? isa<Float8E4M3FNType>(element)
                                           : element.isBF16() || (elements == Elements::Float && element.isF32());
  if (!isRead || type.getRank() == 0 || llvm::any_of(type.getShape().drop_front(), ShapedType::isDynamic))
    return emitError(value.getLoc()) << "expected rows of " << nameOf(elements) << " with static sizes, got " << type;
  return viewInMemory(value);
}
