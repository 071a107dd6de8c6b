//===- RowKinds.cpp - The kinds of norm, rope, append and gather ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Appends.h"
#include "Gather.h"
#include "Kinds.h"
#include "Norms.h"
#include "Quantize.h"
#include "ReadKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Reading regions
//===----------------------------------------------------------------------===//

static Quantization quantizationOf(QuantizeOp op) {
  int64_t width = cast<RankedTensorType>(op.getX().getType()).getShape().back();
  return {width, static_cast<int64_t>(op.getGroup()), static_cast<int64_t>(op.getTerms())};
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
  bool takes(Operation *op) const override { return ScaledKind::takes(op) || findNormBesideInput(op); }
  bool fuses(Operation *producer, Operation *last) const override {
    return ScaledKind::fuses(producer, last) || isNormalizedSum(producer, last) ||
           (isa<RmsNormOp>(producer) && findNormBesideInput(last) == producer);
  }
  Value findComputed(Value yielded) const override {
    Operation *joined = beforeRounding(yielded).getDefiningOp();
    RmsNormOp norm = joined ? findNormBesideInput(joined) : RmsNormOp();
    return norm ? norm.getResult() : ScaledKind::findComputed(yielded);
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
  ArrayRef<ScheduleKey> getScheduleKeys() const override;
  Choices chooseSchedule(KernelOp kernel, const Purpose &purpose, const TargetInfo &) const override;
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

ArrayRef<ScheduleKey> QuantizeKind::getScheduleKeys() const {
  static constexpr ScheduleKey keys[] = {{"parts", 1, 8, 1}}; // of rows of memory, of a thread
  return keys;
}

/// Few tokens are over sooner with a part per thread; many are bound by what is in flight (docs/performance.md).
KernelKind::Choices QuantizeKind::chooseSchedule(KernelOp kernel, const Purpose &purpose, const TargetInfo &) const {
  constexpr int64_t fewTokens = 128;
  bool isOfNorm = findIn<RmsNormOp>(kernel) != nullptr;
  return isOfNorm || purpose.tokens <= fewTokens ? Choices() : Choices{{"parts", 4}};
}

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
  if (isa_and_present<tensor::ConcatOp>(beforeRounding(kernel.getYield()->getOperand(0)).getDefiningOp())) {
    constexpr int64_t bf16Bytes = 2;
    norm->shape.storesX = true;
    norm->resultWidth = 2 * norm->shape.width;
    results.push_back(results.front());
    results.back().offset = norm->shape.width * bf16Bytes;
  }
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
  QuantizeShape shape{hasHeads ? x->shape[1] : 1, quantizationOf(op), kernel.getSchedule()->find("parts").value_or(1)};
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
  Launch launch = launchOf(kernel, shape.name(), units.ceilDiv(quantizeThreads * shape.parts), quantizeThreads);
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

FailureOr<Launches> AppendKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  FailureOr<Append> append = readAppend(kernel);
  if (failed(append))
    return failure();
  return Launches{{launchOfAppend(kernel, module, *append)}, {}};
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
