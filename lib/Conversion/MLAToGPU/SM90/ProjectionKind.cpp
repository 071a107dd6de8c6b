//===- ProjectionKind.cpp - The kind of projections -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Appends.h"
#include "DirectProduct.h"
#include "Kinds.h"
#include "ProjectionSchedule.h"
#include "ReadKernel.h"
#include "ScaledOperand.h"
#include "SumTerms.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

static constexpr int64_t bf16Bytes = 2;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// Return the weights, whose rows are one after the other.
static SmallVector<Value> weightsOf(ProjectOp op) {
  auto joined = op.getWeight().getDefiningOp<tensor::ConcatOp>();
  return joined ? SmallVector<Value>(joined.getInputs()) : SmallVector<Value>{op.getWeight()};
}

static int64_t countRows(Value weight) { return cast<RankedTensorType>(weight.getType()).getDimSize(0); }

/// Returns the product as `heads` products of [T, contracted] with [rows, contracted].
static ProjectionDims dimsOf(ProjectOp op) {
  ArrayRef<int64_t> result = cast<RankedTensorType>(op.getResult().getType()).getShape();
  ProjectionDims dims;
  dims.heads = op.getHeads() == Heads::Per ? result[1] : 1;
  dims.rows = op.getNumRows();
  dims.contracted = op.getContractedSize();
  if (SmallVector<Value> weights = weightsOf(op); weights.size() > 1)
    dims.border = countRows(weights.front());
  setElements(dims, op.getHeads(), weightsOf(op).front(), op.getX());
  return dims;
}

/// Checks that the rows of several weights are tiles of their own.
static LogicalResult checkJoined(ProjectOp op) {
  constexpr int64_t mostTileRows = 128;
  auto joined = op.getWeight().getDefiningOp<tensor::ConcatOp>();
  if (!joined)
    return success();
  SmallVector<Value> weights = weightsOf(op);
  auto areSame = [&](DequantizeOp a, DequantizeOp b) { return a ? b && a.getBlock() == b.getBlock() : !b; };
  if (weights.size() != 2 || joined.getDim() != 0 || op.getHeads() != Heads::None ||
      countRows(weights.front()) % mostTileRows != 0 || !areSame(scaled(weights.front()), scaled(weights.back())))
    return op.emitOpError("multiplies by joined weights that no kernel supports: expected two with the same elements "
                          "and blocks, the first with a multiple of ")
           << mostTileRows << " rows, in a plain projection";
  return success();
}

static FailureOr<ProjectionShape> shapeOf(KernelOp kernel, ProjectOp op, const ProjectionChoices &choices) {
  ProjectionShape shape;
  shape.dims = dimsOf(op);
  shape.floatResult = getElementTypeOrSelf(kernel.getYield()->getOperand(0).getType()).isF32();
  shape.choices = choices;
  if (failed(checkJoined(op)))
    return failure();
  if (op.getPanels())
    return kernel.emitOpError("has a weight in panels, which is the CPU's layout; compile without mla-layout");
  if (shape.dims.rows % 8 != 0 || shape.dims.contracted % 8 != 0)
    return kernel.emitOpError() << "multiplies by " << shape.dims.rows << " x " << shape.dims.contracted
                                << "; the copy engine needs multiples of 8; compile with --target=cpu";
  for (Value weight : weightsOf(op))
    if (failed(checkElements(op, op.getHeads(), weight, shape.dims)))
      return failure();
  if (failed(checkChoices(kernel, shape)))
    return failure();
  return shape;
}

