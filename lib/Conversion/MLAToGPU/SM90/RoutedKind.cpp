//===- RoutedKind.cpp - The kind of routed and sorted choices -------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// What is between the residual stream and the products of experts: a norm, a
// router's product, its choices and their order. Few tokens take two launches,
// whose CTAs repeat what is small; others a launch for each.
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"
#include "NormalizedLogits.h"
#include "Norms.h"
#include "ReadKernel.h"
#include "RouteAndSort.h"
#include "Routing.h"
#include "Sorting.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Sorted choices
//===----------------------------------------------------------------------===//

SortChoicesShape mla::gpu::sortOf(SortChoicesOp op) {
  auto size = [](Value value, int64_t dim) { return cast<RankedTensorType>(value.getType()).getDimSize(dim); };
  bool isScaled = op.getScale() != nullptr;
  // Rows of e4m3 with their terms, as elements of two bytes.
  int64_t elements = isScaled ? 2 : 1, all = 1;
  for (int64_t own : cast<RankedTensorType>(op.getX().getType()).getShape().drop_front())
    all *= own;
  return {size(op.getExperts(), 1), size(op.getFirst(), 0) - 1, all / elements, isScaled ? size(op.getScale(), 1) : 0,
          static_cast<int64_t>(op.getFrom())};
}

FailureOr<Launch> mla::gpu::launchOfSort(KernelOp kernel, mlir::gpu::GPUModuleOp module) {
  auto sort = findIn<SortChoicesOp>(kernel);
  bool isScaled = sort.getScale() != nullptr;
  FailureOr<View> x = viewOf(sort.getX(), isScaled ? Elements::E4M3 : Elements::BF16);
  FailureOr<Buffer> experts = operandOf(sort.getExperts()),
                    scale = isScaled ? operandOf(sort.getScale()) : FailureOr<Buffer>(Buffer());
  SortChoicesShape shape = sortOf(sort);
  if (failed(x) || failed(experts) || failed(scale) || failed(checkWidth(kernel, shape.width)))
    return failure();
  emitSortChoices(module, shape);
  // No CTA without tokens.
  AffineExpr blocks = number(kernel, shape.experts + 1) * x->rows.ceilDiv(int64_t(1) << 30);
  Launch launch = launchOf(kernel, shape.name(), blocks, sortThreads);
  launch.grid[1] = number(kernel, sortParts);
  launch.sharedBytes = sortSharedBytes;
  launch.arguments = {x->buffer, *experts};
  for (unsigned result : {0, 1, 2})
    launch.arguments.push_back(Buffer{Buffer::Result, result});
  if (isScaled) {
    launch.arguments.push_back(*scale);
    launch.arguments.push_back(Buffer{Buffer::Result, 3});
  }
  launch.arguments.push_back(x->rows);
  launch.arguments.push_back(x->strides[0].floorDiv(isScaled ? 2 : 1));
  return launch;
}

//===----------------------------------------------------------------------===//
// What is routed
//===----------------------------------------------------------------------===//

namespace {
/// The operations of a kernel, or none.
struct Routed {
  SortChoicesOp sort;
  RouteOp route;
  Product product; ///< of the logits
  RmsNormOp norm;  ///< of which they are, and whose rows are sorted

  explicit operator bool() const { return product.op && norm; }
};
} // namespace

static Routed routedBy(SortChoicesOp sort) {
  Routed routed;
  routed.sort = sort;
  routed.route = sort.getExperts().getDefiningOp<RouteOp>();
  if (!routed.route)
    return routed;
  routed.product = logitsOf(routed.route);
  routed.norm = sort.getX().getDefiningOp<RmsNormOp>();
  if (routed.norm && (!routed.product.op || routed.product.x != sort.getX()))
    routed.norm = {};
  return routed;
}

/// Return whether only the kernel's operations read the norm, and nothing reads the choices before they are sorted.
static bool isUnreadBefore(const Routed &routed) {
  Operation *sort = SortChoicesOp(routed.sort);
  bool onlyRouted = llvm::all_of(RmsNormOp(routed.norm)->getUsers(), [&](Operation *user) {
    return user == sort || user == routed.product.op || isa<tensor::DimOp>(user);
  });
  return onlyRouted && llvm::all_of(RouteOp(routed.route)->getUsers(), [&](Operation *user) {
           return user == sort || (user->getBlock() == sort->getBlock() && sort->isBeforeInBlock(user));
         });
}

