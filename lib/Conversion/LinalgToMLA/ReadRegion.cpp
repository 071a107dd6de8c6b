//===- ReadRegion.cpp - Scalar operations as formulas ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReadRegion.h"
#include "Literal.h"
#include "Movement.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace mla::raise;

/// Return whether a conversion changes a value at most by rounding, to an
/// element type of layers.
static bool keepsValue(Operation *op) {
  Type from = getElementTypeOrSelf(op->getOperand(0)), to = getElementTypeOrSelf(op->getResult(0));
  if (isa<arith::ExtSIOp, arith::SIToFPOp>(op))
    return !from.isInteger(1); // true would be -1
  if (isa<arith::TruncIOp>(op))
    return to.getIntOrFloatBitWidth() >= 32;
  return !isa<arith::TruncFOp>(op) || to.getIntOrFloatBitWidth() >= 16; // narrower types quantize
}

std::optional<Function> mla::raise::functionOf(Operation *op) {
  using Result = std::optional<Function>;
  return TypeSwitch<Operation *, Result>(op)
      .Case<arith::AddFOp, arith::AddIOp>([](auto) { return Function::Add; })
      .Case<arith::SubFOp, arith::SubIOp>([](auto) { return Function::Subtract; })
      .Case<arith::MulFOp, arith::MulIOp>([](auto) { return Function::Multiply; })
      .Case<arith::DivFOp>([](auto) { return Function::Divide; })
      .Case<arith::NegFOp>([](auto) { return Function::Negate; })
      .Case<math::ExpOp>([](auto) { return Function::Exp; })
      .Case<math::RsqrtOp>([](auto) { return Function::Rsqrt; })
      .Case<math::SqrtOp>([](auto) { return Function::Sqrt; })
      .Case<math::CosOp>([](auto) { return Function::Cos; })
      .Case<math::SinOp>([](auto) { return Function::Sin; })
      .Case<arith::MaximumFOp, arith::MaxNumFOp>([](auto) { return Function::Maximum; })
      .Case<arith::AndIOp>([](auto) { return Function::And; })
      .Case<arith::OrIOp>([](auto) { return Function::Or; })
      .Case<arith::XOrIOp>([](auto) { return Function::Xor; })
      .Case<arith::SelectOp>([](auto) { return Function::Select; })
      .Case<arith::CmpIOp, arith::CmpFOp>([](auto) { return Function::Compare; })
      .Case<arith::ExtFOp, arith::TruncFOp, arith::SIToFPOp, arith::UIToFPOp, arith::ExtSIOp, arith::ExtUIOp,
            arith::TruncIOp, arith::IndexCastOp, arith::IndexCastUIOp>(
          [](auto op) { return keepsValue(op) ? Result(Function::Convert) : std::nullopt; })
      .Case<complex::CreateOp>([](auto) { return Function::Complex; })
      .Case<complex::MulOp>([](auto) { return Function::ComplexMultiply; })
      .Case<complex::ReOp>([](auto) { return Function::RealPart; })
      .Case<complex::ImOp>([](auto) { return Function::ImaginaryPart; })
      .Default(Result());
}

