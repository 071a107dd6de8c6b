//===- LatentAttentionKind.cpp - The kind of latent attention -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FewRows.h"
#include "Kinds.h"
#include "LatentAttention.h"

#include "mla/Conversion/MLAToGPU/Views.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

static constexpr int64_t bf16Bytes = 2, f32Bytes = 4, slotsBytes = 8;

/// Checks the limits of the kernel's tiles.
static LogicalResult checkShape(KernelOp kernel, const LatentAttentionShape &shape) {
  if (shape.latent % tileColumns != 0 || shape.latent <= 0 || shape.latent > 512)
    return kernel.emitOpError() << "attends to latents of " << shape.latent
                                << " elements; the kernel takes multiples of 64 up to 512; compile with --target=cpu";
  if (shape.rope % 8 != 0 || shape.rope > tileColumns)
    return kernel.emitOpError() << "attends with a k_rope of " << shape.rope
                                << " elements; the kernel takes multiples of 8 up to 64; compile with --target=cpu";
  if (shape.format == CacheFormat::FP8Tensor && shape.rope % 16 != 0)
    return kernel.emitOpError() << "attends with a k_rope of " << shape.rope
                                << " elements of e4m3; the kernel takes multiples of 16; compile with --target=cpu";
  if (!llvm::is_contained({16, 32, 64, 128}, shape.page))
    return kernel.emitOpError() << "reads pages of " << shape.page
                                << " tokens; the kernel takes 16, 32, 64 and 128; compile with another --page";
  return success();
}

static FailureOr<LatentAttentionShape> shapeOf(KernelOp kernel, LatentAttentionOp op) {
  auto cache = op.getCache().getType();
  LatentAttentionShape shape;
  shape.latent = cache.getLatent();
  shape.rope = cache.getRope();
  shape.page = cache.getPage();
  shape.lse = static_cast<bool>(op.getLse());
  shape.format = cache.getFormat();
  ScheduleAttr schedule = *kernel.getSchedule();
  shape.split.overhead = schedule.get("overhead");
  shape.split.minBlocks = schedule.get("min_blocks");
  shape.split.fixed = schedule.get("fixed_blocks");
  if (failed(checkShape(kernel, shape)))
    return failure();
  return shape;
}

/// Returns the map of query rows [tokens · heads, width], head after head.
static FailureOr<TensorMap> queryMap(KernelOp kernel, Value queries, int64_t heads) {
  FailureOr<View> view = viewOf(queries);
  if (failed(view))
    return failure();
  if (view->strides[0] != view->strides[1] * heads)
    return kernel.emitOpError("reads queries whose heads are not evenly apart, for which there is no kernel; compile "
                              "with --target=cpu");
  TensorMap map;
  map.buffer = view->buffer;
  map.dims = {getAffineConstantExpr(view->shape[2], kernel.getContext()), view->rows * heads};
  map.strides = {view->strides[1] * bf16Bytes};
  map.box = {tileColumns, queryRows};
  return map;
}

/// Returns the map of k_rope in a packed cache.
static TensorMap packedRopeMap(const Buffer &pages, const LatentAttentionShape &shape, MLIRContext *context) {
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, context); };
  constexpr int64_t warpTokens = 16;
  schema::PackedRow row = shape.packedRow();
  TensorMap map;
  map.buffer = pages;
  map.buffer.offset = row.rope;
  map.dims = {number(shape.rope), number(shape.page), expressionOf(Size::Pages, context)};
  map.strides = {number(row.bytes), number(shape.page * row.bytes)};
  map.box = {tileColumns, warpTokens, 1};
  return map;
}

static TensorMap cacheMap(const Buffer &pages, const LatentAttentionShape &shape, MLIRContext *context) {
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, context); };
  int64_t row = shape.latent + shape.rope;
  TensorMap map;
  map.buffer = pages;
  map.dims = {number(row), number(shape.page), expressionOf(Size::Pages, context)};
  map.strides = {number(row * bf16Bytes), number(shape.page * row * bf16Bytes)};
  map.box = {tileColumns, std::min(shape.page, blockTokens), 1};
  return map;
}

static TensorMap outMap(const LatentAttentionShape &shape, AffineExpr rows) {
  TensorMap map;
  map.buffer = {Buffer::Result, 0};
  map.dims = {getAffineConstantExpr(shape.latent, rows.getContext()), rows};
  map.strides = {getAffineConstantExpr(shape.latent * bf16Bytes, rows.getContext())};
  map.box = {tileColumns, queryRows};
  return map;
}

