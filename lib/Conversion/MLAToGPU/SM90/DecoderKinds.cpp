//===- DecoderKinds.cpp - The kinds of embed, sum, swiglu and rows --------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Embed.h"
#include "Kinds.h"
#include "Norms.h"
#include "ReadKernel.h"
#include "SumTerms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

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

class GateKind : public KernelKind {
public:
  GateKind() : KernelKind("gate", GateOp::getOperationName()) {}
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

class PassKind : public KernelKind {
public:
  PassKind() : KernelKind("pass_choices", PassChoicesOp::getOperationName()) {}
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

class JoinKind : public KernelKind {
public:
  JoinKind() : KernelKind("join", tensor::ConcatOp::getOperationName()) {}
  bool takes(Operation *op) const override;
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createEmbedKind() { return std::make_unique<EmbedKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createSumKind() { return std::make_unique<SumKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createSwigluKind() { return std::make_unique<SwigluKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createGateKind() { return std::make_unique<GateKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createPassKind() { return std::make_unique<PassKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createJoinKind() { return std::make_unique<JoinKind>(); }

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
// Gates
//===----------------------------------------------------------------------===//

FailureOr<Launches> GateKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<GateOp>(kernel);
  FailureOr<View> x = viewOf(op.getX(), Elements::Float), gate = viewOf(op.getGate(), Elements::Float);
  if (failed(x) || failed(gate))
    return failure();
  GateShape shape{x->shape[1], x->shape[2], gate->shape.size() == 2, elementOf(op.getX()), elementOf(op.getGate())};
  if (failed(checkWidth(kernel, shape.width)) || failed(checkAlignment(kernel, *x)) ||
      (!shape.isPerHead && failed(checkAlignment(kernel, *gate))))
    return failure();
  emitGate(module, shape);
  Launch launch = launchOf(kernel, shape.name(), x->rows, elementwiseThreads);
  launch.grid[1] = number(kernel, llvm::divideCeil(shape.columns(), elementwiseColumns));
  launch.arguments = {x->buffer, gate->buffer, Buffer{Buffer::Result, 0}};
  for (const View &view : {*x, *gate})
    llvm::append_range(launch.arguments, ArrayRef(view.strides).take_front(2));
  return Launches{{launch}, {}};
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

FailureOr<Launches> PassKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<PassChoicesOp>(kernel);
  FailureOr<View> x = viewOf(op.getX());
  FailureOr<Buffer> numbers = operandOf(op.getExperts()), weights = operandOf(op.getWeights());
  if (failed(x) || failed(numbers) || failed(weights))
    return failure();
  PassShape shape{x->shape[1], cast<RankedTensorType>(op.getExperts().getType()).getDimSize(1),
                  static_cast<int64_t>(op.getFrom())};
  if (failed(checkWidth(kernel, shape.width)) || failed(checkAlignment(kernel, *x)))
    return failure();
  emitPass(module, shape);
  Launch launch = launchOf(kernel, shape.name(), x->rows, elementwiseThreads);
  launch.grid[1] = number(kernel, llvm::divideCeil(shape.width, elementwiseColumns));
  launch.arguments = {x->buffer, *numbers, *weights, Buffer{Buffer::Result, 0}, x->strides[0]};
  return Launches{{launch}, {}};
}

/// Queries are joined by the attention that reads them, a norm and its input by the norm.
bool JoinKind::takes(Operation *op) const {
  auto concat = dyn_cast<tensor::ConcatOp>(op);
  return concat && concat.getInputs().size() == 2 && concat.getDim() == 1 && concat.getType().getRank() == 2 &&
         !findNormBesideInput(op);
}

FailureOr<Launches> JoinKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<tensor::ConcatOp>(kernel);
  FailureOr<View> left = viewOf(op.getInputs()[0]), right = viewOf(op.getInputs()[1]);
  if (failed(left) || failed(right))
    return failure();
  JoinShape shape{left->shape[1], right->shape[1]};
  for (const View &part : {*left, *right})
    if (failed(checkWidth(kernel, part.shape[1])) || failed(checkAlignment(kernel, part)))
      return failure();
  emitJoin(module, shape);
  Launch launch = launchOf(kernel, shape.name(), left->rows, elementwiseThreads);
  launch.grid[1] = number(kernel, llvm::divideCeil(shape.columns(), elementwiseColumns));
  launch.arguments = {left->buffer, right->buffer, Buffer{Buffer::Result, 0}, left->strides[0], right->strides[0]};
  return Launches{{launch}, {}};
}
