//===- WriteLaunches.cpp - mla.launches as JSON -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WriteLaunches.h"
#include "mla/Dialect/MLA/IR/Bindings.h"
#include "mla/Dialect/MLA/IR/LaunchWork.h"
#include "mla/Dialect/MLA/IR/Sizes.h"

using namespace mla;
namespace json = llvm::json;

static json::Value toJson(mlir::AffineExpr expression) {
  if (auto constant = mlir::dyn_cast<mlir::AffineConstantExpr>(expression))
    return constant.getValue();
  if (auto symbol = mlir::dyn_cast<mlir::AffineSymbolExpr>(expression))
    return gpu::nameOfSymbol(symbol.getPosition());
  auto binary = mlir::cast<mlir::AffineBinaryOpExpr>(expression);
  return json::Array{nameOf(gpu::operatorOf(binary.getKind())), toJson(binary.getLHS()), toJson(binary.getRHS())};
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
  using Kind = schema::Argument;
  if (auto map = mlir::dyn_cast<TensorMapAttr>(argument))
    return json::Object{{nameOf(Kind::Map), toJson(map)}};
  if (auto pointer = mlir::dyn_cast<PointerAttr>(argument))
    return json::Object{{nameOf(Kind::Pointer), pointer.getBuffer().getValue()}, {"offset", pointer.getOffset()}};
  if (auto extent = mlir::dyn_cast<ExtentAttr>(argument))
    return json::Object{{nameOf(Kind::Integer), toJson(extent.getExpression())}};
  return json::Object{{nameOf(Kind::Float), mlir::cast<mlir::FloatAttr>(argument).getValueAsDouble()}};
}

/// Write a binding. Dynamic sizes of its type are those of the row.
static json::Object toJson(BindingAttr attribute, schema::List list) {
  const schema::Binding *binding = schema::findBinding(list, attribute.getBuffer().getValue());
  json::Array shape;
  for (auto [i, size] : llvm::enumerate(attribute.getType().getShape())) {
    const schema::ExtentRow &extent = rowOf(binding->extents[i]);
    if (!mlir::ShapedType::isDynamic(size))
      shape.push_back(size);
    else if (extent.number == 0)
      shape.push_back(nameOf(extent.size));
    else
      shape.push_back(json::Array{nameOf(schema::Operator::Add), nameOf(extent.size), extent.number});
  }
  return json::Object{{"name", attribute.getBuffer().getValue()},
                      {"dtype", nameOf(*elementOf(attribute.getType().getElementType()))},
                      {"shape", std::move(shape)}};
}

/// Write what the compiler says of the launch's work, if it does.
static void addWork(mlir::Operation *launch, json::Object &object) {
  if (auto part = launch->getAttrOfType<mlir::StringAttr>(kPartAttr))
    object["part"] = part.getValue();
  if (auto choice = launch->getAttrOfType<mlir::IntegerAttr>(kChoiceAttr))
    object["choice"] = choice.getInt();
  for (auto [key, name] : {std::pair("bytes", kBytesAttr), std::pair("flops", kFlopsAttr)})
    if (auto amount = launch->getAttrOfType<ExtentAttr>(name))
      object[key] = toJson(amount.getExpression());
}

static json::Object toJson(ChoiceAttr choice) {
  return json::Object{{"kernel", choice.getKernel().getValue()},
                      {"size", toJson(choice.getSize().getResult(0))},
                      {"limits", json::Array(choice.getLimits())},
                      {"most", json::Array(choice.getMost())}};
}

static json::Object toJson(LaunchOp launch) {
  json::Array arguments;
  for (mlir::Attribute argument : launch.getArgs())
    arguments.push_back(argumentToJson(argument));
  json::Object object{{"kernel", launch.getKernel().getLeafReference().getValue()},
                      {"grid", toJson(launch.getGrid())},
                      {"threads", static_cast<int64_t>(launch.getThreads())},
                      {"shared", static_cast<int64_t>(launch.getShared())},
                      {"overlap", launch.getOverlap()},
                      {"args", std::move(arguments)}};
  addWork(launch, object);
  return object;
}

/// The two enums number the collectives alike.
static schema::Collective toSchema(Collective kind) { return static_cast<schema::Collective>(kind); }
static_assert(static_cast<int>(schema::Collective::AllGather) == static_cast<int>(Collective::AllGather) &&
              static_cast<int>(schema::Collective::AllToAll) == static_cast<int>(Collective::AllToAll));

static json::Object toJson(CollectiveOp op) {
  json::Object object{{"collective", nameOf(toSchema(op.getKind()))}, {"ranks", static_cast<int64_t>(op.getRanks())},
                      {"in", argumentToJson(op.getInAttr())},         {"out", argumentToJson(op.getOutAttr())},
                      {"count", toJson(op.getCount().getResult(0))},  {"dtype", nameOf(*elementOf(op.getElement()))}};
  addWork(op, object);
  return object;
}

void mla::addLaunchList(LaunchesOp list, json::Object &object) {
  json::Array bindings, workspace, launches;
  for (auto binding : list.getBindings().getAsRange<BindingAttr>())
    bindings.push_back(toJson(binding, *listOf(list)));
  for (auto memory : list.getOps<WorkspaceOp>())
    workspace.push_back(json::Object{{"name", memory.getName()}, {"bytes", toJson(memory.getBytes().getResult(0))}});
  for (mlir::Operation &op : list.getBody().front())
    if (auto launch = mlir::dyn_cast<LaunchOp>(op))
      launches.push_back(toJson(launch));
    else if (auto collective = mlir::dyn_cast<CollectiveOp>(op))
      launches.push_back(toJson(collective));
  object["bindings"] = std::move(bindings);
  json::Array choices;
  for (auto choice : list.getChoices().getAsRange<ChoiceAttr>())
    choices.push_back(toJson(choice));
  if (!choices.empty())
    object["choices"] = std::move(choices);
  object["workspace"] = std::move(workspace);
  object["launches"] = std::move(launches);
}