/// Returns the number of parts, at least one: a launch without CTAs is skipped, and its result with it. There may be
/// more row blocks than SMs in prefill, and in decode on a part of a device. Affine expressions have no maximum.
static AffineExpr partsOf(AffineExpr processors, AffineExpr rowBlocks) {
  AffineExpr parts = processors.floorDiv(rowBlocks);
  AffineExpr isSome = parts.ceilDiv(processors + 1);
  return parts + 1 - isSome;
}

/// Returns whether there are few query tokens per sequence, as in decode: on a whole device every row block then has
/// several parts.
static bool hasFewQueries(KernelOp kernel) {
  auto phase = kernel->getParentOp()->getAttrOfType<PhaseAttr>(kPhaseAttr);
  return phase && phase.getValue() == Phase::Decode;
}

/// Returns the number of slots; a single part divides nothing.
static AffineExpr slotsOf(const WorkSplitChoices &choices, AffineExpr parts, AffineExpr batch, AffineExpr maxLength,
                          bool mayBeAlone) {
  AffineExpr slots = WorkSplit::slots(choices, parts, batch, maxLength);
  return mayBeAlone && !choices.fixed ? slots * (parts - 1).ceilDiv(parts) : slots;
}

namespace {
class LatentAttentionKind : public KernelKind {
public:
  LatentAttentionKind() : KernelKind("latent_attention", LatentAttentionOp::getOperationName()) {}
  bool stores(Type element, unsigned result) const override { return result == 0 ? element.isBF16() : element.isF32(); }
  ArrayRef<ScheduleKey> getScheduleKeys() const override;
  Choices chooseSchedule(KernelOp kernel, const Purpose &purpose, const TargetInfo &target) const override;
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createLatentAttentionKind() { return std::make_unique<LatentAttentionKind>(); }

ArrayRef<ScheduleKey> LatentAttentionKind::getScheduleKeys() const {
  constexpr int64_t most = 1 << 20;
  static constexpr ScheduleKey keys[] = {
      {"overhead", 3, most},     // cost of a split, in blocks of 64 tokens
      {"min_blocks", 1, most},   // of a split
      {"fixed_blocks", 0, most}, // of every split; 0: balanced over the batch
      {"few_rows", 0, fewRows},  // query rows of a sequence up to which few_rows… runs; 0: never
  };
  return keys;
}

/// Returns whether the kernel of few rows takes a cache.
static bool takesFewRows(CacheType cache) {
  return cache.isPacked() && llvm::is_contained({128, 256, 512}, cache.getLatent()) &&
         llvm::is_contained({0, 16, 32, 64}, cache.getRope());
}

KernelKind::Choices LatentAttentionKind::chooseSchedule(KernelOp kernel, const Purpose &purpose,
                                                        const TargetInfo &) const {
  constexpr int64_t fixedBlocks = 32;
  auto op = *kernel.getBody().getOps<LatentAttentionOp>().begin();
  int64_t heads = cast<RankedTensorType>(op.getQLatent().getType()).getDimSize(1);
  bool mayBeFew = heads <= fewRows && takesFewRows(op.getCache().getType());
  return {{"overhead", 5},
          {"min_blocks", 2},
          {"fixed_blocks", purpose.batchInvariant ? fixedBlocks : 0},
          {"few_rows", mayBeFew ? fewRows : 0}};
}

FailureOr<Launches> LatentAttentionKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = *kernel.getBody().getOps<LatentAttentionOp>().begin();
  FailureOr<LatentAttentionShape> shape = shapeOf(kernel, op);
  if (failed(shape))
    return failure();
  MLIRContext *context = kernel.getContext();
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, context); };
  auto size = [&](Size which) { return expressionOf(which, context); };
  int64_t heads = cast<RankedTensorType>(op.getQLatent().getType()).getDimSize(1);
  int64_t fewRowsLimit = kernel.getSchedule()->get("few_rows");
  if (fewRowsLimit && !takesFewRows(op.getCache().getType()))
    return kernel.emitOpError(
        "expected 'few_rows' of the schedule to be 0: its kernel takes packed caches with a latent of "
        "128, 256 or 512 elements and a k_rope of 0, 16, 32 or 64");
  FailureOr<TensorMap> latents = queryMap(kernel, op.getQLatent(), heads);
  FailureOr<Buffer> cu = operandOf(op.getCu()), pages = operandOf(op.getCache());
  if (failed(latents) || failed(cu) || failed(pages))
    return failure();
  Buffer table = *pages, lengths = *pages;
  table.part = Buffer::BlockTable;
  lengths.part = Buffer::Lengths;

  // One part per SM and row block: all row blocks of a part read the same pages at the same time.
  AffineExpr rows = size(Size::MaxQueries) * heads, rowBlocks = rows.ceilDiv(queryRows);
  AffineExpr isFew = isAtMost(rows, fewRowsLimit);
  AffineExpr parts = partsOf(size(Size::Processors), rowBlocks);
  AffineExpr slots =
      slotsOf(shape->split, parts, size(Size::Batch), size(Size::MaxLength), /*mayBeAlone=*/!hasFewQueries(kernel));
  Buffer out{Buffer::Result, 0}, lse{Buffer::Result, 1};
  Buffer partial{Buffer::Workspace, 0}, partialLse{Buffer::Workspace, 1}, firstAndLast{Buffer::Workspace, 2};

  Launch attention;
  attention.kernel = shape->name();
  attention.arguments = {*latents};
  if (shape->rope) {
    FailureOr<TensorMap> ropes = queryMap(kernel, op.getQRope(), heads);
    if (failed(ropes))
      return failure();
    attention.arguments.push_back(*ropes);
  }
  if (shape->copiesRope())
    attention.arguments.push_back(packedRopeMap(*pages, *shape, context));
  else if (!shape->isPacked())
    attention.arguments.push_back(cacheMap(*pages, *shape, context));
  attention.arguments.push_back(outMap(*shape, latents->dims[1]));
  if (shape->isPacked())
    attention.arguments.push_back(*pages);
  for (const Buffer &buffer : {table, lengths, *cu, out, partial, partialLse, firstAndLast})
    attention.arguments.push_back(buffer);
  if (shape->lse)
    attention.arguments.push_back(lse);
  for (AffineExpr value : {size(Size::Batch), parts, size(Size::TableWidth), number(heads), rows})
    attention.arguments.push_back(value);
  if (shape->isPacked())
    attention.arguments.push_back(size(Size::Pages));
  attention.arguments.push_back(static_cast<float>(op.getScale().convertToDouble() * llvm::numbers::log2e));
  attention.grid[0] = fewRowsLimit ? rowBlocks * (isFew * -1 + 1) : rowBlocks;
  attention.grid[1] = parts;
  attention.grid[2] = number(1);
  attention.threads = shape->threads();
  attention.sharedBytes = latentAttentionSharedBytes(*shape);

  Launch few;
  few.kernel = fewRowsName(*shape);
  FailureOr<View> queries = viewOf(op.getQLatent()), keys = shape->rope ? viewOf(op.getQRope()) : queries;
  if (failed(queries) || failed(keys))
    return failure();
  few.arguments = {queries->buffer};
  if (shape->rope)
    few.arguments.push_back(keys->buffer);
  for (const Buffer &buffer : {*pages, table, lengths, *cu, out, partial, partialLse, firstAndLast})
    few.arguments.push_back(buffer);
  if (shape->lse)
    few.arguments.push_back(lse);
  for (AffineExpr value :
       {size(Size::Batch), parts, size(Size::TableWidth), number(heads), rows, size(Size::Pages), queries->strides[1]})
    few.arguments.push_back(value);
  if (shape->rope)
    few.arguments.push_back(keys->strides[1]);
  few.arguments.push_back(attention.arguments.back());
  few.grid[0] = isFew;
  few.grid[1] = parts;
  few.grid[2] = number(1);
  few.threads = fewRowsThreads;
  few.sharedBytes = fewRowsSharedBytes(*shape);

  Launch merge;
  merge.kernel = shape->mergeName();
  for (const Buffer &buffer : {*cu, partial, partialLse, firstAndLast, out})
    merge.arguments.push_back(buffer);
  if (shape->lse)
    merge.arguments.push_back(lse);
  for (AffineExpr value : {size(Size::Batch), parts, number(heads), rows})
    merge.arguments.push_back(value);
  merge.grid[0] = size(Size::Processors) * latentMergeBlocks;
  merge.grid[1] = number(1);
  merge.grid[2] = number(1);
  merge.threads = 256;
  merge.sharedBytes = latentMergeSharedBytes(*shape);

  emitLatentAttention(module, *shape);
  emitLatentMerge(module, *shape);
  if (fewRowsLimit)
    emitFewRows(module, *shape);
  AffineExpr partialBytes = LatentPartials::bytes(*shape, slots, rows);
  Launches launches{{attention, merge}, {partialBytes, slots * rows * f32Bytes, size(Size::Batch) * slotsBytes}};
  if (fewRowsLimit)
    launches.launches.insert(launches.launches.begin() + 1, few);
  return launches;
}
