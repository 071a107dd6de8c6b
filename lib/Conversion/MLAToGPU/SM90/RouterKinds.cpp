//===- RouterKinds.cpp - The kinds of routers -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"
#include "Product.h"
#include "ReadKernel.h"
#include "Route.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

static RouteShape routeOf(RouteOp op) {
  RouteShape shape;
  shape.experts = cast<RankedTensorType>(op.getLogits().getType()).getDimSize(1);
  shape.shared = op.getShared();
  shape.chosen = cast<RankedTensorType>(op.getExperts().getType()).getDimSize(1) - shape.shared;
  shape.isSigmoid = op.getScoring() == Scoring::Sigmoid;
  shape.isCorrected = op.getCorrection() != nullptr;
  shape.isNormalized = op.getNormalized();
  shape.groups = op.getGroups();
  shape.kept = op.getKept();
  shape.best = op.getBest();
  shape.factor = op.getFactor().convertToDouble();
  return shape;
}

/// Emits an error if the kernel does not support the sizes.
static LogicalResult checkSizes(RouteOp op) {
  RouteShape shape = routeOf(op);
  bool hasGroups = shape.groups > 1;
  std::tuple<StringRef, int64_t, int64_t> limits[] = {{"experts", shape.experts, maxRoutedExperts},
                                                      {"experts per token", shape.columns(), maxChosen},
                                                      {"groups", shape.groups, maxGroups},
                                                      {"best experts of a group", hasGroups ? shape.best : 1, maxBest}};
  for (auto [what, number, most] : limits)
    if (number > most)
      return op.emitOpError() << "has " << number << " " << what << ", the kernel at most " << most
                              << "; compile with --target=cpu";
  return success();
}

/// Adds the code of a route to `module`. Returns its launch: logits are `parts` arrays that are summed, rows `stride`
/// elements apart.
static FailureOr<Launch> launchOfRoute(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Buffer &logits,
                                       AffineExpr tokens, AffineExpr stride, int64_t parts) {
  auto op = findIn<RouteOp>(kernel);
  RouteShape shape = routeOf(op);
  shape.parts = parts;
  Launch launch = launchOf(kernel, shape.name(), tokens.ceilDiv(routeTokens), routeThreads);
  launch.arguments.push_back(logits);
  if (Value correction = op.getCorrection()) {
    FailureOr<Buffer> buffer = operandOf(correction);
    if (failed(buffer))
      return failure();
    if (!getElementTypeOrSelf(correction).isF32())
      return kernel.emitOpError("expected a correction of f32, got ") << getElementTypeOrSelf(correction);
    launch.arguments.push_back(*buffer);
  }
  for (unsigned result : {0, 1})
    launch.arguments.push_back(Buffer{Buffer::Result, result});
  launch.arguments.push_back(tokens);
  launch.arguments.push_back(stride);
  emitRoute(module, shape);
  return launch;
}

/// Experts whose scores nearly tie differ by less than a rounding to bf16.
static bool isLogits(const OpOperand &operand) {
  auto route = dyn_cast<RouteOp>(operand.getOwner());
  return route && operand.get() == route.getLogits();
}

static bool storesChoices(Type element, unsigned result) {
  return result == 0 ? element.isInteger(32) : element.isF32();
}

namespace {
/// Logits are in memory.
class RouteKind : public KernelKind {
public:
  RouteKind() : KernelKind("route", RouteOp::getOperationName()) {}
  bool readsFloat(const OpOperand &operand) const override { return isLogits(operand); }
  bool stores(Type element, unsigned result) const override { return storesChoices(element, result); }
  LogicalResult checkOperation(Operation *op) const override { return checkSizes(cast<RouteOp>(op)); }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

/// Logits are a product that nothing else reads: the route adds the parts of its sums.
class RouterKind : public ProductKind {
public:
  RouterKind() : ProductKind("router", RouteOp::getOperationName()) {}
  static Product productOf(RouteOp op);
  bool takes(Operation *op) const override { return isa<RouteOp>(op) && productOf(cast<RouteOp>(op)).op; }
  bool fuses(Operation *producer, Operation *last) const override {
    return isa<RouteOp>(last) && productOf(cast<RouteOp>(last)).op == producer;
  }
  bool readsFloat(const OpOperand &operand) const override { return isLogits(operand); }
  bool stores(Type element, unsigned result) const override { return storesChoices(element, result); }
  LogicalResult checkOperation(Operation *op) const override { return checkSizes(cast<RouteOp>(op)); }
  Product productIn(KernelOp kernel) const override { return productOf(findIn<RouteOp>(kernel)); }
  ArrayRef<ScheduleKey> getScheduleKeys() const override { return projectionKeys(); }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createRouteKind() { return std::make_unique<RouteKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createRouterKind() { return std::make_unique<RouterKind>(); }

FailureOr<Launches> RouteKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto op = findIn<RouteOp>(kernel);
  FailureOr<View> logits = viewOf(op.getLogits(), Elements::Float);
  if (failed(logits))
    return failure();
  if (elementOf(op.getLogits()) != Element::F32)
    return kernel.emitOpError("expected logits of f32, got ") << getElementTypeOrSelf(op.getLogits());
  FailureOr<Launch> launch =
      launchOfRoute(kernel, module, logits->buffer, logits->rows, logits->strides[0], /*parts=*/1);
  if (failed(launch))
    return failure();
  return Launches{{*launch}, {}};
}

/// Return the product of the logits; an empty one if something else reads them, or if it is none of bf16.
Product RouterKind::productOf(RouteOp op) {
  auto project = op.getLogits().getDefiningOp<ProjectOp>();
  if (!project || !llvm::all_of(project->getUsers(), [&](Operation *user) { return user == op; }) ||
      !getElementTypeOrSelf(project.getWeight().getType()).isBF16())
    return {};
  Product product = mla::gpu::productOf(project);
  product.floatResult = true;
  return product;
}

FailureOr<Launches> RouterKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  Product product = productIn(kernel);
  if (!product.op)
    return kernel.emitOpError("routes by logits that it does not multiply; compile with --target=cpu");
  Launches launches;
  AffineExpr tokens = rowsOf(product.x);
  int64_t experts = product.dims().rows, mostParts = 1;
  Buffer logits{Buffer::Workspace, 0};
  auto add = [&](const ProjectionChoices &choices, AffineExpr chosen) -> LogicalResult {
    FailureOr<ProjectionShape> shape = shapeOf(kernel, product, choices);
    if (failed(shape))
      return failure();
    FailureOr<Launch> multiply = launchOfProduct(kernel, module, product, *shape, logits);
    FailureOr<Launch> route = launchOfRoute(kernel, module, logits, tokens, number(kernel, experts), choices.splits);
    if (failed(multiply) || failed(route))
      return failure();
    for (Launch *launch : {&*multiply, &*route}) {
      launch->grid[0] = launch->grid[0] * chosen;
      launches.launches.push_back(*launch);
    }
    mostParts = std::max(mostParts, choices.splits);
    return success();
  };
  if (failed(forEachClass(*kernel.getSchedule(), tokens, add)))
    return failure();
  constexpr int64_t floatBytes = 4;
  launches.workspace.push_back(tokens * (mostParts * experts * floatBytes));
  return launches;
}
