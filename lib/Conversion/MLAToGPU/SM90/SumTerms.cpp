//===- SumTerms.cpp - Sums in kernels' regions ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SumTerms.h"
#include "ReadKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

/// A kernel has so many terms, or choices, at most. In a longer chain some sums are stored.
static constexpr int64_t maxTerms = 16, maxChoices = 32;

bool mla::gpu::isSum(Operation *op) {
  return isa<arith::AddFOp>(op) && isa<RankedTensorType>(op->getResult(0).getType());
}

/// Return the additions from `op` to the end of its chain of single users.
static int64_t countToEnd(Operation *op) {
  int64_t count = 0;
  while (op->hasOneUse() && isa<arith::AddFOp>(*op->user_begin())) {
    op = *op->user_begin();
    ++count;
  }
  return count;
}

bool mla::gpu::isPartOfSum(Operation *op) {
  return isa<arith::ExtFOp>(op) || (isSum(op) && countToEnd(op) % (maxTerms - 1) != 0);
}

Value mla::gpu::beforeRounding(Value yielded) {
  auto rounded = yielded.getDefiningOp<arith::TruncFOp>();
  return rounded ? rounded.getIn() : yielded;
}

MixChoicesOp mla::gpu::findMix(Operation *sum) {
  for (Value term : sum->getOperands()) {
    Operation *op = term.getDefiningOp();
    auto mix = dyn_cast_if_present<MixChoicesOp>(op);
    if (!mix && op && op->hasOneUse() && isPartOfSum(op))
      mix = findMix(op);
    if (mix && mix->hasOneUse())
      return mix;
  }
  return {};
}

/// Adds the terms of a value, and the order in which they are added.
static LogicalResult addTerms(KernelOp kernel, Value value, SumTerms &terms) {
  if (auto sum = value.getDefiningOp<arith::AddFOp>()) {
    if (failed(addTerms(kernel, sum.getLhs(), terms)) || failed(addTerms(kernel, sum.getRhs(), terms)))
      return failure();
    terms.shape.order += 'a';
    return success();
  }
  if (auto extended = value.getDefiningOp<arith::ExtFOp>())
    value = extended.getIn();
  if (auto mix = value.getDefiningOp<MixChoicesOp>()) {
    terms.shape.order += 'm';
    terms.shape.choices = cast<RankedTensorType>(mix.getRows().getType()).getDimSize(1);
    terms.mix = mix;
    terms.terms.emplace_back();
    return success();
  }
  FailureOr<View> term = viewOf(value, Elements::Float);
  if (failed(term) || failed(checkAlignment(kernel, *term)))
    return failure();
  terms.shape.order += elementOf(value) == Element::F32 ? 'f' : 'b';
  terms.terms.push_back(*term);
  return success();
}

FailureOr<SumTerms> mla::gpu::readTerms(KernelOp kernel, Value sum) {
  auto type = cast<RankedTensorType>(sum.getType());
  if (type.getRank() != 2)
    return kernel.emitOpError("expected rank-2 tensors to add, got rank ")
           << type.getRank() << "; compile with --target=cpu";
  SumTerms terms;
  if (failed(addTerms(kernel, sum, terms)))
    return failure();
  if (terms.shape.numTerms() > maxTerms)
    return kernel.emitOpError() << "adds " << terms.shape.numTerms() << " tensors, at most " << maxTerms
                                << " are possible; compile with --target=cpu";
  if (terms.shape.choices > maxChoices)
    return kernel.emitOpError() << "adds " << terms.shape.choices << " choices, at most " << maxChoices
                                << " are possible; compile with --target=cpu";
  terms.shape.width = type.getShape().back();
  if (failed(checkWidth(kernel, terms.shape.width)))
    return failure();
  return terms;
}

FailureOr<SumTerms> mla::gpu::readSum(KernelOp kernel) {
  return readTerms(kernel, beforeRounding(kernel.getYield()->getOperand(0)));
}

Launch mla::gpu::launchOfSum(KernelOp kernel, mlir::gpu::GPUModuleOp module, const SumTerms &terms, Buffer rows,
                             Buffer weights) {
  emitSum(module, terms.shape);
  AffineExpr tokens = rowsOf(beforeRounding(kernel.getYield()->getOperand(0)));
  Launch launch = launchOf(kernel, terms.shape.name(), tokens, elementwiseThreads);
  launch.grid[1] = number(kernel, llvm::divideCeil(terms.shape.width, elementwiseColumns));
  for (const View &term : terms.terms) {
    bool isMix = term.shape.empty();
    launch.arguments.push_back(isMix ? rows : term.buffer);
    if (isMix)
      launch.arguments.push_back(weights);
  }
  launch.arguments.push_back(Buffer{Buffer::Result, 0});
  for (const View &term : terms.terms)
    launch.arguments.push_back(term.shape.empty() ? number(kernel, terms.shape.width) : term.strides[0]);
  return launch;
}
