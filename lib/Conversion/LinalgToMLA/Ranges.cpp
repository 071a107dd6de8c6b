//===- Ranges.cpp - Index expressions with bounded variables --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ranges.h"

#include "mlir/IR/BuiltinTypeInterfaces.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mla::raise;

/// Replace a dynamic size: larger than any real size, but far from overflow.
static constexpr int64_t kUnknownSize = int64_t(1) << 40;

AffineExpr Variables::make(int64_t size) {
  if (size == 1)
    return constant(0);
  sizes.push_back(ShapedType::isDynamic(size) ? kUnknownSize : size);
  return getAffineDimExpr(sizes.size() - 1, context);
}

int64_t Variables::sizeOf(AffineExpr variable) const {
  auto dim = dyn_cast<AffineDimExpr>(variable);
  return dim ? sizes[dim.getPosition()] : 1;
}

static void addTo(LinearSum &sum, AffineExpr atom, int64_t coefficient) {
  auto *known = llvm::find_if(sum.terms, [&](auto &term) { return term.first == atom; });
  if (known == sum.terms.end())
    sum.terms.push_back({atom, coefficient});
  else if ((known->second += coefficient) == 0)
    sum.terms.erase(known);
}

static void collect(AffineExpr expr, int64_t factor, LinearSum &sum) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    sum.constant += factor * constant.getValue();
  } else if (expr.getKind() == AffineExprKind::Add) {
    collect(binary.getLHS(), factor, sum);
    collect(binary.getRHS(), factor, sum);
  } else if (expr.getKind() == AffineExprKind::Mul) {
    // The constant of a product is its right operand.
    collect(binary.getLHS(), factor * cast<AffineConstantExpr>(binary.getRHS()).getValue(), sum);
  } else {
    addTo(sum, expr, factor);
  }
}

LinearSum Variables::linear(AffineExpr expr) const {
  LinearSum sum;
  collect(simplify(expr), 1, sum);
  return sum;
}

/// Order variables by number before other expressions.
static bool isBefore(AffineExpr a, AffineExpr b) {
  auto first = dyn_cast<AffineDimExpr>(a), second = dyn_cast<AffineDimExpr>(b);
  if (first && second)
    return first.getPosition() < second.getPosition();
  return first ? true : second ? false : a.getAsOpaquePointer() < b.getAsOpaquePointer();
}

AffineExpr Variables::rebuild(const LinearSum &sum) const {
  auto terms = sum.terms;
  llvm::sort(terms, [](auto &a, auto &b) { return isBefore(a.first, b.first); });
  AffineExpr expr = constant(0);
  for (auto [atom, coefficient] : terms)
    expr = expr + atom * coefficient;
  return expr + sum.constant;
}

Interval Variables::rangeOf(AffineExpr expr) const {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return {0, sizes[dim.getPosition()] - 1};
  if (auto value = dyn_cast<AffineConstantExpr>(expr))
    return {value.getValue(), value.getValue()};
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Interval left = rangeOf(binary.getLHS()), right = rangeOf(binary.getRHS());
  bool divides = expr.getKind() != AffineExprKind::Add && expr.getKind() != AffineExprKind::Mul;
  if (divides && right.first < 1)
    return {-kUnknownSize, kUnknownSize};
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return {left.first + right.first, left.last + right.last};
  case AffineExprKind::Mul:
    return {std::min(left.first * right.first, left.last * right.first),
            std::max(left.first * right.first, left.last * right.first)};
  case AffineExprKind::Mod:
    return {0, right.first - 1};
  default:
    return {llvm::divideFloorSigned(left.first, right.first), llvm::divideFloorSigned(left.last, right.first)};
  }
}

/// Divide a sum: terms divisible by the divisor leave the dividend, and the rest vanishes if it is less than the
/// divisor.
AffineExpr Variables::divide(AffineExpr dividend, int64_t divisor, bool remainder) const {
  LinearSum whole, rest;
  LinearSum sum = linear(dividend);
  for (auto [atom, coefficient] : sum.terms)
    (coefficient % divisor ? rest : whole).terms.push_back({atom, coefficient});
  rest.constant = llvm::mod(sum.constant, divisor);
  whole.constant = sum.constant - rest.constant;
  AffineExpr left = rebuild(rest);
  bool isLess = rangeOf(left).isWithin(0, divisor);
  if (remainder)
    return isLess ? left : left % divisor;
  for (auto &term : whole.terms)
    term.second /= divisor;
  whole.constant /= divisor;
  if (!isLess)
    addTo(whole, left.floorDiv(divisor), 1);
  return rebuild(whole);
}

AffineExpr Variables::simplify(AffineExpr expr) const {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return expr;
  AffineExpr left = simplify(binary.getLHS()), right = simplify(binary.getRHS());
  if (expr.getKind() != AffineExprKind::Add && expr.getKind() != AffineExprKind::Mul) {
    int64_t divisor = cast<AffineConstantExpr>(right).getValue();
    if (divisor < 1)
      return expr;
    bool rounds = expr.getKind() == AffineExprKind::CeilDiv;
    return divide(rounds ? left + (divisor - 1) : left, divisor, expr.getKind() == AffineExprKind::Mod);
  }
  LinearSum sum;
  collect(expr.getKind() == AffineExprKind::Add ? left + right : left * right, 1, sum);
  return rebuild(sum);
}
