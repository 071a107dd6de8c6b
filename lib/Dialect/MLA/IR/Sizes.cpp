//===- Sizes.cpp - Sizes known only to a step -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/Sizes.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mla::gpu;

AffineExpr mla::gpu::expressionOf(Size size, MLIRContext *context) {
  return getAffineSymbolExpr(static_cast<unsigned>(size), context);
}

AffineExpr mla::gpu::limitOf(unsigned index, MLIRContext *context) {
  return getAffineSymbolExpr(numSizes + index, context);
}

unsigned mla::gpu::countLimits(AffineMap map) {
  return map.getNumSymbols() > numSizes ? map.getNumSymbols() - numSizes : 0;
}

AffineExpr mla::gpu::shiftLimits(AffineExpr expression, unsigned shift) {
  return expression.shiftSymbols(numSymbols - shift, shift, /*offset=*/numSizes);
}

std::string mla::gpu::nameOfSymbol(unsigned position) {
  return position < numSizes ? nameOf(static_cast<Size>(position)) : "limit" + std::to_string(position - numSizes);
}

AffineMap mla::gpu::mapOf(llvm::ArrayRef<AffineExpr> expressions, MLIRContext *context) {
  unsigned count = numSizes;
  for (AffineExpr expression : expressions)
    expression.walk([&](AffineExpr part) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
        count = std::max(count, symbol.getPosition() + 1);
    });
  return AffineMap::get(/*dimCount=*/0, count, expressions, context);
}

mla::schema::Operator mla::gpu::operatorOf(AffineExprKind kind) {
  switch (kind) {
#define MLA_OPERATOR(Enumerator, manifest, assembly)                                                                   \
  case AffineExprKind::Enumerator:                                                                                     \
    return schema::Operator::Enumerator;
#include "mla/launch_abi.def"
  default:
    llvm_unreachable("leaves have no operator");
  }
}

/// Prints an operand, with parentheses around sums and around non-leaves right of an operator.
static void printOperand(llvm::raw_ostream &os, AffineExpr operand, bool parenthesised) {
  os << (parenthesised ? "(" : "");
  print(os, operand);
  os << (parenthesised ? ")" : "");
}

void mla::gpu::print(llvm::raw_ostream &os, AffineExpr expression) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expression)) {
    os << constant.getValue();
    return;
  }
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expression)) {
    os << nameOfSymbol(symbol.getPosition());
    return;
  }
  auto binary = cast<AffineBinaryOpExpr>(expression);
  bool isSum = binary.getKind() == AffineExprKind::Add;
  auto added = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (isSum && added && added.getValue() < 0) {
    print(os, binary.getLHS());
    os << " - " << -added.getValue();
    return;
  }
  printOperand(os, binary.getLHS(), !isSum && binary.getLHS().getKind() == AffineExprKind::Add);
  os << " " << schema::operatorKeywords[static_cast<unsigned>(operatorOf(binary.getKind()))] << " ";
  printOperand(os, binary.getRHS(), !isSum && isa<AffineBinaryOpExpr>(binary.getRHS()));
}
