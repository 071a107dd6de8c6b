//===- Norms.cpp - Norms in kernels' regions ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Norms.h"
#include "ReadKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

bool mla::gpu::isNormalizedSum(Operation *sum, Operation *last) {
  auto norm = dyn_cast<RmsNormOp>(last);
  return norm && isSum(sum) && norm.getX().getDefiningOp() == sum && !findMix(sum);
}

RmsNormOp mla::gpu::findNormBesideInput(Operation *op) {
  auto joined = dyn_cast<tensor::ConcatOp>(op);
  if (!joined || joined.getInputs().size() != 2 || joined.getDim() != 1 || joined.getType().getRank() != 2)
    return {};
  auto norm = joined.getInputs().front().getDefiningOp<RmsNormOp>();
  Value beside = joined.getInputs().back();
  if (auto extended = beside.getDefiningOp<arith::ExtFOp>())
    beside = extended.getIn();
  return norm && norm->hasOneUse() && norm.getX() == beside ? norm : RmsNormOp();
}

FailureOr<Buffer> mla::gpu::gammaOf(RmsNormOp op) {
  if (!getElementTypeOrSelf(op.getGamma()).isF32())
    return op.emitOpError("expected a gamma of f32, got ") << getElementTypeOrSelf(op.getGamma());
  return operandOf(op.getGamma());
}

FailureOr<Norm> mla::gpu::readNorm(KernelOp kernel, RmsNormOp op) {
  if (int64_t rank = cast<RankedTensorType>(op.getX().getType()).getRank(); rank != 2)
    return kernel.emitOpError("expected a rank-2 operand to normalize, got rank ")
           << rank << "; compile with --target=cpu";
  FailureOr<SumTerms> x = readTerms(kernel, op.getX());
  FailureOr<Buffer> gamma = gammaOf(op);
  if (failed(x) || failed(gamma))
    return failure();
  if (x->mix)
    return kernel.emitOpError("normalizes a sum of choices, which only a mix_choices adds; compile with --target=cpu");
  NormalizeShape shape;
  shape.width = x->shape.width;
  shape.epsilon = op.getEpsilon().convertToDouble();
  shape.order = x->shape.order;
  return Norm{op, shape, *x, *gamma, shape.width};
}

std::vector<Argument> Norm::argumentsOf(KernelOp kernel, ArrayRef<Buffer> results) const {
  std::vector<Argument> arguments;
  for (const View &term : x.terms)
    arguments.push_back(term.buffer);
  arguments.push_back(gamma);
  for (const Buffer &result : results)
    arguments.push_back(result);
  arguments.push_back(rowsOf(RmsNormOp(op).getX()));
  for (const View &term : x.terms)
    arguments.push_back(term.strides[0]);
  arguments.push_back(number(kernel, resultWidth));
  return arguments;
}

Launch mla::gpu::launchOfNorm(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Norm &norm,
                              ArrayRef<Buffer> results) {
  const NormalizeShape &shape = norm.shape;
  emitNormalize(module, shape);
  AffineExpr warps = rowsOf(RmsNormOp(norm.op).getX()) * shape.warpsOfRow();
  Launch launch = launchOf(kernel, shape.name(), warps.ceilDiv(normalizeWarps), normalizeThreads);
  launch.sharedBytes = shape.sharedBytes();
  launch.arguments = norm.argumentsOf(kernel, results);
  return launch;
}
