//===- AdaptKind.cpp - The kind of updates by adapters --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Adapt.h"
#include "Kinds.h"
#include "ReadKernel.h"
#include "SumTerms.h"
#include "mla/Dialect/MLA/IR/Adapt.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

namespace {
class AdaptKind : public KernelKind {
public:
  AdaptKind() : KernelKind("adapt", AdaptOp::getOperationName()) {}
  LogicalResult checkOperation(Operation *op) const override;
  Value findComputed(Value yielded) const override { return beforeRounding(yielded); }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createAdaptKind() { return std::make_unique<AdaptKind>(); }

LogicalResult AdaptKind::checkOperation(Operation *op) const {
  AdaptOp::Sizes sizes = cast<AdaptOp>(op).getSizes();
  for (auto [size, what] : {std::pair(sizes.rank, "ranks"), std::pair(sizes.contracted, "columns of the input"),
                            std::pair(sizes.rows, "columns of the result")})
    if (size % laneElements != 0)
      return op->emitOpError() << "expected " << what << " to be a multiple of 8, got " << size
                               << "; compile with --target=cpu";
  return success();
}

/// Return the source of a value that is widened in the kernel.
static Value beforeWidening(Value value) {
  auto wide = value.getDefiningOp<arith::ExtFOp>();
  return wide ? wide.getIn() : value;
}

static AdaptShape shapeOf(AdaptOp op, Value y) {
  AdaptOp::Sizes sizes = op.getSizes();
  auto rank = [](Value value) { return cast<RankedTensorType>(value.getType()).getRank(); };
  AdaptShape shape;
  shape.adapters = sizes.adapters, shape.rank = sizes.rank;
  shape.heads = sizes.headsOut, shape.width = sizes.rows;
  shape.headsIn = sizes.headsIn, shape.contracted = sizes.contracted;
  shape.isPerHead = rank(op.getX()) == 3 && !op.sumsHeads();
  shape.downHasHeads = shape.isPerHead && rank(op.getDown()) == 4;
  shape.upHasHeads = rank(op.getUp()) == 4;
  shape.y = elementOf(y), shape.x = elementOf(op.getX());
  return shape;
}

/// Return the strides of a view's tokens and heads; 0 if it has none.
static void addStrides(KernelOp kernel, const View &view, std::vector<Argument> &arguments) {
  arguments.push_back(view.strides[0]);
  arguments.push_back(view.shape.size() == 3 ? view.strides[1] : number(kernel, 0));
}

FailureOr<Launches> AdaptKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<AdaptOp>(kernel);
  Value sums = beforeWidening(op.getY());
  FailureOr<View> y = viewOf(sums, Elements::Float), x = viewOf(op.getX(), Elements::Float);
  FailureOr<View> down = viewOf(op.getDown()), up = viewOf(op.getUp());
  FailureOr<Buffer> adapters = operandOf(op.getAdapters()), cu = operandOf(op.getCu());
  if (failed(y) || failed(x) || failed(down) || failed(up) || failed(adapters) || failed(cu) ||
      failed(checkAlignment(kernel, *y)) || failed(checkAlignment(kernel, *x)))
    return failure();
  AdaptShape shape = shapeOf(op, sums);
  emitAdapt(module, shape);
  Launch launch = launchOf(kernel, shape.name(), y->rows, adaptThreads);
  launch.grid[1] = number(kernel, shape.blocks());
  launch.sharedBytes = shape.sharedBytes();
  launch.arguments = {y->buffer,
                      x->buffer,
                      down->buffer,
                      up->buffer,
                      *adapters,
                      *cu,
                      Buffer{Buffer::Result, 0},
                      size(kernel, Size::Batch)};
  addStrides(kernel, *y, launch.arguments);
  addStrides(kernel, *x, launch.arguments);
  return Launches{{launch}, {}};
}
