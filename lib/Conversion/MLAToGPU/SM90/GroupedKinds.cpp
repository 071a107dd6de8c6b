//===- GroupedKinds.cpp - The kinds of gated and grouped projections ------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"
#include "ProjectionSchedule.h"
#include "ReadKernel.h"
#include "SortChoices.h"
#include "SumTerms.h"

#include "mla/Dialect/MLA/Analysis/Commuting.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

static constexpr int64_t bf16Bytes = 2;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

namespace {
/// The product of a kernel: mla.project, or mla.grouped_project with `first`.
struct Product {
  Operation *op = nullptr;
  Value x, weight, first;
  bool gated = false;

  /// Rows of x per token.
  int64_t choices() const { return first ? typeOf(x).getDimSize(1) : 1; }
  ProjectionDims dims() const;
};
} // namespace

ProjectionDims Product::dims() const {
  ArrayRef<int64_t> shape = typeOf(weight).getShape();
  ProjectionDims dims;
  dims.rows = shape[shape.size() - 2];
  dims.contracted = shape.back();
  dims.gated = gated;
  dims.choices = choices();
  dims.experts = first ? shape.front() : 0;
  return dims;
}

/// Return whether a projection may be gated: plain, and of a weight in one piece.
static bool isPlain(ProjectOp op) {
  return op.getHeads() == Heads::None && !op.getPanels() &&
         !isa_and_present<DequantizeOp, tensor::ConcatOp>(op.getWeight().getDefiningOp());
}

/// Return the operation whose first, or second, half of columns is `half`; null if there is none.
static Operation *sourceOfHalf(Value half, bool isSecond) {
  auto slice = half.getDefiningOp<tensor::ExtractSliceOp>();
  std::optional<RowRange> range = slice ? getRowRange(slice) : std::nullopt;
  bool isHalf = range && 2 * range->count == slice.getSourceType().getShape().back() &&
                range->first == (isSecond ? range->count : 0);
  return isHalf ? slice.getSource().getDefiningOp() : nullptr;
}

static Product productOf(Operation *op, bool gated) {
  if (auto project = dyn_cast_or_null<ProjectOp>(op); project && isPlain(project))
    return {op, project.getX(), project.getWeight(), Value(), gated};
  if (auto grouped = dyn_cast_or_null<GroupedProjectOp>(op))
    return {op, grouped.getRows(), grouped.getWeight(), grouped.getFirst(), gated};
  return {};
}

/// Return the product whose gates and ups are activated, and that nothing else reads; an empty one if there is none.
static Product gatedBy(SwigluOp op) {
  Operation *source = sourceOfHalf(op.getGate(), false);
  if (!source || source != sourceOfHalf(op.getUp(), true) || !llvm::all_of(source->getUsers(), [&](Operation *user) {
        return user == op.getGate().getDefiningOp() || user == op.getUp().getDefiningOp() || isa<tensor::DimOp>(user);
      }))
    return {};
  return productOf(source, /*gated=*/true);
}

