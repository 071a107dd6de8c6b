//===- RowKinds.cpp - The kinds of norm, rope, append and gather ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Append.h"
#include "Gather.h"
#include "Kinds.h"
#include "Normalize.h"
#include "Quantize.h"
#include "ReadKernel.h"
#include "Rope.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Reading regions
//===----------------------------------------------------------------------===//

static PositionScale scaleOf(PositionScaleOp op) {
  if (!op)
    return {};
  return {op.getBeta().convertToDouble(), static_cast<int64_t>(op.getOriginal())};
}

static Quantization quantizationOf(QuantizeOp op) {
  int64_t width = cast<RankedTensorType>(op.getX().getType()).getShape().back();
  return {width, static_cast<int64_t>(op.getGroup()), static_cast<int64_t>(op.getTerms())};
}

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

static FailureOr<Buffer> gammaOf(RmsNormOp op) {
  if (!getElementTypeOrSelf(op.getGamma()).isF32())
    return op.emitOpError("expected a gamma of f32, got ") << getElementTypeOrSelf(op.getGamma());
  return operandOf(op.getGamma());
}

static FailureOr<Buffer> partOf(Value cache, Buffer::Part part) {
  FailureOr<Buffer> buffer = operandOf(cache);
  if (succeeded(buffer))
    buffer->part = part;
  return buffer;
}

/// Returns whether the value is a result of mla.positions, or null.
static bool isOfPositions(Value value, unsigned number) {
  return !value || (value.getDefiningOp<PositionsOp>() && cast<OpResult>(value).getResultNumber() == number);
}

