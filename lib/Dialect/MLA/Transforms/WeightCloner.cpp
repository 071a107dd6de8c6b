//===- WeightCloner.cpp - Weight arithmetic in one precision ----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightCloner.h"
#include "Projections.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

static Type elementTypeOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

static void setElementType(Value value, Type elementType) {
  value.setType(cast<RankedTensorType>(value.getType()).clone(elementType));
}

Value WeightCloner::castTo(Value value, Type elementType) {
  unsigned from = elementTypeOf(value).getIntOrFloatBitWidth(), to = elementType.getIntOrFloatBitWidth();
  if (elementTypeOf(value) == elementType)
    return value;
  if (from == to) // there is no direct cast between bf16 and f16
    return castTo(castTo(value, builder.getF32Type()), elementType);
  Type type = cast<RankedTensorType>(value.getType()).clone(elementType);
  if (from < to)
    return arith::ExtFOp::create(builder, value.getLoc(), type, value);
  return arith::TruncFOp::create(builder, value.getLoc(), type, value);
}

Value WeightCloner::clone(Value value) {
  if (!mapping.contains(value))
    mapping.map(value, rebuild(value.getDefiningOp()));
  return mapping.lookup(value);
}

Value WeightCloner::rebuild(Operation *op) {
  auto factor = [&](Value value) { return inFloat32 ? castTo(clone(value), builder.getF32Type()) : clone(value); };
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](ComposeOp compose) -> Value {
        Value outer = factor(compose.getOuter()), inner = factor(compose.getInner());
        return ComposeOp::create(builder, op->getLoc(), outer, inner);
      })
      .Case<arith::AddFOp, arith::MulFOp>([&](auto sum) -> Value {
        Value lhs = factor(sum.getLhs()), rhs = factor(sum.getRhs());
        return decltype(sum)::create(builder, op->getLoc(), lhs, rhs);
      })
      .Case([&](linalg::TransposeOp transpose) {
        return permuteWeight(builder, op->getLoc(), clone(transpose.getInput()), transpose.getPermutation());
      })
      .Case<arith::ExtFOp, arith::TruncFOp>(
          [&](auto cast) { return castTo(clone(cast.getIn()), elementTypeOf(cast.getResult())); })
      .Default([&](Operation *) { return copy(op); });
}

/// Clones an operation, passing its first operand's element type on if it only
/// moves elements.
Value WeightCloner::copy(Operation *op) {
  for (Value operand : op->getOperands())
    clone(operand);
  Operation *copied = builder.clone(*op, mapping);
  copied->removeDiscardableAttr(kNameAttr);
  Value result = copied->getResult(0);
  if (isa<DequantizeOp>(copied) && inFloat32)
    setElementType(result, builder.getF32Type());
  else if (isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ConcatOp>(copied))
    setElementType(result, elementTypeOf(copied->getOperand(0)));
  return result;
}
