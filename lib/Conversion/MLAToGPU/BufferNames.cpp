//===- BufferNames.cpp - Names of the buffers of kernels --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BufferNames.h"
#include "mla/Conversion/MLAToGPU/Views.h"
#include "mla/Dialect/MLA/IR/Bindings.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

/// Returned values are in the caller's memory.
BufferNames::BufferNames(func::FuncOp function, ImplicitLocOpBuilder &builder) : function(function), builder(builder) {
  for (OpOperand &operand : function.front().getTerminator()->getOpOperands()) {
    auto name = function.getResultAttrOfType<StringAttr>(operand.getOperandNumber(), kBufferAttr);
    if (isa<RankedTensorType>(operand.get().getType()))
      stored[operand.get()] = name ? name : builder.getStringAttr(schema::nameOf(schema::Buffer::Out));
  }
}

StringAttr BufferNames::declare(AffineExpr bytes) {
  StringAttr name = builder.getStringAttr("temp:" + Twine(numTemps++));
  WorkspaceOp::create(builder, name, AffineMapAttr::get(mapOf(bytes, builder.getContext())));
  return name;
}

void BufferNames::enter(KernelOp entered, ArrayRef<AffineExpr> sizes) {
  kernel = entered;
  workspace.clear();
  for (AffineExpr bytes : sizes)
    workspace.push_back(declare(bytes));
}

StringAttr BufferNames::nameOf(const Buffer &buffer) {
  switch (buffer.kind) {
  case Buffer::Operand:
    return nameOf(kernel.getInputs()[buffer.index], buffer.part);
  case Buffer::Result:
    return nameOf(kernel.getOutputs()[buffer.index], buffer.part);
  case Buffer::Workspace:
    return workspace[buffer.index];
  }
  llvm_unreachable("every kind of buffer has a name");
}

static StringRef nameOfPart(Buffer::Part part) {
  switch (part) {
  case Buffer::Pages:
    return schema::nameOf(schema::Buffer::Pages);
  case Buffer::BlockTable:
    return schema::nameOf(schema::Buffer::BlockTable);
  case Buffer::Lengths:
    return schema::nameOf(schema::Buffer::Lengths);
  }
  llvm_unreachable("a cache has three parts");
}

StringAttr BufferNames::nameOfArgument(BlockArgument argument, Buffer::Part part) {
  if (isa<CacheType>(argument.getType()))
    return builder.getStringAttr(nameOfPart(part));
  if (auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), kBufferAttr))
    return name;
  auto rows = matchInOrder(argumentsOf(schema::List::Entry), function.getArgumentTypes());
  return builder.getStringAttr(rows[argument.getArgNumber()]->name);
}

static AffineExpr bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t rowBytes = type.getElementTypeBitWidth() / 8;
  for (int64_t size : type.getShape().drop_front())
    rowBytes *= size;
  return rowsOf(value) * rowBytes;
}

StringAttr BufferNames::nameOf(Value value, Buffer::Part part) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return nameOfArgument(argument, part);
  if (auto weight = value.getDefiningOp<WeightOp>())
    return builder.getStringAttr("weight:" + weight.getName());
  // A cache written by a kernel is the caller's; a function has only one.
  if (isa<CacheType>(value.getType()))
    return builder.getStringAttr(nameOfPart(part));
  StringAttr &name = stored[value];
  if (!name)
    name = declare(bytesOf(value));
  return name;
}

ArrayAttr BufferNames::bindings() {
  SmallVector<Attribute> bindings;
  auto bind = [&](StringAttr name, RankedTensorType type) {
    auto emitError = [&] { return function.emitOpError(); };
    bindings.push_back(BindingAttr::getChecked(emitError, builder.getContext(), name, type));
  };
  for (BlockArgument argument : function.getArguments()) {
    auto cache = dyn_cast<CacheType>(argument.getType());
    if (!cache) {
      bind(nameOfArgument(argument, Buffer::Pages), cast<RankedTensorType>(argument.getType()));
      continue;
    }
    bind(nameOfArgument(argument, Buffer::Pages), cache.getPagesType());
    bind(nameOfArgument(argument, Buffer::BlockTable), cache.getBlockTableType());
    bind(nameOfArgument(argument, Buffer::Lengths), cache.getLengthsType());
  }
  for (Value result : function.front().getTerminator()->getOperands())
    if (auto type = dyn_cast<RankedTensorType>(result.getType()))
      bind(stored[result], type);
  return llvm::is_contained(bindings, Attribute()) ? ArrayAttr() : builder.getArrayAttr(bindings);
}