static FailureOr<ProjectionShape> shapeOf(KernelOp kernel, const Product &product, const ProjectionChoices &choices) {
  ProjectionShape shape;
  shape.dims = product.dims();
  shape.choices = choices;
  if (!typeOf(product.weight).getElementType().isBF16() || !typeOf(product.weight).hasStaticShape())
    return kernel.emitOpError("expected a weight of bf16 with static sizes, got ") << product.weight.getType();
  int64_t rows = product.gated ? 2 * gatedRows : gatedRows;
  if (shape.dims.rows % rows != 0 || shape.dims.contracted % 8 != 0)
    return kernel.emitOpError() << "multiplies by " << shape.dims.rows << " x " << shape.dims.contracted
                                << "; the copy engine needs multiples of " << rows << " and 8; compile with "
                                << "--target=cpu";
  if (failed(checkChoices(kernel, shape)))
    return failure();
  return shape;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

static TensorMap mapOfWeight(const Buffer &buffer, const ProjectionShape &shape, MLIRContext *context) {
  const ProjectionDims &d = shape.dims;
  auto numbers = [&](ArrayRef<int64_t> values) {
    return llvm::map_to_vector(values, [&](int64_t value) { return getAffineConstantExpr(value, context); });
  };
  int64_t rowBytes = bf16Bytes * d.contracted, experts = std::max<int64_t>(d.experts, 1);
  if (!d.gated)
    return {buffer, numbers({d.contracted, d.rows, experts}), numbers({rowBytes, rowBytes * d.rows}),
            shape.weightBox()};
  return {buffer, numbers({d.contracted, gatedRows, 2, d.rows / (2 * gatedRows), experts}),
          numbers({rowBytes, rowBytes * (d.rows / 2), rowBytes * gatedRows, rowBytes * d.rows}), shape.weightBox()};
}

/// Rows of choices are one after the other.
static TensorMap mapOfRows(KernelOp kernel, const Product &product, const ProjectionShape &shape, const View &x) {
  AffineExpr rows = x.rows * product.choices(), rowBytes = (product.first ? x.strides[1] : x.strides[0]) * bf16Bytes;
  return {x.buffer,
          {number(kernel, shape.dims.contracted), rows, number(kernel, 1)},
          {rowBytes, rowBytes},
          shape.tokenBox()};
}

/// Return the launch of a product, which stores to `result`, in the order of `order` if there is one.
static FailureOr<Launch> launchOfOne(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Product &product,
                                     ProjectionShape shape, const Buffer &result, Value order) {
  shape.scattered = static_cast<bool>(order);
  FailureOr<View> x = viewOf(product.x);
  FailureOr<Buffer> weight = operandOf(product.weight);
  if (failed(x) || failed(weight))
    return failure();
  emitProjection(module, shape);
  Launch launch = launchOfProduct(shape, x->rows);
  launch.arguments = {mapOfWeight(*weight, shape, kernel.getContext()), mapOfRows(kernel, product, shape, *x), result};
  for (Value list : {product.first, order})
    if (list) {
      FailureOr<Buffer> buffer = operandOf(list);
      if (failed(buffer))
        return failure();
      launch.arguments.push_back(*buffer);
    }
  launch.arguments.push_back(x->rows * product.choices());
  return launch;
}

/// Return a launch of the product per class of steps.
static FailureOr<Launches> launchesOf(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Product &product,
                                      const Buffer &result, Value order = {}) {
  if (!product.op)
    return kernel.emitOpError("activates or adds what it does not multiply; compile with --target=cpu");
  Launches launches;
  auto add = [&](const ProjectionChoices &choices, AffineExpr chosen) -> LogicalResult {
    FailureOr<ProjectionShape> shape = shapeOf(kernel, product, choices);
    if (failed(shape))
      return failure();
    FailureOr<Launch> launch = launchOfOne(kernel, module, product, *shape, result, order);
    if (failed(launch))
      return failure();
    launch->grid[0] = launch->grid[0] * chosen;
    launches.launches.push_back(*launch);
    return success();
  };
  if (failed(forEachClass(*kernel.getSchedule(), rowsOf(product.x), add)))
    return failure();
  return launches;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

namespace {
/// A kind whose kernels hold one product.
class ProductKind : public KernelKind {
public:
  using KernelKind::KernelKind;
  /// Return an empty product if the region has no such one.
  virtual Product productIn(KernelOp kernel) const = 0;
  ArrayRef<ScheduleKey> getScheduleKeys() const override { return projectionKeys().drop_back(); } // no splits
  SmallVector<int64_t> chooseLimits(KernelOp kernel, const Purpose &purpose, const TargetInfo &target) const override {
    Product product = productIn(kernel);
    return product.op ? limitsOf(product.dims(), purpose, target) : SmallVector<int64_t>();
  }
  Choices chooseSchedule(KernelOp kernel, const Purpose &purpose, const TargetInfo &target) const override {
    Product product = productIn(kernel);
    return product.op ? scheduleOf(product.dims(), purpose, target) : Choices();
  }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override {
    return launchesOf(kernel, module, productIn(kernel), Buffer{Buffer::Result, 0});
  }
};

class GatedKind : public ProductKind {
public:
  GatedKind() : ProductKind("gated_projection", SwigluOp::getOperationName()) {}
  bool takes(Operation *op) const override {
    auto activated = dyn_cast<SwigluOp>(op);
    return activated && gatedBy(activated).op;
  }
  bool fuses(Operation *producer, Operation *last) const override {
    return gatedBy(cast<SwigluOp>(last)).op == producer;
  }
  Product productIn(KernelOp kernel) const override { return gatedBy(findIn<SwigluOp>(kernel)); }
};

class GroupedKind : public ProductKind {
public:
  GroupedKind() : ProductKind("grouped_projection", GroupedProjectOp::getOperationName()) {}
  Product productIn(KernelOp kernel) const override { return productOf(findIn<GroupedProjectOp>(kernel), false); }
};

/// The product of choices, stored in their own order; then the sum of each token's, and what is added to it.
class MixKind : public ProductKind {
public:
  MixKind() : ProductKind("mix_choices", MixChoicesOp::getOperationName()) {}
  bool takes(Operation *op) const override { return isa<MixChoicesOp>(op) || (isSum(op) && findMix(op)); }
  bool fuses(Operation *producer, Operation *last) const override {
    MixChoicesOp mix = isSum(last) ? findMix(last) : dyn_cast<MixChoicesOp>(last);
    return mix && (producer == mix || producer == mix.getRows().getDefiningOp<GroupedProjectOp>() ||
                   (isSum(last) && isPartOfSum(producer)));
  }
  Value findComputed(Value yielded) const override;
  Product productIn(KernelOp kernel) const override {
    return productOf(findIn<MixChoicesOp>(kernel).getRows().getDefiningOp(), false);
  }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

class SortKind : public KernelKind {
public:
  SortKind() : KernelKind("sort_choices", SortChoicesOp::getOperationName()) {}
  bool storesStaticRows(unsigned result) const override { return result == 2; }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createGatedKind() { return std::make_unique<GatedKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createGroupedKind() { return std::make_unique<GroupedKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createMixKind() { return std::make_unique<MixKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createSortKind() { return std::make_unique<SortKind>(); }

/// Return the weighted sum in a sum.
Value MixKind::findComputed(Value yielded) const {
  Operation *op = beforeRounding(yielded).getDefiningOp();
  MixChoicesOp mix = op && isSum(op) ? findMix(op) : dyn_cast_if_present<MixChoicesOp>(op);
  return mix ? mix.getResult() : yielded;
}

FailureOr<Launches> MixKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto mix = findIn<MixChoicesOp>(kernel);
  Product product = productIn(kernel);
  FailureOr<SumTerms> terms = readSum(kernel);
  FailureOr<Buffer> weights = operandOf(mix.getWeights());
  if (failed(terms) || failed(weights))
    return failure();
  Buffer rows{Buffer::Workspace, 0};
  FailureOr<Launches> launches = launchesOf(kernel, module, product, rows, mix.getOrder());
  if (failed(launches))
    return failure();
  launches->workspace.push_back(rowsOf(product.x) * (product.choices() * terms->shape.width * bf16Bytes));
  launches->launches.push_back(launchOfSum(kernel, module, *terms, rows, *weights));
  return launches;
}

FailureOr<Launches> SortKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto sort = findIn<SortChoicesOp>(kernel);
  FailureOr<View> x = viewOf(sort.getX());
  FailureOr<Buffer> experts = operandOf(sort.getExperts());
  if (failed(x) || failed(experts))
    return failure();
  SortChoicesShape shape{typeOf(sort.getExperts()).getDimSize(1), typeOf(sort.getFirst()).getDimSize(0) - 1,
                         typeOf(sort.getX()).getDimSize(1)};
  if (failed(checkWidth(kernel, shape.width)))
    return failure();
  emitSortChoices(module, shape);
  // No CTA without tokens.
  AffineExpr blocks = number(kernel, shape.experts + 1) * x->rows.ceilDiv(int64_t(1) << 30);
  Launch launch = launchOf(kernel, shape.name(), blocks, sortThreads);
  launch.sharedBytes = sortSharedBytes;
  launch.arguments = {x->buffer, *experts};
  for (unsigned result : {0, 1, 2})
    launch.arguments.push_back(Buffer{Buffer::Result, result});
  launch.arguments.push_back(x->rows);
  launch.arguments.push_back(x->strides[0]);
  return Launches{{launch}, {}};
}