namespace {
class RoutedKind : public ProductKind {
public:
  RoutedKind() : ProductKind("routed_choices", SortChoicesOp::getOperationName()) {}
  bool takes(Operation *op) const override;
  bool fuses(Operation *producer, Operation *last) const override {
    auto sort = dyn_cast<SortChoicesOp>(last);
    return sort && producer == routedBy(sort).product.op;
  }
  bool alsoStores(Operation *op, Operation *last) const override;
  Value findComputed(Value yielded) const override { return beforeRounding(yielded); }
  bool stores(Type element, unsigned result) const override {
    constexpr unsigned ownResults = 3; // behind them, weights of choices may be
    return KernelKind::stores(element, result) || (result >= ownResults && element.isF32());
  }
  bool storesStaticRows(unsigned result) const override { return result == 2; }
  Product productIn(KernelOp kernel) const override { return routedBy(findIn<SortChoicesOp>(kernel)).product; }
  ArrayRef<ScheduleKey> getScheduleKeys() const override;
  Choices chooseSchedule(KernelOp kernel, const Purpose &purpose, const TargetInfo &target) const override;
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createRoutedKind() { return std::make_unique<RoutedKind>(); }

bool RoutedKind::takes(Operation *op) const {
  auto sort = dyn_cast<SortChoicesOp>(op);
  Routed routed = sort ? routedBy(sort) : Routed();
  return routed && sort.getFrom() == 0 && isUnreadBefore(routed); // sorting at once knows all experts
}

bool RoutedKind::alsoStores(Operation *op, Operation *last) const {
  auto sort = dyn_cast<SortChoicesOp>(last);
  Routed routed = sort ? routedBy(sort) : Routed();
  return routed && (op == routed.route || op == routed.norm || isNormalizedSum(op, routed.norm));
}

/// The key of the first class: up to so many tokens take two launches.
static constexpr llvm::StringLiteral kFewKey = "few";

ArrayRef<ScheduleKey> RoutedKind::getScheduleKeys() const {
  static const std::vector<ScheduleKey> keys = [] {
    std::vector<ScheduleKey> all(projectionKeys().begin(), projectionKeys().end());
    all.push_back({kFewKey, 0, RouteAndSortShape::mostTokens, 0});
    return all;
  }();
  return keys;
}

/// The sums of both ways differ in their order.
KernelKind::Choices RoutedKind::chooseSchedule(KernelOp kernel, const Purpose &purpose,
                                               const TargetInfo &target) const {
  Choices choices = ProductKind::chooseSchedule(kernel, purpose, target);
  choices.emplace_back(kFewKey, purpose.batchInvariant ? 0 : RouteAndSortShape::mostTokens);
  return choices;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

namespace {
/// What the launches of a kernel have in common.
class RoutedLaunches {
public:
  RoutedLaunches(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Routed &routed)
      : kernel(kernel), module(module), routed(routed), tokens(rowsOf(routed.product.x)) {}
  FailureOr<Launches> make();

private:
  LogicalResult readBuffers();
  /// Adds a launch whose grid is empty unless `chosen` is 1.
  void add(Launch launch, AffineExpr chosen);
  LogicalResult addFew(AffineExpr isFew);
  LogicalResult addClass(const ProjectionChoices &choices, AffineExpr chosen);

  KernelOp kernel;
  mlir::gpu::GPUModuleOp module;
  Routed routed;
  AffineExpr tokens;
  std::optional<Norm> norm;
  SmallVector<Buffer> normResults, choiceResults;
  Buffer logits{Buffer::Workspace, 0};
  int64_t mostParts = 1;
  Launches launches;
};
} // namespace

void RoutedLaunches::add(Launch launch, AffineExpr chosen) {
  launch.grid[0] = launch.grid[0] * chosen;
  launches.launches.push_back(std::move(launch));
}

/// Return the result that holds a sum, which is rounded before it is stored; none if nothing else reads it.
static std::optional<Buffer> findStoredSum(Value sum) {
  for (Operation *user : sum.getUsers())
    if (auto rounded = dyn_cast<arith::TruncFOp>(user))
      for (OpOperand &use : rounded->getUses())
        if (isa<YieldOp>(use.getOwner()))
          return Buffer{Buffer::Result, use.getOperandNumber()};
  return std::nullopt;
}

/// Read the norm, and where it, its sum and the choices are stored.
LogicalResult RoutedLaunches::readBuffers() {
  FailureOr<Norm> read = readNorm(kernel, routed.norm);
  FailureOr<Buffer> y = operandOf(routed.norm.getResult());
  if (failed(read) || failed(y))
    return failure();
  norm = *read;
  normResults = {*y};
  if (std::optional<Buffer> sum = findStoredSum(routed.norm.getX())) {
    norm->shape.storesX = true;
    normResults.push_back(*sum);
  }
  for (Value result : routed.route->getResults()) {
    FailureOr<Buffer> buffer = operandOf(result);
    if (failed(buffer))
      return failure();
    choiceResults.push_back(*buffer);
  }
  return success();
}

/// Add the two launches for few tokens.
LogicalResult RoutedLaunches::addFew(AffineExpr isFew) {
  NormalizedLogitsShape multiply{norm->shape, routed.product.dims().rows};
  FailureOr<Buffer> weight = operandOf(routed.product.weight);
  FailureOr<View> x = viewOf(routed.sort.getX());
  FailureOr<std::vector<Argument>> inputs = inputsOf(kernel, routed.route, logits);
  if (failed(weight) || failed(x) || failed(inputs))
    return failure();
  emitNormalizedLogits(module, multiply);
  Launch first = launchOf(kernel, multiply.name(), number(kernel, multiply.rows / multiply.rowsOfBlock),
                          NormalizedLogitsShape::threads);
  first.grid[1] = tokens;
  first.sharedBytes = multiply.sharedBytes();
  first.arguments = norm->argumentsOf(kernel, normResults);
  first.arguments.push_back(*weight);
  first.arguments.push_back(logits);
  add(first, isFew);

  RouteAndSortShape sorted{routeOf(routed.route), sortOf(routed.sort)};
  emitRouteAndSort(module, sorted);
  Launch second =
      launchOf(kernel, sorted.name(), number(kernel, RouteAndSortShape::blocks), RouteAndSortShape::threads);
  second.sharedBytes = RouteAndSortShape::sharedBytes;
  second.arguments = *inputs;
  llvm::append_range(second.arguments, choiceResults);
  second.arguments.push_back(x->buffer);
  for (unsigned result : {0, 1, 2})
    second.arguments.push_back(Buffer{Buffer::Result, result});
  for (AffineExpr size : {tokens, number(kernel, multiply.rows), x->strides[0]})
    second.arguments.push_back(size);
  add(second, isFew);
  return success();
}

/// Add the product of the logits and the route of a class of steps.
LogicalResult RoutedLaunches::addClass(const ProjectionChoices &choices, AffineExpr chosen) {
  FailureOr<ProjectionShape> shape = shapeOf(kernel, routed.product, choices);
  if (failed(shape))
    return failure();
  int64_t experts = routed.product.dims().rows;
  FailureOr<Launch> multiply = launchOfProduct(kernel, module, routed.product, *shape, logits);
  FailureOr<Launch> route =
      launchOfRoute(kernel, module, logits, choiceResults, tokens, number(kernel, experts), choices.splits);
  if (failed(multiply) || failed(route))
    return failure();
  add(*multiply, chosen);
  add(*route, chosen);
  mostParts = std::max(mostParts, choices.splits);
  return success();
}

FailureOr<Launches> RoutedLaunches::make() {
  if (failed(readBuffers()))
    return failure();
  AffineExpr none = number(kernel, 0), exists = tokens.ceilDiv(int64_t(1) << 30);
  bool haveCode = NormalizedLogitsShape{norm->shape, routed.product.dims().rows}.isSupported();
  int64_t few = haveCode ? kernel.getSchedule()->find(kFewKey, 0).value_or(0) : 0;
  if (std::optional<int64_t> limit = kernel.getSchedule()->find(kLimitKey, 0); few && limit && *limit < few)
    return kernel.emitOpError() << "expected '" << kFewKey << "' of the schedule to be at most the first limit, "
                                << *limit << ", got " << few;
  AffineExpr isFew = few ? mla::gpu::addClass(launches, tokens, few, RouteAndSortShape::mostTokens) : none;
  AffineExpr isMore = isFew * -1 + 1;
  if (few && failed(addFew(isFew * exists)))
    return failure();
  add(launchOfNorm(kernel, module, *norm, normResults), isMore);
  auto addMore = [&](const ProjectionChoices &choices, AffineExpr chosen) {
    return addClass(choices, chosen * isMore);
  };
  FailureOr<Launch> sort = launchOfSort(kernel, module);
  if (failed(sort) || failed(forEachClass(*kernel.getSchedule(), tokens, launches, addMore)))
    return failure();
  add(*sort, isMore);
  constexpr int64_t floatBytes = 4;
  launches.workspace.push_back(tokens * (mostParts * routed.product.dims().rows * floatBytes));
  return launches;
}

FailureOr<Launches> RoutedKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  Routed routed = routedBy(findIn<SortChoicesOp>(kernel));
  if (!routed)
    return kernel.emitOpError("sorts choices of rows that it does not normalize and route; compile with --target=cpu");
  return RoutedLaunches(kernel, module, routed).make();
}
