//===- NaiveAttentionKind.cpp - The kind of naive attention ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"
#include "NaiveAttention.h"

#include "mla/Conversion/MLAToGPU/Views.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

static constexpr int64_t bf16Bytes = 2;
/// Maximum elements of a key, and of a value.
static constexpr int64_t maxWidth = 256;

/// TMA copies columns in boxes: both parts of a key are padded to whole ones.
static bool fits(const AttentionWidths &widths) {
  int64_t boxes = llvm::divideCeil(widths.key, tileColumns) + llvm::divideCeil(widths.rope, tileColumns);
  return boxes * tileColumns <= maxWidth && widths.value <= maxWidth;
}

static int64_t widthOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape().back(); }
static bool isPerHead(Value value) { return cast<RankedTensorType>(value.getType()).getRank() == 3; }

/// Suggests a plan without an attention of these widths. Keys or values shared by all heads come from an absorbed side,
/// which is narrower in the naive form; per-head ones are the same there.
static std::string otherPlan(KernelOp kernel, const NaiveAttentionShape &shape) {
  auto phase = kernel->getParentOp()->getAttrOfType<PhaseAttr>(kPhaseAttr);
  bool naiveMayFit = fits(
      {shape.keysPerHead ? shape.nope : 0, shape.keysPerHead ? shape.rope : 0, shape.valuesPerHead ? shape.value : 0});
  StringRef form = naiveMayFit ? "naive" : "absorb";
  return ("--plan=" + stringifyPhase(phase ? phase.getValue() : Phase::Prefill) + "=" + form).str();
}

/// Checks that TMA and the tensor cores support the widths.
static LogicalResult checkWidths(KernelOp kernel, const NaiveAttentionShape &shape) {
  if (shape.nope % 16 != 0 || shape.rope % 16 != 0 || shape.value % 16 != 0 || shape.nope == 0 || shape.value == 0)
    return kernel.emitOpError() << "attends with widths " << shape.nope << ", " << shape.rope << " and " << shape.value
                                << "; the tensor cores need multiples of 16; compile with --target=cpu";
  if (!fits({shape.nope, shape.rope, shape.value}))
    return kernel.emitOpError() << "attends over keys of " << shape.nope + shape.rope << " and values of "
                                << shape.value << " elements; the kernel has room for " << maxWidth
                                << " of each; compile with " << otherPlan(kernel, shape) << " or --target=cpu";
  return success();
}

static FailureOr<NaiveAttentionShape> shapeOf(KernelOp kernel, AttentionOp op) {
  NaiveAttentionShape shape;
  shape.nope = widthOf(op.getQNope());
  shape.rope = widthOf(op.getQRope());
  shape.value = widthOf(op.getV());
  shape.keysPerHead = isPerHead(op.getKNope());
  shape.valuesPerHead = isPerHead(op.getV());
  shape.lse = static_cast<bool>(op.getLse());
  shape.scores = ScoreShape::of(op);
  if (failed(checkWidths(kernel, shape)))
    return failure();
  ScheduleAttr schedule = *kernel.getSchedule();
  int64_t most = naiveAttentionTileKeys(shape.nope, shape.rope, shape.value);
  shape.tileKeys = schedule.get("keys") ? schedule.get("keys") : most;
  shape.turns = schedule.get("turns") != 0;
  shape.minGroupHeads = schedule.get("heads");
  if (shape.tileKeys % 16 != 0 || shape.tileKeys > most)
    return kernel.emitOpError() << "expected 'keys' of the schedule to be a multiple of 16 up to " << most
                                << ", or 0 for that, got " << shape.tileKeys;
  return shape;
}

/// Returns a map with boxes of 64 columns, one head, `boxRows` rows.
static FailureOr<TensorMap> tensorMapOf(Value value, int64_t boxRows) {
  FailureOr<View> view = viewOf(value);
  if (failed(view))
    return failure();
  TensorMap map;
  map.buffer = view->buffer;
  size_t rank = view->shape.size();
  for (size_t i = rank - 1; i > 0; --i)
    map.dims.push_back(getAffineConstantExpr(view->shape[i], value.getContext()));
  map.dims.push_back(view->rows);
  for (size_t i = rank - 1; i > 0; --i)
    map.strides.push_back(view->strides[i - 1] * bf16Bytes);
  map.box.assign(rank, 1);
  map.box.front() = tileColumns;
  map.box.back() = boxRows;
  return map;
}