std::optional<double> mla::raise::evaluate(Function function, ArrayRef<double> x) {
  switch (function) {
  case Function::Add:
    return x[0] + x[1];
  case Function::Subtract:
    return x[0] - x[1];
  case Function::Multiply:
    return x[0] * x[1];
  case Function::Divide:
    return x[0] / x[1];
  case Function::Negate:
    return -x[0];
  case Function::Maximum:
    return std::max(x[0], x[1]);
  case Function::And:
    return x[0] != 0 && x[1] != 0;
  case Function::Or:
    return x[0] != 0 || x[1] != 0;
  case Function::Xor:
    return (x[0] != 0) != (x[1] != 0);
  case Function::Select:
    return x[0] != 0 ? x[1] : x[2];
  case Function::Convert:
    return x[0];
  default:
    return std::nullopt;
  }
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

std::optional<Bound> mla::raise::boundOf(Operation *comparison) {
  auto compare = dyn_cast<arith::CmpIOp>(comparison);
  if (!compare)
    return std::nullopt;
  switch (compare.getPredicate()) {
  case arith::CmpIPredicate::sge:
    return Bound{true, 0};
  case arith::CmpIPredicate::sgt:
    return Bound{true, 1};
  case arith::CmpIPredicate::sle:
    return Bound{false, 0};
  case arith::CmpIPredicate::slt:
    return Bound{false, 1};
  default:
    return std::nullopt;
  }
}

std::optional<bool> mla::raise::compareRange(Operation *comparison, Interval difference) {
  auto compare = dyn_cast<arith::CmpIOp>(comparison);
  if (!compare)
    return std::nullopt;
  bool isOne = difference.first == difference.last, hasZero = difference.first <= 0 && difference.last >= 0;
  switch (compare.getPredicate()) {
  case arith::CmpIPredicate::eq:
    return isOne ? std::optional(hasZero) : hasZero ? std::nullopt : std::optional(false);
  case arith::CmpIPredicate::ne:
    return isOne ? std::optional(!hasZero) : hasZero ? std::nullopt : std::optional(true);
  default:
    break;
  }
  std::optional<Bound> bound = boundOf(comparison);
  if (!bound)
    return std::nullopt;
  Interval range = bound->first ? difference : Interval{-difference.last, -difference.first};
  if (range.first >= bound->offset)
    return true;
  return range.last < bound->offset ? std::optional(false) : std::nullopt;
}

bool mla::raise::isSameComparison(Operation *a, Operation *b) {
  return a->getName() == b->getName() && a->getPropertiesAsAttribute() == b->getPropertiesAsAttribute();
}

//===----------------------------------------------------------------------===//
// The body of an operation
//===----------------------------------------------------------------------===//

TermRef RegionReader::read(Value scalar) {
  auto found = known.find(scalar);
  if (found != known.end())
    return found->second;
  auto argument = dyn_cast<BlockArgument>(scalar);
  TermRef result = argument ? readArgument(argument) : readOperation(scalar.getDefiningOp());
  return known[scalar] = result;
}

/// Return the element of an operand in this iteration.
TermRef RegionReader::readArgument(BlockArgument argument) {
  if (argument.getOwner() != op.getBlock())
    return nullptr;
  OpOperand *operand = op.getMatchingOpOperand(argument);
  if (!isa<RankedTensorType>(operand->get().getType()))
    return read(operand->get());
  return terms.element(operand->get(), indexOf(op.getMatchingIndexingMap(operand), iteration, terms.variables));
}

TermRef RegionReader::readElement(Value tensor, ValueRange indices) {
  SmallVector<AffineExpr> index;
  for (Value value : indices) {
    TermRef at = read(value);
    if (!at || (at->kind != Term::Index && at->kind != Term::Number))
      return nullptr;
    index.push_back(at->kind == Term::Index ? at->index[0] : terms.variables.constant(at->number));
  }
  return terms.element(tensor, index);
}

/// Return x if the operation computes x^2.
static Value squaredBy(Operation *op) {
  std::optional<double> exponent;
  if (isa<math::FPowIOp, math::PowFOp>(op))
    if (Attribute value; matchPattern(op->getOperand(1), m_Constant(&value)))
      exponent = numberOf(value);
  return exponent == 2.0 ? op->getOperand(0) : Value();
}

TermRef RegionReader::readOperation(Operation *scalar) {
  if (auto loop = dyn_cast<linalg::IndexOp>(scalar))
    return terms.index(iteration[loop.getDim()]);
  if (auto extract = dyn_cast<tensor::ExtractOp>(scalar))
    return readElement(extract.getTensor(), extract.getIndices());
  if (auto constant = dyn_cast<arith::ConstantOp>(scalar)) {
    std::optional<double> value = numberOf(constant.getValue());
    return value ? terms.number(*value) : nullptr;
  }
  if (Value base = squaredBy(scalar)) {
    TermRef factor = read(base);
    return factor ? terms.apply(Function::Multiply, {factor, factor}) : nullptr;
  }
  std::optional<Function> function = functionOf(scalar);
  auto operands = llvm::map_to_vector(scalar->getOperands(), [&](Value operand) { return read(operand); });
  if (!function || llvm::is_contained(operands, nullptr))
    return nullptr;
  return terms.apply(*function, operands, scalar);
}
