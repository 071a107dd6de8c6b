//===- KernelParts.cpp - The parts that kernels belong to -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;
using mla::schema::Part;

namespace {
/// Divides the kernels of one function.
class Divider {
public:
  explicit Divider(DenseMap<Operation *, Part> &parts) : parts(parts) {}
  void divide(func::FuncOp function);

private:
  DenseMap<Operation *, Part> &parts;
  /// Kernels whose results come from the attention without having been added to the stream.
  llvm::SmallDenseSet<Operation *> attended;

  void markSources(Value value, Part part);
  void markSourcesOfAttention(KernelOp kernel);
  bool readsFrom(KernelOp kernel, Part part) const;
  bool readsAttended(KernelOp kernel) const;
  Part partOf(KernelOp kernel);
};
} // namespace

template <typename... Ops> static bool has(KernelOp kernel) {
  return llvm::any_of(kernel.getBody().front(), llvm::IsaPred<Ops...>);
}

/// Return the operand of the kernel that the value in its region is, or is a part of.
static Value operandOf(KernelOp kernel, Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  auto argument = dyn_cast<BlockArgument>(value);
  return argument ? kernel.getInputs()[argument.getArgNumber()] : Value();
}

/// Adds the kernel's operands that a value in its region is computed from.
static void findOperands(KernelOp kernel, Value value, SetVector<Value> &operands) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    operands.insert(kernel.getInputs()[argument.getArgNumber()]);
  else
    for (Value operand : value.getDefiningOp()->getOperands())
      findOperands(kernel, operand, operands);
}

/// Marks the kernels that a value is computed from, up to the cache. A kernel may also store what the value does not
/// depend on, such as new rows of the cache beside rotated queries.
void Divider::markSources(Value value, Part part) {
  auto kernel = value ? value.getDefiningOp<KernelOp>() : KernelOp();
  if (!kernel || isa<CacheType>(value.getType()) || has<AttentionOp, LatentAttentionOp>(kernel) ||
      !parts.try_emplace(kernel, part).second)
    return;
  SetVector<Value> operands;
  findOperands(kernel, kernel.getYield()->getOperand(cast<OpResult>(value).getResultNumber()), operands);
  for (Value operand : operands)
    markSources(operand, part);
}

void Divider::markSourcesOfAttention(KernelOp kernel) {
  for (Operation &op : kernel.getBody().front()) {
    SmallVector<Value> queries, keys;
    if (auto latent = dyn_cast<LatentAttentionOp>(op))
      queries = {latent.getQLatent(), latent.getQRope()};
    else if (auto naive = dyn_cast<AttentionOp>(op))
      queries = {naive.getQNope(), naive.getQRope()}, keys = {naive.getKNope(), naive.getKRope(), naive.getV()};
    for (Value value : queries)
      markSources(operandOf(kernel, value), Part::Query);
    for (Value value : keys)
      markSources(operandOf(kernel, value), Part::Attention);
  }
}

bool Divider::readsFrom(KernelOp kernel, Part part) const {
  return llvm::any_of(kernel.getInputs(), [&](Value input) {
    Operation *source = input.getDefiningOp();
    return isa_and_present<KernelOp>(source) && parts.lookup(source) == part && parts.contains(source);
  });
}

bool Divider::readsAttended(KernelOp kernel) const {
  return llvm::any_of(kernel.getInputs(), [&](Value input) { return attended.contains(input.getDefiningOp()); });
}

/// Kernels before this one have their parts. One that only adds to the stream belongs to none.
Part Divider::partOf(KernelOp kernel) {
  bool projects = has<ProjectOp>(kernel), onlyAdds = has<arith::AddFOp>(kernel) && !projects;
  if (has<RouteOp, PassChoicesOp, SortChoicesOp, GroupedProjectOp, MixChoicesOp>(kernel))
    return Part::Experts;
  if (has<SwigluOp>(kernel))
    return Part::Mlp;
  if (onlyAdds)
    return Part::Rest;
  if (readsFrom(kernel, Part::Mlp))
    return Part::Mlp;
  if (!readsAttended(kernel))
    return Part::Rest;
  if (!has<arith::AddFOp>(kernel))
    attended.insert(kernel);
  return Part::Output;
}

/// The gate and up of an MLP, where they are kernels of their own.
static bool feedsSwiglu(KernelOp kernel) {
  return has<ProjectOp>(kernel) && !has<RouteOp>(kernel) && llvm::any_of(kernel->getUsers(), [](Operation *user) {
           auto reader = dyn_cast<KernelOp>(user);
           return reader && has<SwigluOp>(reader);
         });
}

void Divider::divide(func::FuncOp function) {
  for (auto kernel : function.getOps<KernelOp>())
    if (has<AttentionOp, LatentAttentionOp>(kernel)) {
      parts[kernel] = Part::Attention;
      attended.insert(kernel);
      markSourcesOfAttention(kernel);
    }
  for (auto kernel : function.getOps<KernelOp>())
    if (!parts.contains(kernel))
      parts[kernel] = feedsSwiglu(kernel) ? Part::Mlp : partOf(kernel);
}

KernelParts::KernelParts(func::FuncOp function) { Divider(parts).divide(function); }