/// Adds cu_seqlens, lengths, batch: the arguments of Positions.
static LogicalResult addPositions(KernelOp kernel, std::initializer_list<Value> positions,
                                  std::vector<Argument> &arguments, Value sequence = {}) {
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

static Value positionOf(PositionScaleOp op) { return op ? op.getPosition() : Value(); }

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

/// Returns whether a norm or a rotation is computed in the kernel of the scale that follows it.
template <typename Op> static bool isScaled(Operation *last) {
  auto scale = dyn_cast<PositionScaleOp>(last);
  return scale && scale.getX().getDefiningOp<Op>() && scale.getX().hasOneUse();
}

/// Returns the value before the scale of positions and the rounding that follows it.
static Value beforeScaling(Value value) {
  if (auto rounded = value.getDefiningOp<arith::TruncFOp>())
    value = rounded.getIn();
  if (auto scaled = value.getDefiningOp<PositionScaleOp>())
    value = scaled.getX();
  return value;
}

namespace {
/// `Op`, optionally with a scale.
template <typename Op> class ScaledKind : public KernelKind {
public:
  explicit ScaledKind(StringRef name) : KernelKind(name, Op::getOperationName()) {}
  bool takes(Operation *op) const override { return isa<Op>(op) || isScaled<Op>(op); }
  bool fuses(Operation *producer, Operation *last) const override { return isa<Op>(producer) && isScaled<Op>(last); }
  Value findComputed(Value yielded) const override { return beforeScaling(yielded); }
};

class NormalizeKind : public ScaledKind<RmsNormOp> {
public:
  NormalizeKind() : ScaledKind("normalize") {}
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

/// Quantizes rows of memory, or the result of a norm.
class QuantizeKind : public KernelKind {
public:
  QuantizeKind() : KernelKind("quantize", QuantizeOp::getOperationName()) {}
  bool fuses(Operation *producer, Operation *last) const override {
    return isa<RmsNormOp>(producer) && isa<QuantizeOp>(last) && last->getOperand(0).getDefiningOp() == producer;
  }
  bool stores(Type element, unsigned result) const override {
    return result == 0 ? isa<Float8E4M3FNType>(element) : element.isF32();
  }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

class RopeKind : public ScaledKind<RopeOp> {
public:
  RopeKind() : ScaledKind("rope") {}
  ArrayRef<ScheduleKey> getScheduleKeys() const override;
  Choices chooseSchedule(KernelOp, const Purpose &, const TargetInfo &) const override { return {{"passes", 2}}; }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

class AppendKind : public KernelKind {
public:
  AppendKind() : KernelKind("append", AppendOp::getOperationName()) {}
  bool fuses(Operation *producer, Operation *last) const override {
    return isa<RmsNormOp, RopeOp>(producer) && isa<AppendOp>(last);
  }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

class GatherKind : public KernelKind {
public:
  GatherKind() : KernelKind("gather", GatherOp::getOperationName()) {}
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createNormalizeKind() { return std::make_unique<NormalizeKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createQuantizeKind() { return std::make_unique<QuantizeKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createRopeKind() { return std::make_unique<RopeKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createAppendKind() { return std::make_unique<AppendKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createGatherKind() { return std::make_unique<GatherKind>(); }

ArrayRef<ScheduleKey> RopeKind::getScheduleKeys() const {
  // Heads per thread: with few tokens only heads provide work.
  static constexpr ScheduleKey keys[] = {{"passes", 1, 64}};
  return keys;
}

//===----------------------------------------------------------------------===//
// Generators
//===----------------------------------------------------------------------===//

/// Returns the launch of a norm, whose result is quantized if `quantize` is not null.
static FailureOr<Launches> generateNorm(KernelOp kernel, mlir::gpu::GPUModuleOp module, QuantizeOp quantize) {
  auto op = findIn<RmsNormOp>(kernel);
  FailureOr<View> x = viewOf(op.getX(), Elements::Float);
  FailureOr<Buffer> gamma = gammaOf(op);
  if (failed(x) || failed(gamma))
    return failure();
  if (x->shape.size() != 2)
    return kernel.emitOpError("expected a rank-2 operand to normalize, got rank ")
           << x->shape.size() << "; compile with --target=cpu";
  NormalizeShape shape;
  shape.width = x->shape.back();
  shape.epsilon = op.getEpsilon().convertToDouble();
  shape.input = elementOf(op.getX());
  if (quantize)
    shape.quantized = quantizationOf(quantize);
  auto scale = findIn<PositionScaleOp>(kernel);
  shape.scale = scaleOf(scale);
  if (failed(checkWidth(kernel, shape.width)))
    return failure();
  emitNormalize(module, shape);
  Launch launch =
      launchOf(kernel, shape.name(), (x->rows * shape.warpsOfRow()).ceilDiv(normalizeWarps), normalizeThreads);
  launch.sharedBytes = shape.sharedBytes();
  launch.arguments = {x->buffer, *gamma, Buffer{Buffer::Result, 0}};
  if (quantize)
    launch.arguments.push_back(Buffer{Buffer::Result, 1});
  for (AffineExpr size : {x->rows, x->strides[0], number(kernel, shape.width)})
    launch.arguments.push_back(size);
  if (shape.scale.beta != 0 && failed(addPositions(kernel, {positionOf(scale)}, launch.arguments)))
    return failure();
  return Launches{{launch}, {}};
}

FailureOr<Launches> NormalizeKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  return generateNorm(kernel, module, /*quantize=*/nullptr);
}

FailureOr<Launches> QuantizeKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<QuantizeOp>(kernel);
  if (!llvm::is_contained({32, 64, 128}, static_cast<int64_t>(op.getGroup())))
    return kernel.emitOpError("expected groups of 32, 64 or 128 columns, got ") << op.getGroup();
  if (op.getX().getDefiningOp<RmsNormOp>())
    return generateNorm(kernel, module, op);
  FailureOr<View> x = viewOf(op.getX());
  if (failed(x))
    return failure();
  bool hasHeads = x->shape.size() == 3;
  if (!hasHeads && x->shape.size() != 2)
    return kernel.emitOpError("expected an operand of rank 2 or 3 to quantize, got rank ") << x->shape.size();
  QuantizeShape shape{hasHeads ? x->shape[1] : 1, quantizationOf(op)};
  AffineExpr rows = x->rows, stride = x->strides[0];
  if (hasHeads && op.getTermDim() == 2) { // rows with their terms, one after the other
    if (stride != x->strides[1] * shape.heads)
      return kernel.emitOpError("quantizes rows of a slice to terms side by side; the kernel needs them one after the "
                                "other");
    rows = rows * shape.heads, stride = x->strides[1], shape.heads = 1;
  }
  if (failed(checkWidth(kernel, shape.row.width)))
    return failure();
  emitQuantize(module, shape);
  AffineExpr units = rows * (shape.heads * shape.threadsOfRow());
  Launch launch = launchOf(kernel, shape.name(), units.ceilDiv(quantizeThreads), quantizeThreads);
  launch.arguments = {x->buffer,
                      Buffer{Buffer::Result, 0},
                      Buffer{Buffer::Result, 1},
                      rows,
                      stride,
                      hasHeads ? x->strides[1] : number(kernel, shape.row.width)};
  return Launches{{launch}, {}};
}

FailureOr<Launches> RopeKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<RopeOp>(kernel);
  FailureOr<View> x = sourceOf(op.getX());
  if (failed(x))
    return failure();
  if (x->shape.size() != 3)
    return kernel.emitOpError("expected a rank-3 operand to rotate, got rank ")
           << x->shape.size() << "; compile with --target=cpu";
  RopeShape shape;
  shape.heads = x->shape[1];
  shape.rotation = rotationOf(op);
  auto scale = findIn<PositionScaleOp>(kernel);
  shape.scale = scaleOf(scale);
  shape.passes = kernel.getSchedule()->get("passes");
  if (failed(checkWidth(kernel, shape.rotation.width())))
    return failure();
  Launches launches;
  if (shape.rotation.frequencies.empty()) // nothing to rotate
    return launches;
  emitRope(module, shape);
  Launch launch = launchOf(kernel, shape.name(), x->rows, ropeThreads);
  launch.grid[1] = number(kernel, llvm::divideCeil(shape.heads, shape.headsOfBlock()));
  launch.arguments = {x->buffer,
                      Buffer{Buffer::Result, 0},
                      x->strides[0],
                      x->strides[1],
                      number(kernel, shape.heads * shape.rotation.width()),
                      number(kernel, shape.rotation.width())};
  if (failed(addPositions(kernel, {op.getPosition(), positionOf(scale)}, launch.arguments)))
    return failure();
  launches.launches.push_back(launch);
  return launches;
}

FailureOr<Launches> AppendKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto append = findIn<AppendOp>(kernel);
  auto norm = findIn<RmsNormOp>(kernel);
  auto rope = findIn<RopeOp>(kernel);
  if (!norm || append.getLatent() != norm.getResult() || (rope && append.getKRope() != rope.getResult()))
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
  emitAppend(module, shape);
  Launch launch = launchOf(kernel, shape.name(), latents->rows.ceilDiv(appendTokens), appendThreads);
  std::vector<Argument> &arguments = launch.arguments;
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
  return Launches{{launch}, {}};
}

FailureOr<Launches> GatherKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<GatherOp>(kernel);
  auto cache = cast<CacheType>(op.getCache().getType());
  GatherShape shape{cache.getLatent(), cache.getRope(), cache.getPage(), cache.getFormat()};
  if (failed(checkWidth(kernel, shape.latent)) || failed(checkWidth(kernel, shape.rope)))
    return failure();
  FailureOr<Buffer> pages = partOf(op.getCache(), Buffer::Pages), table = partOf(op.getCache(), Buffer::BlockTable),
                    lengths = partOf(op.getCache(), Buffer::Lengths);
  if (failed(pages) || failed(table) || failed(lengths))
    return failure();
  emitGather(module, shape);
  // At least one CTA per sequence, even without tokens: it writes the first keys.
  AffineExpr blocks = (size(kernel, Size::MaxLength) + 1).ceilDiv(gatherTokens);
  Launch launch = launchOf(kernel, shape.name(), blocks, gatherThreads);
  launch.grid[1] = size(kernel, Size::Batch);
  launch.arguments = {*pages, *table, *lengths, Buffer{Buffer::Result, 0}};
  if (shape.rope)
    launch.arguments.push_back(Buffer{Buffer::Result, 1});
  launch.arguments.push_back(Buffer{Buffer::Result, 2});
  for (Size which : {Size::Batch, Size::TableWidth, Size::Pages, Size::Cached})
    launch.arguments.push_back(size(kernel, which));
  return Launches{{launch}, {}};
}