/// Returns the map [k, tokens, terms · heads] of x: heads that are summed must be contiguous.
static FailureOr<TensorMap> mapOfTokens(ProjectOp op, const ProjectionShape &shape, const View &x) {
  MLIRContext *context = op.getContext();
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, context); };
  int64_t width = x.shape.back(), terms = shape.dims.terms, bytes = shape.dims.elementBytes();
  size_t heads = terms > 1 ? 2 : 1; // the dimension of the heads
  if (op.getHeads() == Heads::From && x.strides[heads] != number(width))
    return op.emitOpError("sums over the heads of a slice; the kernel needs heads side by side");
  if (op.getHeads() == Heads::Per && terms > 1 && x.strides[1] != x.strides[heads] * shape.dims.heads)
    return op.emitOpError("multiplies a slice of the heads of two terms; the kernel needs all heads of a term");
  // Terms are before heads, and rows of e4m3 are contiguous.
  AffineExpr stride = op.getHeads() == Heads::Per ? x.strides[heads] : terms > 1 ? x.strides[1] : x.strides[0];
  return TensorMap{x.buffer,
                   {number(mappedColumns(shape.dims)), x.rows, number(terms * shape.dims.heads)},
                   {x.strides[0] * bytes, stride * bytes},
                   shape.tokenBox()};
}

/// Results are contiguous.
static Argument resultOf(const ProjectionShape &shape, AffineExpr tokens, unsigned workspace) {
  Buffer buffer{Buffer::Result, 0};
  if (shape.choices.splits > 1)
    return Buffer{Buffer::Workspace, workspace};
  if (shape.floatResult)
    return buffer;
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, tokens.getContext()); };
  const ProjectionDims &d = shape.dims;
  return TensorMap{buffer,
                   {number(d.rows), tokens, number(d.heads)},
                   {number(bf16Bytes * d.rows * d.heads), number(bf16Bytes * d.rows)},
                   shape.resultBox()};
}

static Launch launchOfSum(const ProjectionShape &shape, AffineExpr tokens, unsigned workspace) {
  auto number = [&](int64_t value) { return getAffineConstantExpr(value, tokens.getContext()); };
  const ProjectionDims &d = shape.dims;
  Launch launch;
  launch.kernel = shape.sumName();
  launch.grid[0] = (tokens * (d.heads * d.rows)).ceilDiv(projectionSumThreads * projectionSumWidth);
  launch.grid[1] = launch.grid[2] = number(1);
  launch.threads = projectionSumThreads;
  launch.arguments = {Buffer{Buffer::Workspace, workspace}, Buffer{Buffer::Result, 0}, tokens, number(d.heads * d.rows),
                      number(d.rows)};
  return launch;
}

