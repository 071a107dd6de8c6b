//===- ProjectionKind.cpp - The kind of projections -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"
#include "Projection.h"

#include "mla/Conversion/MLAToGPU/Views.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

static constexpr int64_t bf16Bytes = 2;

/// Returns the product as `heads` products of [T, contracted] with [rows, contracted].
static ProjectionDims dimsOf(ProjectOp op) {
  ArrayRef<int64_t> result = cast<RankedTensorType>(op.getResult().getType()).getShape();
  ProjectionDims dims;
  dims.heads = op.getHeads() == Heads::Per ? result[1] : 1;
  dims.rows = op.getHeads() == Heads::To ? result[1] * result[2] : result.back();
  dims.contracted = op.getContractedSize();
  return dims;
}

static ProjectionChoices choicesOf(ScheduleAttr schedule) {
  ProjectionChoices choices;
  choices.tileRows = schedule.get("rows");
  choices.tileTokens = schedule.get("tokens");
  choices.stages = schedule.get("stages");
  choices.splits = schedule.get("splits");
  choices.blocks = schedule.get("blocks");
  choices.streamed = schedule.get("streamed") != 0;
  return choices;
}

static FailureOr<ProjectionShape> shapeOf(KernelOp kernel, ProjectOp op) {
  ProjectionShape shape;
  shape.dims = dimsOf(op);
  shape.floatResult = getElementTypeOrSelf(kernel.getYield()->getOperand(0).getType()).isF32();
  shape.choices = choicesOf(*kernel.getSchedule());
  auto weight = cast<RankedTensorType>(op.getWeight().getType());
  if (!weight.getElementType().isBF16() || !weight.hasStaticShape())
    return kernel.emitOpError("expected a weight of bf16 with static sizes, got ") << weight;
  if (op.getPanels())
    return kernel.emitOpError("has a weight in panels, which is the CPU's layout; compile without mla-layout");
  if (shape.dims.rows % 8 != 0 || shape.dims.contracted % 8 != 0)
    return kernel.emitOpError() << "multiplies by " << shape.dims.rows << " x " << shape.dims.contracted
                                << "; the copy engine needs multiples of 8; compile with --target=cpu";
  if (!shape.choices.areValidFor(shape.dims))
    return kernel.emitOpError(
        "has a schedule that no kernel can follow: rows is 64 or 128, tokens 16 or a multiple of "
        "32 up to 256, no part of k may be empty, and stages must fit into 227 KB of shared memory");
  return shape;
}

/// Returns the map [k, tokens, heads] of x: heads that are summed must be contiguous.
static FailureOr<TensorMap> mapOfTokens(ProjectOp op, const ProjectionShape &shape, const View &x) {
  MLIRContext *context = op.getContext();
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, context); };
  int64_t width = x.shape.back();
  if (op.getHeads() == Heads::From && x.strides[1] != number(width))
    return op.emitOpError("sums over the heads of a slice; the kernel needs heads side by side");
  AffineExpr headStride = op.getHeads() == Heads::Per ? x.strides[1] : x.strides[0];
  return TensorMap{x.buffer,
                   {number(shape.dims.contracted), x.rows, number(shape.dims.heads)},
                   {x.strides[0] * bf16Bytes, headStride * bf16Bytes},
                   shape.tokenBox()};
}

static TensorMap mapOfWeights(const Buffer &buffer, const ProjectionShape &shape, MLIRContext *context) {
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, context); };
  const ProjectionDims &d = shape.dims;
  return {buffer,
          {number(d.contracted), number(d.rows), number(d.heads)},
          {number(bf16Bytes * d.contracted), number(bf16Bytes * d.contracted * d.rows)},
          shape.weightBox()};
}

/// Results are contiguous.
static Argument resultOf(const ProjectionShape &shape, AffineExpr tokens) {
  Buffer buffer{Buffer::Result, 0};
  if (shape.choices.splits > 1)
    return Buffer{Buffer::Workspace, 0};
  if (shape.floatResult)
    return buffer;
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, tokens.getContext()); };
  const ProjectionDims &d = shape.dims;
  return TensorMap{buffer,
                   {number(d.rows), tokens, number(d.heads)},
                   {number(bf16Bytes * d.rows * d.heads), number(bf16Bytes * d.rows)},
                   shape.resultBox()};
}

