//===- RouterKinds.cpp - The kinds of routers -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"
#include "ReadKernel.h"
#include "Routing.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

RouteShape mla::gpu::routeOf(RouteOp op) {
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

LogicalResult mla::gpu::checkSizes(RouteOp op) {
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

FailureOr<std::vector<Argument>> mla::gpu::inputsOf(KernelOp kernel, RouteOp op, const Buffer &logits) {
  std::vector<Argument> arguments = {logits};
  Value correction = op.getCorrection();
  if (!correction)
    return arguments;
  FailureOr<Buffer> buffer = operandOf(correction);
  if (failed(buffer))
    return failure();
  if (!getElementTypeOrSelf(correction).isF32())
    return kernel.emitOpError("expected a correction of f32, got ") << getElementTypeOrSelf(correction);
  arguments.push_back(*buffer);
  return arguments;
}

FailureOr<Launch> mla::gpu::launchOfRoute(KernelOp kernel, mlir::gpu::GPUModuleOp module, const Buffer &logits,
                                          ArrayRef<Buffer> results, AffineExpr tokens, AffineExpr stride,
                                          int64_t parts) {
  auto op = findIn<RouteOp>(kernel);
  RouteShape shape = routeOf(op);
  shape.parts = parts;
  FailureOr<std::vector<Argument>> inputs = inputsOf(kernel, op, logits);
  if (failed(inputs))
    return failure();
  Launch launch = launchOf(kernel, shape.name(), tokens.ceilDiv(routeTokens), routeThreads);
  launch.arguments = *inputs;
  for (const Buffer &result : results)
    launch.arguments.push_back(result);
  launch.arguments.push_back(tokens);
  launch.arguments.push_back(stride);
  emitRoute(module, shape);
  return launch;
}

bool mla::gpu::isLogits(const OpOperand &operand) {
  auto route = dyn_cast<RouteOp>(operand.getOwner());
  return route && operand.get() == route.getLogits();
}

Product mla::gpu::logitsOf(RouteOp op) {
  auto project = op.getLogits().getDefiningOp<ProjectOp>();
  if (!project || !llvm::all_of(project->getUsers(), [&](Operation *user) { return user == op; }) ||
      !getElementTypeOrSelf(project.getWeight().getType()).isBF16())
    return {};
  Product product = productOf(project);
  product.floatResult = true;
  return product;
}

static bool storesChoices(Type element, unsigned result) {
  return result == 0 ? element.isInteger(32) : element.isF32();
}

static constexpr Buffer results[] = {{Buffer::Result, 0}, {Buffer::Result, 1}};

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
  bool takes(Operation *op) const override { return isa<RouteOp>(op) && logitsOf(cast<RouteOp>(op)).op; }
  bool fuses(Operation *producer, Operation *last) const override {
    return isa<RouteOp>(last) && logitsOf(cast<RouteOp>(last)).op == producer;
  }
  bool readsFloat(const OpOperand &operand) const override { return isLogits(operand); }
  bool stores(Type element, unsigned result) const override { return storesChoices(element, result); }
  LogicalResult checkOperation(Operation *op) const override { return checkSizes(cast<RouteOp>(op)); }
  Product productIn(KernelOp kernel) const override { return logitsOf(findIn<RouteOp>(kernel)); }
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
      launchOfRoute(kernel, module, logits->buffer, results, logits->rows, logits->strides[0], /*parts=*/1);
  if (failed(launch))
    return failure();
  return Launches{{*launch}, {}};
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
    FailureOr<Launch> route =
        launchOfRoute(kernel, module, logits, results, tokens, number(kernel, experts), choices.splits);
    if (failed(multiply) || failed(route))
      return failure();
    for (Launch *launch : {&*multiply, &*route}) {
      launch->grid[0] = launch->grid[0] * chosen;
      launches.launches.push_back(*launch);
    }
    mostParts = std::max(mostParts, choices.splits);
    return success();
  };
  if (failed(forEachClass(*kernel.getSchedule(), tokens, launches, add)))
    return failure();
  constexpr int64_t floatBytes = 4;
  launches.workspace.push_back(tokens * (mostParts * experts * floatBytes));
  return launches;
}