namespace {
class NaiveAttentionKind : public KernelKind {
public:
  NaiveAttentionKind() : KernelKind("naive_attention", AttentionOp::getOperationName()) {}
  bool stores(Type element, unsigned result) const override { return result == 0 ? element.isBF16() : element.isF32(); }
  bool attends(const AttentionWidths &widths) const override { return fits(widths); }
  ArrayRef<ScheduleKey> getScheduleKeys() const override;
  Choices chooseSchedule(KernelOp kernel, const Purpose &purpose, const TargetInfo &target) const override;
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createNaiveAttentionKind() { return std::make_unique<NaiveAttentionKind>(); }

ArrayRef<ScheduleKey> NaiveAttentionKind::getScheduleKeys() const {
  static constexpr ScheduleKey keys[] = {
      {"keys", 0, 256},   // per step; 0: as many as fit into shared memory
      {"turns", 0, 1},    // one warpgroup computes its softmax while the other uses the tensor cores
      {"heads", 1, 1024}, // minimum number of concurrent heads
  };
  return keys;
}

KernelKind::Choices NaiveAttentionKind::chooseSchedule(KernelOp, const Purpose &, const TargetInfo &) const {
  NaiveAttentionShape shape;
  return {{"keys", 0}, {"turns", shape.turns}, {"heads", shape.minGroupHeads}};
}

FailureOr<Launches> NaiveAttentionKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = *kernel.getBody().getOps<AttentionOp>().begin();
  FailureOr<NaiveAttentionShape> shape = shapeOf(kernel, op);
  if (failed(shape))
    return failure();
  MLIRContext *context = kernel.getContext();
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, context); };
  constexpr int64_t boxQueries = naiveTileQueries / 2, counterBytes = 4;
  std::pair<Value, int64_t> tensors[] = {{op.getQNope(), boxQueries},
                                         {op.getQRope(), boxQueries},
                                         {op.getKNope(), shape->tileKeys},
                                         {op.getKRope(), shape->tileKeys},
                                         {op.getV(), shape->tileKeys}};
  Buffer counter{Buffer::Workspace, 0};
  Launch attention;
  for (auto [value, rows] : tensors) {
    if (widthOf(value) == 0)
      continue; // no rope part
    FailureOr<TensorMap> map = tensorMapOf(value, rows);
    if (failed(map))
      return failure();
    attention.arguments.push_back(*map);
  }
  FailureOr<Buffer> queries = operandOf(op.getCu()), keys = operandOf(op.getCuKeys());
  if (failed(queries) || failed(keys))
    return failure();
  for (const Buffer &buffer : {*queries, *keys, Buffer{Buffer::Result, 0}})
    attention.arguments.push_back(buffer);
  if (shape->lse)
    attention.arguments.push_back(Buffer{Buffer::Result, 1});
  if (op.getSinks()) {
    FailureOr<Buffer> sinks = operandOf(op.getSinks());
    if (failed(sinks))
      return failure();
    attention.arguments.push_back(*sinks);
  }
  attention.arguments.push_back(counter);
  attention.arguments.push_back(expressionOf(Size::Batch, context));
  attention.arguments.push_back(number(cast<RankedTensorType>(op.getQNope().getType()).getDimSize(1)));
  attention.arguments.push_back(static_cast<float>(op.getScale().convertToDouble() * llvm::numbers::log2e));
  attention.kernel = shape->name();
  // CTAs take items in turn: one CTA per SM, and none without tokens.
  constexpr int64_t manyTokens = int64_t(1) << 30;
  AffineExpr any = rowsOf(op.getQNope()).ceilDiv(manyTokens);
  attention.grid[0] = expressionOf(Size::Processors, context) * any;
  attention.grid[1] = attention.grid[2] = number(1);
  attention.threads = naiveThreads;
  attention.sharedBytes = naiveAttentionSharedBytes(*shape);
  Launch start;
  start.kernel = naiveStartName.str();
  start.arguments = {counter};
  start.grid[0] = any;
  start.grid[1] = start.grid[2] = number(1);
  start.threads = naiveStartThreads;
  emitNaiveAttentionStart(module);
  emitNaiveAttention(module, *shape);
  return Launches{{start, attention}, {number(counterBytes)}};
}
