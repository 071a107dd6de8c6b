//===- ProductRefusal.cpp - Reasons against e4m3 ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProductRefusal.h"
#include "mla/Dialect/MLA/Analysis/ScaledWeight.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "llvm/Support/FormatVariadic.h"

#include <numeric>

using namespace mlir;
using namespace mla;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

SmallVector<PreparedProduct> mla::collectProducts(WeightUsers &users) {
  SmallVector<PreparedProduct> products;
  for (ProjectOp op : users.projections)
    products.push_back({op, &op.getXMutable(), op.getWeight(), op.getHeads(), op.getNumRows(), op.getContractedSize(),
                        /*termDim=*/1});
  for (ExpertsProjectOp op : users.ofExperts) {
    ArrayRef<int64_t> shape = typeOf(op.getWeight()).getShape();
    products.push_back(
        {op, &op.getXMutable(), op.getWeight(), Heads::Per, shape[1], shape[2], typeOf(op.getX()).getRank() - 1});
  }
  return products;
}

int64_t mla::getTokenGroup(const PreparedProduct &product, ArrayRef<int64_t> block) {
  constexpr int64_t most = 128; // DeepSeek-V3's
  int64_t columns = typeOf(product.weight).getShape().back();
  int64_t group = block.back() < columns ? std::gcd(most, block.back()) : most;
  return product.heads == Heads::From ? std::gcd(group, columns) : group;
}

/// Return whether heads have scales of their own, as their elements are contracted or stored side by side.
static bool haveOwnScales(const PreparedProduct &product, ArrayRef<int64_t> block) {
  for (size_t dim = 0; dim + 1 < block.size(); ++dim)
    if (static_cast<int64_t>(dim) != product.rowDim() && block[dim] != 1)
      return false;
  return true;
}

/// Return whether the result chooses something: of numbers that nearly tie, an error of e4m3 takes the other.
static bool chooses(Operation *op) {
  return llvm::any_of(op->getUsers(), llvm::IsaPred<RouteOp>) || op->getParentOp()->hasAttr(kEndAttr);
}

static std::string findRefusal(const PreparedProduct &product, ArrayRef<int64_t> block, const KernelTarget *target) {
  if (chooses(product.op))
    return "makes logits, which choose experts or tokens";
  if (!haveOwnScales(product, block))
    return "has blocks across heads";
  ScaledProduct sizes = {product.rows, product.contracted, getTokenGroup(product, block)};
  if (!target || target->multiplies(sizes))
    return "";
  return llvm::formatv("is {0} x {1} with a scale per {2} columns, which no kernel multiplies in e4m3", sizes.rows,
                       sizes.contracted, sizes.group);
}

std::string mla::findProductRefusal(func::FuncOp prepare, WeightUsers &users, const KernelTarget *target) {
  std::string why;
  std::optional<ScaledWeight> weight = findScaledWeight(prepare, why);
  if (!weight)
    return why;
  if (users.other || !users.ofUpdates.empty())
    return "is used by an operation that is no projection";
  std::string scales = (prepare.getName() + kScaleSuffix).str();
  if (target && SymbolTable::lookupNearestSymbolFrom(prepare, StringAttr::get(prepare.getContext(), scales)))
    return "would have its scales in @" + scales + ", which is in use";
  for (const PreparedProduct &product : collectProducts(users))
    if (why = findRefusal(product, weight->block, target); !why.empty())
      return why;
  return "";
}
