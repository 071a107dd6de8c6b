//===- Appends.cpp - Appends and rotations in kernels' regions ------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Appends.h"
#include "Norms.h"
#include "ReadKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

PositionScale mla::gpu::scaleOf(PositionScaleOp op) {
  if (!op)
    return {};
  return {op.getBeta().convertToDouble(), static_cast<int64_t>(op.getOriginal())};
}

FailureOr<Buffer> mla::gpu::partOf(Value cache, Buffer::Part part) {
  FailureOr<Buffer> buffer = operandOf(cache);
  if (succeeded(buffer))
    buffer->part = part;
  return buffer;
}

/// Returns whether the value is a result of mla.positions, or null.
static bool isOfPositions(Value value, unsigned number) {
  return !value || (value.getDefiningOp<PositionsOp>() && cast<OpResult>(value).getResultNumber() == number);
}

LogicalResult mla::gpu::addPositions(KernelOp kernel, std::initializer_list<Value> positions,
                                     std::vector<Argument> &arguments, Value sequence) {
  auto op = findIn<PositionsOp>(kernel);
  if (!op || !isOfPositions(sequence, 1) ||
      !llvm::all_of(positions, [](Value value) { return isOfPositions(value, 0); }))
    return kernel.emitOpError("needs positions of tokens, and no mla.positions is in it that gives them");
  FailureOr<Buffer> cu = operandOf(op.getCu()), lengths = partOf(op.getCache(), Buffer::Lengths);
  if (failed(cu) || failed(lengths))
    return failure();
  arguments.push_back(*cu);
  arguments.push_back(*lengths);
  arguments.push_back(size(kernel, Size::Batch));
  return success();
}

//===----------------------------------------------------------------------===//
// Rotations
//===----------------------------------------------------------------------===//

static RotationDims rotationOf(RopeOp op) {
  RotationDims dims;
  if (!op || op.getFrequencies().empty())
    return dims;
  dims.interleaved = op.getStyle() == RopeStyle::Interleaved;
  dims.frequencies.assign(op.getFrequencies().begin(), op.getFrequencies().end());
  dims.scale = op.getScale().convertToFloat();
  return dims;
}

/// Returns the view of a value, looking through a cast in the region.
static FailureOr<View> sourceOf(Value value) {
  if (auto cast = value.getDefiningOp<arith::ExtFOp>())
    value = cast.getIn();
  return viewOf(value);
}

RopeOp mla::gpu::rotationOfHeads(Operation *op) {
  if (auto scale = dyn_cast<PositionScaleOp>(op))
    op = scale.getX().getDefiningOp();
  auto rope = dyn_cast_or_null<RopeOp>(op);
  bool rotates = rope && cast<RankedTensorType>(rope.getType()).getRank() == 3 && !rope.getFrequencies().empty();
  return rotates ? rope : RopeOp();
}

AffineExpr Queries::blocksOfToken(KernelOp kernel) const {
  return number(kernel, llvm::divideCeil(shape.heads, shape.headsOfBlock()));
}

void Queries::addArguments(KernelOp kernel, unsigned result, std::vector<Argument> &arguments) const {
  int64_t width = shape.rotation.width();
  for (const Buffer &buffer : {x.buffer, Buffer{Buffer::Result, result}})
    arguments.push_back(buffer);
  for (AffineExpr stride : {x.strides[0], x.strides[1], number(kernel, shape.heads * width), number(kernel, width)})
    arguments.push_back(stride);
}

FailureOr<Queries> mla::gpu::queriesOf(KernelOp kernel, RopeOp op, PositionScaleOp scale) {
  FailureOr<View> x = sourceOf(op.getX());
  if (failed(x))
    return failure();
  if (x->shape.size() != 3)
    return kernel.emitOpError("expected a rank-3 operand to rotate, got rank ")
           << x->shape.size() << "; compile with --target=cpu";
  RopeShape shape;
  shape.heads = x->shape[1];
  shape.rotation = rotationOf(op);
  shape.scale = scaleOf(scale);
  shape.passes = kernel.getSchedule()->find("passes").value_or(shape.passes);
  if (failed(checkWidth(kernel, shape.rotation.width())))
    return failure();
  return Queries{shape, *x};
}