static Launch launchOfSum(const ProjectionShape &shape, AffineExpr tokens) {
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, tokens.getContext()); };
  const ProjectionDims &d = shape.dims;
  Launch launch;
  launch.kernel = shape.sumName();
  launch.grid[0] = (tokens * (d.heads * d.rows)).ceilDiv(projectionSumThreads * projectionSumWidth);
  launch.grid[1] = launch.grid[2] = number(1);
  launch.threads = projectionSumThreads;
  launch.arguments = {Buffer{Buffer::Workspace, 0}, Buffer{Buffer::Result, 0}, tokens, number(d.heads * d.rows),
                      number(d.rows)};
  return launch;
}

/// Returns the number of CTAs: as many as run concurrently, and none without tokens. They take tiles in turn.
static AffineExpr blocksOf(const ProjectionShape &shape, AffineExpr tokens) {
  constexpr int64_t manyTokens = int64_t(1) << 30;
  return expressionOf(Size::Processors, tokens.getContext()) * shape.choices.blocks * tokens.ceilDiv(manyTokens);
}

namespace {
class ProjectionKind : public KernelKind {
public:
  ProjectionKind() : KernelKind("projection", ProjectOp::getOperationName()) {}
  LogicalResult checkOperation(Operation *op) const override;
  bool stores(Type element, unsigned) const override { return element.isBF16() || element.isF32(); }
  ArrayRef<ScheduleKey> getScheduleKeys() const override;
  Choices chooseSchedule(KernelOp kernel, const Purpose &purpose, const TargetInfo &target) const override;
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createProjectionKind() { return std::make_unique<ProjectionKind>(); }

LogicalResult ProjectionKind::checkOperation(Operation *op) const {
  Type element = getElementTypeOrSelf(cast<ProjectOp>(op).getWeight().getType());
  if (element.isBF16())
    return KernelKind::checkOperation(op);
  return op->emitOpError("expected a weight of bf16, got ")
         << element << "; compile with --dtype=bf16, or with --target=cpu";
}

ArrayRef<ScheduleKey> ProjectionKind::getScheduleKeys() const {
  static constexpr ScheduleKey keys[] = {
      {"tokens", 16, 256}, // of a tile
      {"rows", 64, 128},   // of the weight, of a tile
      {"stages", 1, 64},   // steps of 64 columns in flight
      {"splits", 1, 1024}, // parts of the columns
      {"blocks", 1, 16},   // CTAs per SM
      {"streamed", 0, 1},  // weights leave L2 to the tokens
  };
  return keys;
}

KernelKind::Choices ProjectionKind::chooseSchedule(KernelOp kernel, const Purpose &purpose,
                                                   const TargetInfo &target) const {
  ProjectOp op = *kernel.getBody().getOps<ProjectOp>().begin();
  ProjectionChoices best = chooseProjection(dimsOf(op), purpose.tokens, target.multiprocessors);
  return {{"tokens", best.tileTokens}, {"rows", best.tileRows}, {"stages", best.stages},
          {"splits", best.splits},     {"blocks", best.blocks}, {"streamed", best.streamed}};
}

FailureOr<Launches> ProjectionKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = *kernel.getBody().getOps<ProjectOp>().begin();
  FailureOr<ProjectionShape> shape = shapeOf(kernel, op);
  FailureOr<View> x = viewOf(op.getX());
  FailureOr<Buffer> weight = operandOf(op.getWeight());
  if (failed(shape) || failed(x) || failed(weight))
    return failure();
  FailureOr<TensorMap> tokens = mapOfTokens(op, *shape, *x);
  if (failed(tokens))
    return failure();
  emitProjection(module, *shape);
  MLIRContext *context = kernel.getContext();
  Launch product;
  product.kernel = shape->name();
  product.grid[0] = blocksOf(*shape, x->rows);
  product.grid[1] = product.grid[2] = getAffineConstantExpr(1, context);
  product.threads = shape->threads();
  product.sharedBytes = shape->choices.sharedBytes();
  product.arguments = {mapOfWeights(*weight, *shape, context), *tokens, resultOf(*shape, x->rows), x->rows};
  Launches launches;
  launches.launches.push_back(product);
  if (shape->choices.splits > 1) {
    emitProjectionSum(module, *shape);
    launches.launches.push_back(launchOfSum(*shape, x->rows));
    launches.workspace.push_back(x->rows * shape->partialBytesPerToken());
  }
  return launches;
}
