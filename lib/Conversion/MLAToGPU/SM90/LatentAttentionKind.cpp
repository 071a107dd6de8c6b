//===- LatentAttentionKind.cpp - The kind of latent attention -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "E4M3Attention.h"
#include "FewRows.h"
#include "Kinds.h"
#include "RingAttention.h"

#include "mla/Conversion/MLAToGPU/Views.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

static constexpr int64_t bf16Bytes = 2, f32Bytes = 4, slotsBytes = 8;

/// Returns the query rows per CTA of the kernel that takes any number of them. The one of 64 rows takes latents of
/// whole tiles; FewPlainRows takes the others, with 32 rows if their results leave registers.
static int64_t rowsAtOnce(CacheType cache) {
  constexpr int64_t mostLatent = 512;
  int64_t latent = cache.getLatent();
  if (latent % tileColumns == 0 && latent <= mostLatent && cache.getRope() <= tileColumns)
    return queryRows;
  return latent <= mostLatent ? mostFewRows : fewRows;
}

/// Checks the limits of the kernels.
static LogicalResult checkShape(KernelOp kernel, const LatentAttentionShape &shape) {
  constexpr int64_t step = 16, most = 1024, mostRope = 128;
  if (shape.latent % step != 0 || shape.latent <= 0 || shape.latent > most)
    return kernel.emitOpError() << "attends to latents of " << shape.latent
                                << " elements; the kernel takes multiples of " << step << " up to " << most
                                << "; compile with --target=cpu";
  if (shape.rope % 8 != 0 || shape.rope > mostRope)
    return kernel.emitOpError() << "attends with a k_rope of " << shape.rope
                                << " elements; the kernel takes multiples of 8 up to " << mostRope
                                << "; compile with --target=cpu";
  if (shape.format == CacheFormat::FP8Tensor && shape.rope % 16 != 0)
    return kernel.emitOpError() << "attends with a k_rope of " << shape.rope
                                << " elements of e4m3; the kernel takes multiples of 16; compile with --target=cpu";
  if (!llvm::is_contained({16, 32, 64, 128}, shape.page))
    return kernel.emitOpError() << "reads pages of " << shape.page
                                << " tokens; the kernel takes 16, 32, 64 and 128; compile with another --page";
  return success();
}

/// Returns the shape of a cache alone.
static LatentAttentionShape shapeOf(CacheType cache) {
  LatentAttentionShape shape;
  shape.latent = cache.getLatent();
  shape.rope = cache.getRope();
  shape.page = cache.getPage();
  shape.format = cache.getFormat();
  return shape;
}

static FailureOr<LatentAttentionShape> shapeOf(KernelOp kernel, LatentAttentionOp op) {
  LatentAttentionShape shape = shapeOf(op.getCache().getType());
  shape.lse = static_cast<bool>(op.getLse());
  shape.scores = ScoreShape::of(op);
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

static bool isOfPhase(KernelOp kernel, Phase phase) {
  auto attribute = kernel->getParentOp()->getAttrOfType<PhaseAttr>(kPhaseAttr);
  return attribute && attribute.getValue() == phase;
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
  bool multiplies(CacheType cache) const override { return multipliesPacked(shapeOf(cache)); }
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
      {"query_terms", 0, 2, 0},  // of e4m3, in which queries multiply a packed cache; 0: both are bf16
  };
  return keys;
}

