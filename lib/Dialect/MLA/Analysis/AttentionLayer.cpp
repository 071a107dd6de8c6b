//===- AttentionLayer.cpp - The layer around an attention -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/AttentionLayer.h"
#include "mla/Dialect/MLA/Analysis/Commuting.h"
#include "mla/Dialect/MLA/Analysis/ScaledWeight.h"

#include "mlir/IR/Iterators.h"

using namespace mlir;
using namespace mla;

AttentionOp mla::findAttention(func::FuncOp function) {
  AttentionOp found;
  function->walk<WalkOrder::PreOrder, ForwardDominanceIterator<>>([&](AttentionOp attention) {
    found = attention;
    return WalkResult::interrupt();
  });
  return found;
}

static int64_t getSize(Value value, int64_t dim) {
  int64_t size = cast<RankedTensorType>(value.getType()).getDimSize(dim);
  return ShapedType::isDynamic(size) ? 0 : size;
}

static int64_t getWidth(Value value) { return getSize(value, cast<RankedTensorType>(value.getType()).getRank() - 1); }

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// Finds the nearest operation of a kind behind `value`, through any operations: only its sizes are used.
template <typename Op> static Op findBehind(Value value, function_ref<bool(Op)> wanted = [](Op) { return true; }) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto found = dyn_cast<Op>(op); found && wanted(found))
      return found;
    if (op->getNumOperands() == 0)
      break;
    value = op->getOperand(0);
  }
  return nullptr;
}

static ProjectOp findProjection(Value value, Heads heads) {
  return findBehind<ProjectOp>(value, [heads](ProjectOp project) { return project.getHeads() == heads; });
}

/// Return the only operation that reads `value`, besides updates of what it computes; null if there are several.
static Operation *findReader(Value value) {
  Operation *reader = nullptr;
  for (Operation *user : value.getUsers()) {
    auto adapted = dyn_cast<AdaptOp>(user);
    if (adapted && adapted.getX() == value && adapted.getY() != value)
      continue;
    if (reader)
      return nullptr;
    reader = user;
  }
  return reader;
}

/// Finds the projection from all heads that reads `value`, directly or through operations with one user.
static ProjectOp findOutput(Value value) {
  while (Operation *user = findReader(value)) {
    if (user->getBlock() != value.getParentBlock()) // it may never be executed, and depend on itself
      break;
    auto project = dyn_cast<ProjectOp>(user);
    if (project && project.getHeads() == Heads::From)
      return project;
    if (user->getNumResults() != 1)
      break;
    value = user->getResult(0);
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Formats
//===----------------------------------------------------------------------===//

/// Return how kernels hold and multiply the weight. Sizes that they do not support are left out, and make a remark in
/// mla-quantize.
static WeightFormat findFormat(ProjectOp project, int64_t terms) {
  std::string why;
  std::optional<ScaledWeight> weight = project ? findScaledWeight(project.getWeight(), why) : std::nullopt;
  if (!weight)
    return {};
  double elements = 1;
  for (int64_t size : weight->block)
    elements *= size;
  return {1 + 4 / elements, terms};
}

static ProjectOp findDownKeyValue(GatherOp gather) {
  auto append = gather ? gather.getCache().getDefiningOp<AppendOp>() : nullptr;
  return append ? findProjection(append.getLatent(), Heads::None) : nullptr;
}

/// Return the projections of the layer, null where one is not found.
static std::array<std::pair<Matrix, ProjectOp>, 6> findProjections(AttentionOp attention) {
  ProjectOp query = findProjection(attention.getQNope(), Heads::To);
  return {{{Matrix::DownQuery, query ? findProjection(query.getX(), Heads::None) : nullptr},
           {Matrix::UpQuery, query},
           {Matrix::DownKeyValue, findDownKeyValue(findBehind<GatherOp>(attention.getKRope()))},
           {Matrix::UpKey, findProjection(attention.getKNope(), Heads::To)},
           {Matrix::UpValue, findProjection(attention.getV(), Heads::To)},
           {Matrix::Output, findOutput(attention.getResult())}}};
}

static void findFormats(AttentionOp attention, int64_t terms, LayerShape &shape) {
  for (auto [matrix, project] : findProjections(attention))
    shape.formats[unsigned(matrix)] = findFormat(project, terms);
}

static AdapterShape findAdapters(AttentionOp attention) {
  AdapterShape adapters;
  for (auto [matrix, project] : findProjections(attention))
    if (AdaptOp adapted = project ? findAdaptation(project) : nullptr) {
      adapters.count = adapted.getSizes().adapters;
      adapters.ranks[unsigned(matrix)] = adapted.getSizes().rank;
    }
  return adapters;
}

LayerShape mla::findLayerShape(AttentionOp attention, bool forKernels) {
  LayerShape shape;
  shape.heads = getSize(attention.getQNope(), 1);
  shape.nope = getWidth(attention.getQNope());
  shape.rope = getWidth(attention.getQRope());
  shape.value = getWidth(attention.getV());
  shape.window = attention.getMask().getWindow();
  for (Value upProjected : {attention.getKNope(), attention.getV()})
    if (ProjectOp up = findProjection(upProjected, Heads::To))
      shape.latent = getWidth(up.getX());
  if (ProjectOp query = findProjection(attention.getQNope(), Heads::To)) {
    shape.queryRank = getWidth(query.getX());
    ProjectOp down = findProjection(query.getX(), Heads::None);
    shape.hidden = down ? getWidth(down.getX()) : shape.queryRank;
  }
  if (ProjectOp output = findOutput(attention.getResult()))
    shape.hidden = getWidth(output.getResult());
  auto gather = findBehind<GatherOp>(attention.getKRope());
  Type element =
      gather ? gather.getCache().getType().getElementType() : getElementTypeOrSelf(attention.getKRope().getType());
  shape.elementBytes = llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  if (gather && gather.getCache().getType().isPacked())
    shape.packedRowBytes = gather.getCache().getType().getPackedRow().bytes;
  shape.adapters = findAdapters(attention);
  if (int64_t terms = findTokenTerms(attention->getParentOfType<ModuleOp>())) {
    if (forKernels)
      findFormats(attention, terms, shape);
    else
      shape.formats.fill({/*bytes=*/4, /*terms=*/0});
  }
  return shape;
}
