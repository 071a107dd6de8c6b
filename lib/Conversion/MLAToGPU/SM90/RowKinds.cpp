//===- RowKinds.cpp - The kinds of norm, rope, append and gather ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Append.h"
#include "Gather.h"
#include "Kinds.h"
#include "Norms.h"
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

/// Returns the rotation of queries that the operation is, or scales by position; null if there is none.
static RopeOp rotationOfHeads(Operation *op) {
  if (auto scale = dyn_cast<PositionScaleOp>(op))
    op = scale.getX().getDefiningOp();
  auto rope = dyn_cast_or_null<RopeOp>(op);
  bool rotates = rope && cast<RankedTensorType>(rope.getType()).getRank() == 3 && !rope.getFrequencies().empty();
  return rotates ? rope : RopeOp();
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
  bool fuses(Operation *producer, Operation *last) const override {
    return ScaledKind::fuses(producer, last) || isNormalizedSum(producer, last);
  }
  bool alsoStores(Operation *op, Operation *last) const override { return isNormalizedSum(op, last); }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

/// Quantizes rows of memory, or the result of a norm.
class QuantizeKind : public KernelKind {
public:
  QuantizeKind() : KernelKind("quantize", QuantizeOp::getOperationName()) {}
  bool fuses(Operation *producer, Operation *last) const override {
    return isa<RmsNormOp>(producer) && isa<QuantizeOp>(last) && last->getOperand(0).getDefiningOp() == producer;
  }
  bool alsoStores(Operation *op, Operation *last) const override {
    auto quantize = dyn_cast<QuantizeOp>(last);
    auto norm = quantize ? quantize.getX().getDefiningOp<RmsNormOp>() : RmsNormOp();
    return norm && norm->hasOneUse() && isNormalizedSum(op, norm);
  }
  Value findComputed(Value yielded) const override { return beforeRounding(yielded); }
  bool stores(Type element, unsigned result) const override {
    return result == 0 ? isa<Float8E4M3FNType>(element) : result == 1 ? element.isF32() : element.isBF16();
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
  /// Queries are rotated to the same positions.
  bool alsoStores(Operation *op, Operation *last) const override {
    auto append = dyn_cast<AppendOp>(last);
    RopeOp queries = rotationOfHeads(op);
    return append && queries && queries.getPosition() == append.getPosition();
  }
  Value findComputed(Value yielded) const override { return beforeRounding(yielded); }
  ArrayRef<ScheduleKey> getScheduleKeys() const override;
  Choices chooseSchedule(KernelOp kernel, const Purpose &, const TargetInfo &) const override;
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

ArrayRef<ScheduleKey> AppendKind::getScheduleKeys() const {
  static constexpr ScheduleKey keys[] = {{"passes", 1, 64, 2}}; // of queries, if it rotates them
  return keys;
}

KernelKind::Choices AppendKind::chooseSchedule(KernelOp kernel, const Purpose &, const TargetInfo &) const {
  return kernel.getNumResults() > 1 ? Choices{{"passes", 2}} : Choices();
}

//===----------------------------------------------------------------------===//
// Generators
//===----------------------------------------------------------------------===//

/// Returns the launch of a norm, whose result is quantized if `quantize` is not null.
static FailureOr<Launches> generateNorm(KernelOp kernel, mlir::gpu::GPUModuleOp module, QuantizeOp quantize) {
  FailureOr<Norm> norm = readNorm(kernel, findIn<RmsNormOp>(kernel));
  if (failed(norm))
    return failure();
  if (quantize)
    norm->shape.quantized = quantizationOf(quantize);
  norm->shape.storesX = kernel.getNumResults() > (quantize ? 2 : 1);
  auto scale = findIn<PositionScaleOp>(kernel);
  norm->shape.scale = scaleOf(scale);
  SmallVector<Buffer> results;
  for (unsigned i = 0; i < kernel.getNumResults(); ++i)
    results.push_back({Buffer::Result, i});
  Launch launch = launchOfNorm(kernel, module, *norm, results);
  if (norm->shape.scale.beta != 0 && failed(addPositions(kernel, {positionOf(scale)}, launch.arguments)))
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

namespace {
/// The rotation of queries in a kernel's region.
struct Queries {
  RopeShape shape;
  View x;

  AffineExpr blocksOfToken(KernelOp kernel) const {
    return number(kernel, llvm::divideCeil(shape.heads, shape.headsOfBlock()));
  }
  /// Adds the arguments of RopeArguments; rotated queries are the kernel's `result`-th result.
  void addArguments(KernelOp kernel, unsigned result, std::vector<Argument> &arguments) const {
    int64_t width = shape.rotation.width();
    for (const Buffer &buffer : {x.buffer, Buffer{Buffer::Result, result}})
      arguments.push_back(buffer);
    for (AffineExpr stride : {x.strides[0], x.strides[1], number(kernel, shape.heads * width), number(kernel, width)})
      arguments.push_back(stride);
  }
};
} // namespace

static FailureOr<Queries> queriesOf(KernelOp kernel, RopeOp op, PositionScaleOp scale) {
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

FailureOr<Launches> RopeKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<RopeOp>(kernel);
  auto scale = findIn<PositionScaleOp>(kernel);
  FailureOr<Queries> queries = queriesOf(kernel, op, scale);
  if (failed(queries))
    return failure();
  Launches launches;
  if (queries->shape.rotation.frequencies.empty()) // nothing to rotate
    return launches;
  emitRope(module, queries->shape);
  Launch launch = launchOf(kernel, queries->shape.name(), queries->x.rows, ropeThreads);
  launch.grid[1] = queries->blocksOfToken(kernel);
  queries->addArguments(kernel, 0, launch.arguments);
  if (failed(addPositions(kernel, {op.getPosition(), positionOf(scale)}, launch.arguments)))
    return failure();
  launches.launches.push_back(launch);
  return launches;
}

/// Returns the rotation of queries that an append also stores, if it does.
static FailureOr<std::optional<Queries>> queriesIn(KernelOp kernel) {
  if (kernel.getNumResults() == 1)
    return std::optional<Queries>();
  Operation *op = beforeRounding(kernel.getYield()->getOperand(1)).getDefiningOp(); // as verified
  FailureOr<Queries> queries = queriesOf(kernel, rotationOfHeads(op), dyn_cast<PositionScaleOp>(op));
  if (failed(queries))
    return failure();
  return std::optional<Queries>(*queries);
}

FailureOr<Launches> AppendKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
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
  FailureOr<std::optional<Queries>> queries = queriesIn(kernel);
  if (failed(queries))
    return failure();
  if (*queries)
    shape.queries = (*queries)->shape;
  emitAppend(module, shape);
  Launch launch = launchOf(kernel, shape.name(), latents->rows.ceilDiv(appendTokens), appendThreads);
  if (*queries) {
    launch.grid[0] = latents->rows;
    launch.grid[1] = (*queries)->blocksOfToken(kernel) + 1;
  }
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
  if (*queries)
    (*queries)->addArguments(kernel, 1, arguments);
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