/// Finds the result that is a rotation of queries.
static std::optional<unsigned> findRotated(KernelOp kernel) {
  for (auto [i, value] : llvm::enumerate(kernel.getYield()->getOperands()))
    if (Operation *op = beforeRounding(value).getDefiningOp(); op && rotationOfHeads(op))
      return i;
  return std::nullopt;
}

/// Returns the rotation of queries that an append also stores, in the result `rotated`.
static FailureOr<Queries> queriesIn(KernelOp kernel, unsigned rotated) {
  Operation *op = beforeRounding(kernel.getYield()->getOperand(rotated)).getDefiningOp();
  return queriesOf(kernel, rotationOfHeads(op), dyn_cast<PositionScaleOp>(op));
}

//===----------------------------------------------------------------------===//
// Appends
//===----------------------------------------------------------------------===//

FailureOr<Append> mla::gpu::readAppend(KernelOp kernel) {
  auto append = findIn<AppendOp>(kernel);
  auto norm = findIn<RmsNormOp>(kernel);
  auto rope = append.getKRope() ? append.getKRope().getDefiningOp<RopeOp>() : RopeOp();
  if (!norm || append.getLatent() != norm.getResult())
    return kernel.emitOpError("appends what is not normalised and rotated in it; compile with --target=cpu");
  auto cache = cast<CacheType>(append.getCache().getType());
  AppendShape shape;
  shape.latent = cache.getLatent();
  shape.page = cache.getPage();
  shape.format = cache.getFormat();
  shape.epsilon = norm.getEpsilon().convertToDouble();
  shape.rotation = rotationOf(rope);
  shape.input = elementOf(norm.getX());
  bool hasKeys = cache.getRope() > 0;
  if (shape.rotation.width() != cache.getRope())
    return kernel.emitOpError("does not rotate the keys that it appends; compile with --target=cpu");
  FailureOr<View> latents = viewOf(norm.getX(), Elements::Float),
                  keys = hasKeys ? viewOf(rope.getX(), Elements::Float) : latents;
  if (hasKeys && elementOf(rope.getX()) != shape.input)
    return kernel.emitOpError("appends latents and keys of two element types; compile with --target=cpu");
  FailureOr<Buffer> gamma = gammaOf(norm), pages = partOf(append.getCache(), Buffer::Pages),
                    table = partOf(append.getCache(), Buffer::BlockTable);
  if (failed(latents) || failed(keys) || failed(gamma) || failed(pages) || failed(table) ||
      failed(checkWidth(kernel, shape.latent)) || failed(checkWidth(kernel, shape.rotation.width())))
    return failure();
  Append result;
  std::vector<Argument> &arguments = result.arguments;
  arguments.push_back(latents->buffer);
  if (hasKeys)
    arguments.push_back(keys->buffer);
  for (const Buffer &buffer : {*gamma, *pages, *table})
    arguments.push_back(buffer);
  arguments.push_back(latents->rows);
  arguments.push_back(latents->strides[0]);
  if (hasKeys)
    arguments.push_back(keys->strides[0]);
  arguments.push_back(size(kernel, Size::TableWidth));
  arguments.push_back(size(kernel, Size::Pages));
  Value rotated = rope ? rope.getPosition() : Value();
  if (failed(addPositions(kernel, {append.getPosition(), rotated}, arguments, append.getSequence())))
    return failure();
  result.grid[0] = latents->rows.ceilDiv(appendTokens);
  result.grid[1] = number(kernel, 1);
  if (std::optional<unsigned> rotated = findRotated(kernel)) {
    FailureOr<Queries> queries = queriesIn(kernel, *rotated);
    if (failed(queries))
      return failure();
    queries->addArguments(kernel, *rotated, arguments);
    result.grid[0] = latents->rows;
    result.grid[1] = queries->blocksOfToken(kernel) + 1;
    shape.queries = queries->shape;
  }
  result.shape = shape;
  return result;
}

Launch mla::gpu::launchOfAppend(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Append &append) {
  emitAppend(module, append.shape);
  Launch launch = launchOf(kernel, append.shape.name(), append.grid[0], appendThreads);
  launch.grid[1] = append.grid[1];
  launch.arguments = append.arguments;
  return launch;
}
