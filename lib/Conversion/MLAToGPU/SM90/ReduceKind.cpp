//===- ReduceKind.cpp - The kind of sums of all ranks ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library adds the sums: there is no code.
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"
#include "ReadKernel.h"

#include "mla/Dialect/MLA/Analysis/Ranks.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

static int64_t ranksOf(shard::AllReduceOp op) { return countRanks(op->getParentOfType<ModuleOp>(), op.getGridAxes()); }

namespace {
class ReduceKind : public KernelKind {
public:
  ReduceKind() : KernelKind("all_reduce", shard::AllReduceOp::getOperationName()) {}
  LogicalResult checkOperation(Operation *op) const override;
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createReduceKind() { return std::make_unique<ReduceKind>(); }

LogicalResult ReduceKind::checkOperation(Operation *op) const {
  auto reduce = dyn_cast<shard::AllReduceOp>(op);
  if (reduce && reduce.getReduction() != shard::ReductionKind::Sum)
    return reduce.emitOpError() << "expected a sum";
  if (reduce && ranksOf(reduce) < 2)
    return reduce.emitOpError() << "expected a group of consecutive ranks of the grid @" << kGrid;
  return KernelKind::checkOperation(op);
}

FailureOr<Launches> ReduceKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp) const {
  auto op = findIn<shard::AllReduceOp>(kernel);
  FailureOr<Buffer> in = operandOf(op.getInput());
  if (failed(in))
    return failure();
  Type element = getElementTypeOrSelf(op.getInput());
  if (element != getElementTypeOrSelf(kernel.getOutputs().front()))
    return kernel.emitOpError() << "expected the elements of the sums, " << element << ", to be those of their sum";
  AffineExpr count = rowsOf(op.getInput());
  for (int64_t size : cast<RankedTensorType>(op.getInput().getType()).getShape().drop_front())
    count = count * size;
  Launches launches;
  launches.exchange = Exchange{Collective::AllReduce, ranksOf(op), *in, Buffer{Buffer::Result, 0}, count, element};
  return launches;
}
