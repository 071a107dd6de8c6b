//===- WriteLaunches.cpp - mla.launches as JSON -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WriteLaunches.h"
#include "mla/Dialect/MLA/IR/Sizes.h"

using namespace mla;
namespace json = llvm::json;

static llvm::StringRef operatorOf(mlir::AffineExprKind kind) {
  switch (kind) {
  case mlir::AffineExprKind::Add:
    return "+";
  case mlir::AffineExprKind::Mul:
    return "*";
  case mlir::AffineExprKind::FloorDiv:
    return "//";
  case mlir::AffineExprKind::CeilDiv:
    return "ceil/";
  case mlir::AffineExprKind::Mod:
    return "%";
  default:
    llvm_unreachable("leaves have no operator");
  }
}

static json::Value toJson(mlir::AffineExpr expression) {
  if (auto constant = mlir::dyn_cast<mlir::AffineConstantExpr>(expression))
    return constant.getValue();
  if (auto symbol = mlir::dyn_cast<mlir::AffineSymbolExpr>(expression))
    return nameOf(static_cast<gpu::Size>(symbol.getPosition()));
  auto binary = mlir::cast<mlir::AffineBinaryOpExpr>(expression);
  return json::Array{operatorOf(binary.getKind()), toJson(binary.getLHS()), toJson(binary.getRHS())};
}

static json::Array toJson(mlir::AffineMap map) {
  json::Array list;
  for (mlir::AffineExpr expression : map.getResults())
    list.push_back(toJson(expression));
  return list;
}

static json::Object toJson(TensorMapAttr map) {
  return json::Object{{"buffer", map.getBuffer().getValue()}, {"offset", map.getOffset()},
                      {"dims", toJson(map.getDims())},        {"strides", toJson(map.getStrides())},
                      {"box", json::Array(map.getBox())},     {"swizzle", map.getSwizzle()}};
}

static json::Object argumentToJson(mlir::Attribute argument) {
  if (auto map = mlir::dyn_cast<TensorMapAttr>(argument))
    return json::Object{{"map", toJson(map)}};
  if (auto pointer = mlir::dyn_cast<PointerAttr>(argument))
    return json::Object{{"pointer", pointer.getBuffer().getValue()}, {"offset", pointer.getOffset()}};
  if (auto extent = mlir::dyn_cast<ExtentAttr>(argument))
    return json::Object{{"i32", toJson(extent.getExpression())}};
  return json::Object{{"f32", mlir::cast<mlir::FloatAttr>(argument).getValueAsDouble()}};
}

static json::Object toJson(LaunchOp launch) {
  json::Array arguments;
  for (mlir::Attribute argument : launch.getArgs())
    arguments.push_back(argumentToJson(argument));
  return json::Object{{"kernel", launch.getKernel().getLeafReference().getValue()},
                      {"grid", toJson(launch.getGrid())},
                      {"threads", static_cast<int64_t>(launch.getThreads())},
                      {"shared", static_cast<int64_t>(launch.getShared())},
                      {"overlap", launch.getOverlap()},
                      {"args", std::move(arguments)}};
}

void mla::addLaunchList(LaunchesOp list, json::Object &object) {
  json::Array workspace, launches;
  for (auto memory : list.getOps<WorkspaceOp>())
    workspace.push_back(json::Object{{"name", memory.getName()}, {"bytes", toJson(memory.getBytes().getResult(0))}});
  for (auto launch : list.getOps<LaunchOp>())
    launches.push_back(toJson(launch));
  object["workspace"] = std::move(workspace);
  object["launches"] = std::move(launches);
}
