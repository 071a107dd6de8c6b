//===- WeightNames.cpp - Readable names of prepared weights -----*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightNames.h"
#include "mla/Dialect/MLA/Analysis/WeightOnly.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

static std::string nameCheckpointWeight(StringRef name, StringRef prefix) {
  if (name.consume_front(prefix))
    name.consume_front(".");
  name.consume_back(".weight");
  return name.str();
}

/// Return `.atob` for every dimension that the slice takes only partially.
static std::string nameRanges(tensor::ExtractSliceOp slice) {
  std::string name;
  for (auto [offset, size, whole] :
       llvm::zip(slice.getStaticOffsets(), slice.getStaticSizes(), slice.getSourceType().getShape()))
    if (size != whole)
      name += ("." + Twine(offset) + "to" + Twine(offset + size - 1)).str();
  return name;
}

/// Return `.t` if the matrix of a head is transposed, not if heads move.
static StringRef nameTransposition(linalg::TransposeOp transpose) {
  ArrayRef<int64_t> permutation = transpose.getPermutation();
  int64_t last = static_cast<int64_t>(permutation.size()) - 1;
  return permutation.back() == last ? "" : ".t";
}

/// `terms`: how deep sums and products are named term by term. Each term may be a sum again, and one may be used often:
/// a name would grow exponentially.
static std::string nameWeight(Value value, StringRef prefix, unsigned terms) {
  Operation *op = value.getDefiningOp();
  if (auto name = op->getAttrOfType<StringAttr>(kNameAttr))
    return name.str();
  auto nameOf = [&](Value operand) { return nameWeight(operand, prefix, terms); };
  auto join = [&](Value lhs, StringRef with, Value rhs) {
    if (terms == 0)
      return std::string("nested");
    return nameWeight(lhs, prefix, terms - 1) + with.str() + nameWeight(rhs, prefix, terms - 1);
  };
  return TypeSwitch<Operation *, std::string>(op)
      .Case([&](WeightOp weight) { return nameCheckpointWeight(weight.getName(), prefix); })
      .Case([&](ComposeOp compose) { return join(compose.getOuter(), "_x_", compose.getInner()); })
      .Case([&](arith::AddFOp sum) { return join(sum.getLhs(), "_plus_", sum.getRhs()); })
      .Case([&](arith::MulFOp scaled) {
        return nameOf(isConstantOnly(scaled.getLhs()) ? scaled.getRhs() : scaled.getLhs());
      })
      .Case([&](tensor::ExtractSliceOp slice) { return nameOf(slice.getSource()) + nameRanges(slice); })
      .Case([&](linalg::TransposeOp move) { return nameOf(move.getInput()) + nameTransposition(move).str(); })
      .Default([&](Operation *) { return op->getNumOperands() ? nameOf(op->getOperand(0)) : std::string("constant"); });
}

std::string mla::getWeightName(Value value, StringRef prefix) {
  constexpr unsigned terms = 6;
  return nameWeight(value, prefix, terms);
}
