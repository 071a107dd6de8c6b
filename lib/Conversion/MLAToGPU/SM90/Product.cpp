//===- Product.cpp - Products that end otherwise --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Product.h"
#include "ReadKernel.h"
#include "ScaledOperand.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

int64_t Product::choices() const { return first ? typeOf(x).getDimSize(1) : 1; }

static Heads headsOf(const Product &product) { return product.first ? Heads::Per : Heads::None; }

ProjectionDims Product::dims() const {
  ArrayRef<int64_t> shape = typeOf(weight).getShape();
  ProjectionDims dims;
  dims.rows = shape[shape.size() - 2];
  dims.contracted = shape.back();
  dims.gated = gated;
  dims.choices = choices();
  dims.experts = first ? shape.front() : 0;
  setElements(dims, headsOf(*this), weight, x);
  return dims;
}

static bool isPlain(ProjectOp op) {
  return op.getHeads() == Heads::None && !op.getPanels() && !op.getWeight().getDefiningOp<tensor::ConcatOp>();
}

Product mla::gpu::productOf(Operation *op) {
  if (auto project = dyn_cast_or_null<ProjectOp>(op); project && isPlain(project))
    return {op, project.getX(), project.getWeight(), Value()};
  if (auto grouped = dyn_cast_or_null<GroupedProjectOp>(op))
    return {op, grouped.getRows(), grouped.getWeight(), grouped.getFirst()};
  return {};
}

FailureOr<ProjectionShape> mla::gpu::shapeOf(KernelOp kernel, const Product &product,
                                             const ProjectionChoices &choices) {
  ProjectionShape shape;
  shape.dims = product.dims();
  shape.choices = choices;
  shape.floatResult = product.floatResult;
  int64_t rows = product.floatResult ? 1 : product.gated ? 2 * gatedRows : gatedRows; // sums are stored one by one
  if (shape.dims.rows % rows != 0 || shape.dims.contracted % 8 != 0)
    return kernel.emitOpError() << "multiplies by " << shape.dims.rows << " x " << shape.dims.contracted
                                << "; the copy engine needs multiples of " << rows << " and 8; compile with "
                                << "--target=cpu";
  if (failed(checkElements(product.op, headsOf(product), product.weight, shape.dims)) ||
      failed(checkChoices(kernel, shape)))
    return failure();
  return shape;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

/// Return the map [k, tokens, terms] of x. Rows of choices are one after the other.
static TensorMap mapOfRows(KernelOp kernel, const Product &product, const ProjectionShape &shape, const View &x) {
  const ProjectionDims &d = shape.dims;
  size_t dim = product.first ? 1 : 0; // of the rows; terms follow
  AffineExpr rows = x.rows * product.choices(), rowBytes = x.strides[dim] * d.elementBytes();
  return {x.buffer,
          {number(kernel, mappedColumns(d)), rows, number(kernel, d.terms)},
          {rowBytes, d.terms > 1 ? x.strides[dim + 1] * d.elementBytes() : rowBytes},
          shape.tokenBox()};
}

FailureOr<Launch> mla::gpu::launchOfProduct(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Product &product,
                                            ProjectionShape shape, const Buffer &result, Value order) {
  shape.scattered = static_cast<bool>(order);
  FailureOr<View> x = viewOfElements(product.x);
  FailureOr<Buffer> weight = operandOf(storedOf(product.weight));
  if (failed(x) || failed(weight))
    return failure();
  emitProjection(module, shape);
  Launch launch = launchOfProduct(shape, x->rows);
  launch.arguments = {mapOfWeight(*weight, shape, shape.dims.rows, kernel.getContext()),
                      mapOfRows(kernel, product, shape, *x)};
  if (failed(addScales(product.weight, product.x, launch)))
    return failure();
  launch.arguments.push_back(result);
  for (Value list : {product.first, order})
    if (list) {
      FailureOr<Buffer> buffer = operandOf(list);
      if (failed(buffer))
        return failure();
      launch.arguments.push_back(*buffer);
    }
  launch.arguments.push_back(x->rows * product.choices());
  return launch;
}

FailureOr<Launches> ProductKind::launchesOf(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Buffer &result,
                                            Value order) const {
  Product product = productIn(kernel);
  if (!product.op)
    return kernel.emitOpError("activates or adds what it does not multiply; compile with --target=cpu");
  Launches launches;
  auto add = [&](const ProjectionChoices &choices, AffineExpr chosen) -> LogicalResult {
    FailureOr<ProjectionShape> shape = shapeOf(kernel, product, choices);
    if (failed(shape))
      return failure();
    FailureOr<Launch> launch = launchOfProduct(kernel, module, product, *shape, result, order);
    if (failed(launch))
      return failure();
    launch->grid[0] = launch->grid[0] * chosen;
    launches.launches.push_back(*launch);
    return success();
  };
  if (failed(forEachClass(*kernel.getSchedule(), rowsOf(product.x), launches, add)))
    return failure();
  return launches;
}

SmallVector<int64_t> ProductKind::chooseLimits(KernelOp kernel, const Purpose &purpose,
                                               const TargetInfo &target) const {
  Product product = productIn(kernel);
  return product.op ? limitsOf(product.dims(), purpose, target) : SmallVector<int64_t>();
}

KernelKind::Choices ProductKind::chooseSchedule(KernelOp kernel, const Purpose &purpose,
                                                const TargetInfo &target) const {
  Product product = productIn(kernel);
  return product.op ? scheduleOf(product.dims(), purpose, target) : Choices();
}

FailureOr<Launches> ProductKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  return launchesOf(kernel, module, Buffer{Buffer::Result, 0});
}