namespace {
class ProjectionKind : public KernelKind {
public:
  ProjectionKind() : KernelKind("projection", ProjectOp::getOperationName()) {}
  bool fuses(Operation *producer, Operation *) const override {
    auto joined = dyn_cast<tensor::ConcatOp>(producer); // of weights; columns of tokens have kernels that join them
    return isa<DequantizeOp, tensor::CollapseShapeOp>(producer) || (joined && joined.getDim() == 0);
  }
  bool alsoStores(Operation *op, Operation *last) const override;
  Value findComputed(Value yielded) const override { return beforeRounding(yielded); }
  LogicalResult checkOperation(Operation *op) const override;
  bool multiplies(const ScaledProduct &product) const override;
  bool stores(Type element, unsigned) const override { return element.isBF16() || element.isF32(); }
  ArrayRef<ScheduleKey> getScheduleKeys() const override;
  SmallVector<int64_t> chooseLimits(KernelOp kernel, const Purpose &purpose, const TargetInfo &target) const override;
  Choices chooseSchedule(KernelOp kernel, const Purpose &purpose, const TargetInfo &target) const override;
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createProjectionKind() { return std::make_unique<ProjectionKind>(); }

/// Return whether the elements are those that kernels multiply.
static bool hasKnownElements(ProjectOp op) {
  return getElementTypeOrSelf(op.getWeight().getType()).isBF16() ||
         (scaled(weightsOf(op).front()) && scaled(op.getX()));
}

/// Each head's product, such as the one that absorbs W_UK, and an append of the same step need nothing of each other.
bool ProjectionKind::alsoStores(Operation *op, Operation *last) const {
  auto project = dyn_cast<ProjectOp>(last);
  if (!project || project.getHeads() != Heads::Per || !hasKnownElements(project))
    return false;
  RopeOp queries = rotationOfHeads(op);
  return isa<AppendOp>(op) || (queries && llvm::any_of(queries.getPosition().getUsers(), llvm::IsaPred<AppendOp>));
}

LogicalResult ProjectionKind::checkOperation(Operation *op) const {
  auto project = cast<ProjectOp>(op);
  if (hasKnownElements(project))
    return KernelKind::checkOperation(op);
  return op->emitOpError("expected a weight of bf16, got ")
         << getElementTypeOrSelf(project.getWeight().getType()) << "; compile with --dtype=bf16, or with --target=cpu";
}

bool ProjectionKind::multiplies(const ScaledProduct &product) const {
  return product.rows % 8 == 0 && product.contracted % 16 == 0 && llvm::is_contained({32, 64, 128}, product.group);
}

ArrayRef<ScheduleKey> ProjectionKind::getScheduleKeys() const { return projectionKeys(); }

/// Return whether steps of few tokens, which some functions have, have direct products: their sums have another order.
static bool isDirect(const ProjectionDims &dims, const Purpose &purpose, const TargetInfo &target) {
  constexpr int64_t tokensOfDecode = 256;
  return !purpose.batchInvariant && purpose.tokens <= tokensOfDecode && shouldBeDirect(dims, target.multiprocessors);
}

SmallVector<int64_t> ProjectionKind::chooseLimits(KernelOp kernel, const Purpose &purpose,
                                                  const TargetInfo &target) const {
  ProjectionDims dims = dimsOf(*kernel.getBody().getOps<ProjectOp>().begin());
  SmallVector<int64_t> limits = limitsOf(dims, purpose, target);
  if (isDirect(dims, purpose, target))
    limits.insert(limits.begin(), directTokens);
  return limits;
}

KernelKind::Choices ProjectionKind::chooseSchedule(KernelOp kernel, const Purpose &purpose,
                                                   const TargetInfo &target) const {
  ProjectionDims dims = dimsOf(*kernel.getBody().getOps<ProjectOp>().begin());
  Choices choices = scheduleOf(dims, purpose, target, /*appends=*/findIn<AppendOp>(kernel) != nullptr);
  choices.emplace_back("direct", purpose.tokens <= directTokens && isDirect(dims, purpose, target));
  return choices;
}

/// Adds the maps of the weights.
static LogicalResult addWeights(ProjectOp op, const ProjectionShape &shape, Launch &launch) {
  SmallVector<Value> weights = weightsOf(op);
  for (Value weight : weights) {
    FailureOr<Buffer> buffer = operandOf(storedOf(weight));
    if (failed(buffer))
      return failure();
    int64_t rows = weights.size() > 1 ? countRows(weight) : shape.dims.rows;
    launch.arguments.push_back(mapOfWeight(*buffer, shape, rows, op.getContext()));
  }
  return success();
}

/// Adds the launch of a direct product, and of the append if there is one, which runs if `chosen` is 1.
static LogicalResult addDirect(KernelOp kernel, ProjectOp op, mlir::gpu::GPUModuleOp module,
                               const ProjectionShape &shape, const View &x, const std::optional<Append> &append,
                               AffineExpr chosen, Launches &launches) {
  if (failed(checkAlignment(kernel, x)))
    return failure();
  const ProjectionDims &d = shape.dims;
  DirectProductShape direct{d.heads, d.rows, d.contracted, d.border, shape.floatResult, std::nullopt};
  AffineExpr blocks = number(kernel, direct.blocks()) * x.rows.ceilDiv(int64_t(1) << 30); // none without tokens
  if (append) {
    direct.append = append->shape;
    blocks = blocks + append->grid[0] * append->grid[1];
  }
  emitDirectProduct(module, direct);
  Launch launch = launchOf(kernel, direct.name(), blocks * chosen, directThreads);
  launch.sharedBytes = direct.sharedBytes();
  for (Value weight : weightsOf(op)) {
    FailureOr<Buffer> buffer = operandOf(storedOf(weight));
    if (failed(buffer))
      return failure();
    launch.arguments.push_back(*buffer);
  }
  launch.arguments.push_back(x.buffer);
  launch.arguments.push_back(Buffer{Buffer::Result, 0});
  AffineExpr headStride = op.getHeads() == Heads::Per ? x.strides[1] : number(kernel, 0);
  for (AffineExpr size : {x.rows, x.strides[0], headStride})
    launch.arguments.push_back(size);
  if (append)
    llvm::append_range(launch.arguments, append->arguments);
  launches.launches.push_back(launch);
  return success();
}

/// Adds the launches of the kernels of `choices`, which run if `chosen` is 1.
static LogicalResult addLaunches(KernelOp kernel, mlir::gpu::GPUModuleOp module, const ProjectionChoices &choices,
                                 const std::optional<Append> &append, AffineExpr chosen, Launches &launches) {
  auto op = *kernel.getBody().getOps<ProjectOp>().begin();
  FailureOr<ProjectionShape> shape = shapeOf(kernel, op, choices);
  FailureOr<View> x = viewOfElements(op.getX());
  if (failed(shape) || failed(x))
    return failure();
  FailureOr<TensorMap> tokens = mapOfTokens(op, *shape, *x);
  if (failed(tokens))
    return failure();
  if (choices.direct)
    return addDirect(kernel, op, module, *shape, *x, append, chosen, launches);
  bool appends = append && choices.appends;
  if (appends)
    shape->append = append->shape;
  emitProjection(module, *shape);
  unsigned workspace = launches.workspace.size();
  Launch product = launchOfProduct(*shape, x->rows);
  if (appends)
    product.grid[0] = product.grid[0] + append->grid[0] * append->grid[1];
  product.grid[0] = product.grid[0] * chosen;
  if (failed(addWeights(op, *shape, product)))
    return failure();
  product.arguments.push_back(*tokens);
  if (failed(addScales(weightsOf(op), op.getX(), product)))
    return failure();
  product.arguments.push_back(resultOf(*shape, x->rows, workspace));
  product.arguments.push_back(x->rows);
  if (appends)
    llvm::append_range(product.arguments, append->arguments);
  launches.launches.push_back(product);
  if (shape->choices.splits > 1) {
    emitProjectionSum(module, *shape);
    Launch sum = launchOfSum(*shape, x->rows, workspace);
    sum.grid[0] = sum.grid[0] * chosen;
    launches.launches.push_back(sum);
    launches.workspace.push_back(x->rows * shape->partialBytesPerToken() * chosen);
  }
  return success();
}

/// Returns the append in the region, if there is one.
static FailureOr<std::optional<Append>> findAppend(KernelOp kernel) {
  if (!findIn<AppendOp>(kernel))
    return std::optional<Append>();
  FailureOr<Append> append = readAppend(kernel);
  if (failed(append))
    return failure();
  return std::optional<Append>(*append);
}

FailureOr<Launches> ProjectionKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  ProjectOp op = *kernel.getBody().getOps<ProjectOp>().begin();
  FailureOr<std::optional<Append>> append = findAppend(kernel);
  if (failed(append))
    return failure();
  Launches launches;
  AffineExpr isAppended = number(kernel, 0); // by the product's launch
  auto add = [&](const ProjectionChoices &choices, AffineExpr chosen) {
    if (choices.direct || choices.appends)
      isAppended = isAppended + chosen;
    return addLaunches(kernel, module, choices, *append, chosen, launches);
  };
  if (failed(forEachClass(*kernel.getSchedule(), rowsOf(op.getX()), launches, add)))
    return failure();
  if (*append) {
    Launch launch = launchOfAppend(kernel, module, **append);
    launch.grid[0] = launch.grid[0] * (isAppended * -1 + 1);
    launches.launches.push_back(launch);
  }
  return launches;
}