KernelKind::Choices LatentAttentionKind::chooseSchedule(KernelOp kernel, const Purpose &purpose,
                                                        const TargetInfo &) const {
  constexpr int64_t fixedBlocks = 32;
  auto op = *kernel.getBody().getOps<LatentAttentionOp>().begin();
  int64_t heads = cast<RankedTensorType>(op.getQLatent().getType()).getDimSize(1);
  CacheType cache = op.getCache().getType();
  // The number of rows depends on the batch: the results of an invariant batch must not.
  bool mayBeFew = heads <= fewRows && !purpose.batchInvariant && !isOfPhase(kernel, Phase::Prefill) &&
                  rowsAtOnce(cache) > fewRows && (!cache.isPacked() || multipliesPacked(shapeOf(cache)));
  auto products = op->getAttrOfType<ProductsAttr>(kProductsAttr);
  Choices choices = {{"overhead", mayBeFew ? 3 : 5},
                     {"min_blocks", 2},
                     {"fixed_blocks", purpose.batchInvariant ? fixedBlocks : 0},
                     {"few_rows", mayBeFew ? fewRows : 0}};
  if (products && products.getElements() != ProductElements::Plain)
    choices.push_back({"query_terms", countTerms(products.getElements())});
  return choices;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

namespace {
/// The launches of one operation.
class LatentLaunches {
public:
  LatentLaunches(KernelOp kernel, LatentAttentionOp op, const LatentAttentionShape &shape)
      : kernel(kernel), op(op), shape(shape), context(op.getContext()),
        heads(cast<RankedTensorType>(op.getQLatent().getType()).getDimSize(1)),
        scale(static_cast<float>(op.getScale().convertToDouble() * llvm::numbers::log2e)),
        rows(size(Size::MaxQueries) * heads), rowBlocks(rows.ceilDiv(rowsAtOnce(op.getCache().getType()))),
        parts(partsOf(size(Size::Processors), rowBlocks)) {}
  LogicalResult readOperands();
  Launch converting() const;
  Launch quantizing(int64_t queryTerms) const;
  Launch ofRows(int64_t rowsOfBlock) const;
  Launch merging() const;
  SmallVector<AffineExpr, 2> workspace() const;
  AffineExpr addFew(Launches &to, int64_t limit) const { return addClass(to, rows, limit, fewRows); }

private:
  AffineExpr number(int64_t value) const { return getAffineConstantExpr(value, context); }
  AffineExpr size(Size which) const { return expressionOf(which, context); }
  TensorMap pagesMap(int64_t boxBytes) const;
  void addBuffers(Launch &launch, bool hasPages) const;
  void addOptionalBuffers(Launch &launch) const;
  void addSizes(Launch &launch, bool hasPages) const;
  void addQueries(Launch &launch) const;
  void addStrides(Launch &launch) const;
  void setGrid(Launch &launch, AffineExpr x) const;

  KernelOp kernel;
  LatentAttentionOp op;
  const LatentAttentionShape &shape;
  MLIRContext *context;
  int64_t heads;
  float scale; ///< for exp2
  // One part per SM and row block: all row blocks of a part read the same pages at the same time.
  AffineExpr rows, rowBlocks, parts;
  TensorMap latents, ropes;
  View queries, keys;
  Buffer pages, cu, sinks;
  Buffer out{Buffer::Result, 0}, lse{Buffer::Result, 1};
  Buffer partial{Buffer::Workspace, 0}, partialLse{Buffer::Workspace, 1}, firstAndLast{Buffer::Workspace, 2};
};
} // namespace

LogicalResult LatentLaunches::readOperands() {
  FailureOr<TensorMap> map = queryMap(kernel, op.getQLatent(), heads);
  FailureOr<View> view = viewOf(op.getQLatent());
  FailureOr<Buffer> ofCache = operandOf(op.getCache()), ofCu = operandOf(op.getCu());
  if (failed(map) || failed(view) || failed(ofCache) || failed(ofCu))
    return failure();
  latents = *map, queries = *view, pages = *ofCache, cu = *ofCu;
  if (op.getSinks()) {
    FailureOr<Buffer> ofSinks = operandOf(op.getSinks());
    if (failed(ofSinks))
      return failure();
    sinks = *ofSinks;
  }
  if (!shape.rope)
    return success();
  map = queryMap(kernel, op.getQRope(), heads);
  view = viewOf(op.getQRope());
  if (failed(map) || failed(view))
    return failure();
  ropes = *map, keys = *view;
  return success();
}

void LatentLaunches::addBuffers(Launch &launch, bool hasPages) const {
  Buffer table = pages, lengths = pages;
  table.part = Buffer::BlockTable;
  lengths.part = Buffer::Lengths;
  if (hasPages)
    launch.arguments.push_back(pages);
  for (const Buffer &buffer : {table, lengths, cu, out, partial, partialLse, firstAndLast})
    launch.arguments.push_back(buffer);
  addOptionalBuffers(launch);
}

void LatentLaunches::addOptionalBuffers(Launch &launch) const {
  if (shape.lse)
    launch.arguments.push_back(lse);
  if (shape.scores.haveSinks)
    launch.arguments.push_back(sinks);
}

void LatentLaunches::addSizes(Launch &launch, bool hasPages) const {
  for (AffineExpr value : {size(Size::Batch), parts, size(Size::TableWidth), number(heads), rows})
    launch.arguments.push_back(value);
  if (hasPages)
    launch.arguments.push_back(size(Size::Pages));
}

void LatentLaunches::addQueries(Launch &launch) const {
  launch.arguments.push_back(queries.buffer);
  if (shape.rope)
    launch.arguments.push_back(keys.buffer);
}

void LatentLaunches::addStrides(Launch &launch) const {
  launch.arguments.push_back(queries.strides[1]);
  if (shape.rope)
    launch.arguments.push_back(keys.strides[1]);
}

/// Also adds the last argument, the scale.
void LatentLaunches::setGrid(Launch &launch, AffineExpr x) const {
  launch.arguments.push_back(scale);
  launch.grid[0] = x;
  launch.grid[1] = parts;
  launch.grid[2] = number(1);
}

/// Returns the launch that multiplies bf16, to which a packed cache is converted.
Launch LatentLaunches::converting() const {
  Launch launch;
  launch.kernel = shape.name();
  launch.arguments = {latents};
  if (shape.rope)
    launch.arguments.push_back(ropes);
  if (shape.copiesRope())
    launch.arguments.push_back(packedRopeMap(pages, shape, context));
  else if (!shape.isPacked())
    launch.arguments.push_back(cacheMap(pages, shape, context));
  launch.arguments.push_back(outMap(shape, latents.dims[1]));
  addBuffers(launch, shape.isPacked());
  addSizes(launch, shape.isPacked());
  setGrid(launch, rowBlocks);
  launch.threads = shape.threads();
  launch.sharedBytes = latentAttentionSharedBytes(shape);
  return launch;
}

/// Returns the map of the rows of a packed cache as pairs of bytes.
TensorMap LatentLaunches::pagesMap(int64_t boxBytes) const {
  int64_t bytes = shape.packedRow().bytes;
  TensorMap map;
  map.buffer = pages;
  map.dims = {number(bytes / bf16Bytes), number(shape.page), size(Size::Pages)};
  map.strides = {number(bytes), number(shape.page * bytes)};
  map.box = {boxBytes / bf16Bytes, std::min(shape.page, blockTokens), 1};
  map.swizzle = boxBytes == tileRowBytes ? 128 : 0;
  return map;
}

/// Returns the launch that multiplies e4m3.
Launch LatentLaunches::quantizing(int64_t queryTerms) const {
  constexpr int64_t scaleBytes = 16;
  Launch launch;
  launch.kernel = e4m3AttentionName(shape, queryTerms);
  addQueries(launch);
  launch.arguments.push_back(pagesMap(tileRowBytes));
  if (shape.packedRow().numScales)
    launch.arguments.push_back(pagesMap(scaleBytes));
  addBuffers(launch, /*hasPages=*/false);
  addSizes(launch, /*hasPages=*/true);
  addStrides(launch);
  setGrid(launch, rowBlocks);
  launch.threads = ringAttentionThreads;
  launch.sharedBytes = e4m3AttentionSharedBytes(shape, queryTerms);
  return launch;
}

/// Returns the launch with swapped operands, for up to `rowsOfBlock` query rows per CTA.
Launch LatentLaunches::ofRows(int64_t rowsOfBlock) const {
  Launch launch;
  launch.kernel = fewRowsName(shape, rowsOfBlock);
  addQueries(launch);
  addBuffers(launch, /*hasPages=*/true);
  addSizes(launch, /*hasPages=*/true);
  addStrides(launch);
  setGrid(launch, rows.ceilDiv(rowsOfBlock));
  launch.threads = ringAttentionThreads;
  launch.sharedBytes = fewRowsSharedBytes(shape, rowsOfBlock);
  return launch;
}

Launch LatentLaunches::merging() const {
  Launch launch;
  launch.kernel = shape.mergeName();
  for (const Buffer &buffer : {cu, partial, partialLse, firstAndLast, out})
    launch.arguments.push_back(buffer);
  addOptionalBuffers(launch);
  for (AffineExpr value : {size(Size::Batch), parts, number(heads), rows})
    launch.arguments.push_back(value);
  launch.grid[0] = size(Size::Processors) * latentMergeBlocks;
  launch.grid[1] = number(1);
  launch.grid[2] = number(1);
  launch.threads = 256;
  launch.sharedBytes = latentMergeSharedBytes(shape);
  return launch;
}

SmallVector<AffineExpr, 2> LatentLaunches::workspace() const {
  AffineExpr slots = slotsOf(shape.split, parts, size(Size::Batch), size(Size::MaxLength),
                             /*mayBeAlone=*/!isOfPhase(kernel, Phase::Decode));
  return {LatentPartials::bytes(shape, slots, rows), slots * rows * f32Bytes, size(Size::Batch) * slotsBytes};
}

/// Rejects a kernel that does not take this cache.
static LogicalResult checkTaken(KernelOp kernel, CacheType cache, StringRef key) {
  if (kernel.getSchedule()->get(key) == 0 || multipliesPacked(shapeOf(cache)))
    return success();
  return kernel.emitOpError() << "expected '" << key
                              << "' of the schedule to be 0: its kernel takes packed caches with a latent of 128, 256 "
                                 "or 512 elements and a k_rope of 0, 16, 32 or 64";
}

/// Leaves steps with few query rows per sequence to a kernel of their own.
static void addFewRows(Launches &result, mlir::gpu::GPUModuleOp module, const LatentAttentionShape &shape,
                       const LatentLaunches &launches, int64_t limit) {
  AffineExpr isFew = launches.addFew(result, limit);
  emitFewRows(module, shape, fewRows);
  Launch few = launches.ofRows(fewRows);
  few.grid[0] = isFew;
  result.launches.front().grid[0] = result.launches.front().grid[0] * (isFew * -1 + 1);
  result.launches.push_back(few);
}

FailureOr<Launches> LatentAttentionKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = *kernel.getBody().getOps<LatentAttentionOp>().begin();
  FailureOr<LatentAttentionShape> shape = shapeOf(kernel, op);
  CacheType cache = op.getCache().getType();
  if (failed(shape) || (cache.isPacked() && failed(checkTaken(kernel, cache, "few_rows"))) ||
      failed(checkTaken(kernel, cache, "query_terms")))
    return failure();
  ScheduleAttr schedule = *kernel.getSchedule();
  LatentLaunches launches(kernel, op, *shape);
  if (failed(launches.readOperands()))
    return failure();
  Launches result;
  result.workspace = launches.workspace();
  if (int64_t queryTerms = schedule.get("query_terms")) {
    emitE4M3Attention(module, *shape, queryTerms);
    result.launches.push_back(launches.quantizing(queryTerms));
  } else if (rowsAtOnce(cache) == queryRows) {
    emitLatentAttention(module, *shape);
    result.launches.push_back(launches.converting());
  } else {
    emitFewRows(module, *shape, rowsAtOnce(cache));
    result.launches.push_back(launches.ofRows(rowsAtOnce(cache)));
  }
  if (int64_t limit = schedule.get("few_rows"))
    addFewRows(result, module, *shape, launches, limit);
  emitLatentMerge(module, *shape);
  result.launches.push_back(launches.merging());
  return result;
}
