//===- UpdateProjections.cpp - Updates that sequences choose --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerBuilder.h"
#include "mla/Dialect/MLA/IR/Adapt.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mla;
using namespace mla::importer;
using namespace mlir;
using llvm::ArrayRef;
using llvm::StringRef;

/// Load a tensor of the adapters for a weight.
static Value load(OpBuilder &builder, Location loc, StringRef tensor, ArrayRef<int64_t> shape) {
  return WeightOp::create(builder, loc, RankedTensorType::get(shape, builder.getF32Type()), tensor);
}

/// Load A of all adapters, [E, r, in].
Value LayerBuilder::updatesDown(const WeightSpec &spec) {
  const WeightUpdates &updates = *spec.updates;
  return load(builder, named(valueName(spec.expected.role) + "_lora_A"), updates.nameA,
              {updates.count, updates.rank, spec.expected.shape[1]});
}

/// Load c B of all adapters, [E, out, r], times a factor.
Value LayerBuilder::updatesUp(const WeightSpec &spec, double factor) {
  const WeightUpdates &updates = *spec.updates;
  std::string name = valueName(spec.expected.role) + "_lora_B";
  return scaled(load(builder, named(name), updates.nameB, {updates.count, spec.expected.shape[0], updates.rank}),
                factor, name);
}

/// Return the heads of c B, [E, H, perHead, r].
Value LayerBuilder::updatesUpOfHeads(const WeightSpec &spec, int64_t perHead) {
  std::string name = valueName(spec.expected.role) + "_lora_B";
  return splitDim(builder, named(name + "_heads"), updatesUp(spec),
                  {spec.updates->count, config.numHeads, perHead, spec.updates->rank}, {{0}, {1, 2}, {3}});
}

/// Add the updates of a plain projection of this step's tokens.
Value LayerBuilder::addUpdates(Value y, Value x, WeightRole role) {
  const WeightSpec *spec = find(role);
  if (!spec || !spec->updates)
    return y;
  return AdaptOp::create(builder, named(valueName(role) + "_adapted"), y, x, updatesDown(*spec), updatesUp(*spec),
                         adapters, cu);
}

/// Add the updates of a projection to heads that computes `count` of the `perHead` columns of a head, from `first` on.
/// `bounds` are the first tokens of sequences.
Value LayerBuilder::addUpdates(Value y, Value x, WeightRole role, int64_t perHead, int64_t first, int64_t count,
                               Value bounds, StringRef name) {
  const WeightSpec *spec = find(role);
  if (!spec || !spec->updates)
    return y;
  Value up = sliceWeight(updatesUpOfHeads(*spec, perHead), 2, first, count, (name + "_lora_B").str());
  return AdaptOp::create(builder, named((name + "_adapted").str()), y, x, updatesDown(*spec), up, adapters, bounds);
}

/// Add the updates of o_proj, times a factor.
Value LayerBuilder::addOutputUpdates(Value y, Value x, double factor) {
  const WeightSpec *spec = find(WeightRole::WO);
  if (!spec->updates)
    return y;
  std::string name = valueName(WeightRole::WO) + "_lora_A";
  Value down = splitDim(builder, named(name + "_heads"), updatesDown(*spec),
                        {spec->updates->count, spec->updates->rank, config.numHeads, config.vDim}, {{0}, {1}, {2, 3}});
  return AdaptOp::create(builder, named("out_adapted"), y, x, down, updatesUp(*spec, factor), adapters, cu);
}
