//===- DecoderKinds.cpp - The kinds of embed, sum, swiglu and route -------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Embed.h"
#include "Kinds.h"
#include "ReadKernel.h"
#include "Route.h"
#include "SumTerms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

namespace {
class EmbedKind : public KernelKind {
public:
  EmbedKind() : KernelKind("embed", EmbedOp::getOperationName()) {}
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

class SumKind : public KernelKind {
public:
  SumKind() : KernelKind("sum", arith::AddFOp::getOperationName()) {}
  bool takes(Operation *op) const override { return isSum(op); }
  bool fuses(Operation *producer, Operation *last) const override { return isSum(last) && isPartOfSum(producer); }
  Value findComputed(Value yielded) const override { return beforeRounding(yielded); }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

class SwigluKind : public KernelKind {
public:
  SwigluKind() : KernelKind("swiglu", SwigluOp::getOperationName()) {}
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

class RouteKind : public KernelKind {
public:
  RouteKind() : KernelKind("route", RouteOp::getOperationName()) {}
  /// Experts whose scores nearly tie differ by less than a rounding to bf16.
  bool readsFloat(const OpOperand &operand) const override {
    return operand.get() == cast<RouteOp>(operand.getOwner()).getLogits();
  }
  bool stores(Type element, unsigned result) const override {
    return result == 0 ? element.isInteger(32) : element.isF32();
  }
  LogicalResult checkOperation(Operation *op) const override;
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createEmbedKind() { return std::make_unique<EmbedKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createSumKind() { return std::make_unique<SumKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createSwigluKind() { return std::make_unique<SwigluKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createRouteKind() { return std::make_unique<RouteKind>(); }

//===----------------------------------------------------------------------===//
// Embeddings
//===----------------------------------------------------------------------===//

FailureOr<Launches> EmbedKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<EmbedOp>(kernel);
  FailureOr<Buffer> ids = operandOf(op.getIds());
  FailureOr<View> table = viewOf(op.getTable());
  if (failed(ids) || failed(table))
    return failure();
  EmbedShape shape{table->shape[0], table->shape[1]};
  if (failed(checkWidth(kernel, shape.width)))
    return failure();
  emitEmbed(module, shape);
  Launch launch = launchOf(kernel, shape.name(), rowsOf(op.getIds()), embedThreads);
  launch.grid[1] = number(kernel, llvm::divideCeil(shape.width, embedColumns));
  launch.arguments = {*ids, table->buffer, Buffer{Buffer::Result, 0}};
  return Launches{{launch}, {}};
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

FailureOr<Launches> SumKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  FailureOr<SumTerms> terms = readSum(kernel);
  if (failed(terms))
    return failure();
  return Launches{{launchOfSum(kernel, module, *terms)}, {}};
}

//===----------------------------------------------------------------------===//
// SwiGLU
//===----------------------------------------------------------------------===//

FailureOr<Launches> SwigluKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<SwigluOp>(kernel);
  FailureOr<View> gate = viewOf(op.getGate(), Elements::Float), up = viewOf(op.getUp(), Elements::Float);
  if (failed(gate) || failed(up))
    return failure();
  size_t rank = gate->shape.size();
  if (rank != 2 && rank != 3)
    return kernel.emitOpError("expected rank-2 or rank-3 operands to activate, got rank ")
           << rank << "; compile with --target=cpu";
  SwigluShape shape{rank == 3 ? gate->shape[1] : 1, gate->shape.back(), elementOf(op.getGate())};
  if (failed(checkWidth(kernel, shape.width)) || failed(checkAlignment(kernel, *gate)) ||
      failed(checkAlignment(kernel, *up)))
    return failure();
  emitSwiglu(module, shape);
  Launch launch = launchOf(kernel, shape.name(), gate->rows, elementwiseThreads);
  launch.grid[1] = number(kernel, llvm::divideCeil(shape.columns(), elementwiseColumns));
  launch.arguments = {gate->buffer, up->buffer, Buffer{Buffer::Result, 0}};
  for (const View &view : {*gate, *up}) {
    launch.arguments.push_back(view.strides[0]);
    launch.arguments.push_back(rank == 3 ? view.strides[1] : number(kernel, 0));
  }
  return Launches{{launch}, {}};
}

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

static RouteShape shapeOf(RouteOp op) {
  RouteShape shape;
  shape.experts = cast<RankedTensorType>(op.getLogits().getType()).getDimSize(1);
  shape.shared = op.getShared();
  shape.chosen = cast<RankedTensorType>(op.getExperts().getType()).getDimSize(1) - shape.shared;
  shape.isSigmoid = op.getScoring() == Scoring::Sigmoid;
  shape.isCorrected = op.getCorrection() != nullptr;
  shape.isNormalized = op.getNormalized();
  shape.groups = op.getGroups();
  shape.kept = op.getKept();
  shape.best = op.getBest();
  shape.factor = op.getFactor().convertToDouble();
  return shape;
}

LogicalResult RouteKind::checkOperation(Operation *op) const {
  RouteShape shape = shapeOf(cast<RouteOp>(op));
  bool hasGroups = shape.groups > 1;
  std::tuple<StringRef, int64_t, int64_t> limits[] = {{"experts", shape.experts, maxRoutedExperts},
                                                      {"experts per token", shape.columns(), maxChosen},
                                                      {"groups", shape.groups, maxGroups},
                                                      {"best experts of a group", hasGroups ? shape.best : 1, maxBest}};
  for (auto [what, number, most] : limits)
    if (number > most)
      return op->emitOpError() << "has " << number << " " << what << ", the kernel at most " << most
                               << "; compile with --target=cpu";
  return KernelKind::checkOperation(op);
}

FailureOr<Launches> RouteKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<RouteOp>(kernel);
  FailureOr<View> logits = viewOf(op.getLogits(), Elements::Float);
  if (failed(logits))
    return failure();
  if (elementOf(op.getLogits()) != Element::F32)
    return kernel.emitOpError("expected logits of f32, got ") << getElementTypeOrSelf(op.getLogits());
  Launch launch = launchOf(kernel, shapeOf(op).name(), logits->rows.ceilDiv(routeTokens), routeThreads);
  launch.arguments.push_back(logits->buffer);
  if (Value correction = op.getCorrection()) {
    FailureOr<Buffer> buffer = operandOf(correction);
    if (failed(buffer))
      return failure();
    if (!getElementTypeOrSelf(correction).isF32())
      return kernel.emitOpError("expected a correction of f32, got ") << getElementTypeOrSelf(correction);
    launch.arguments.push_back(*buffer);
  }
  for (unsigned result : {0, 1})
    launch.arguments.push_back(Buffer{Buffer::Result, result});
  launch.arguments.push_back(logits->rows);
  launch.arguments.push_back(logits->strides[0]);
  emitRoute(module, shapeOf(op));
  return Launches{{launch}, {}};
}
