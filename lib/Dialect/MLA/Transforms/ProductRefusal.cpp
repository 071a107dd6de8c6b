//===- ProductRefusal.cpp - Reasons against e4m3 ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProductRefusal.h"
#include "mla/Dialect/MLA/Analysis/ScaledWeight.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"

#include "llvm/Support/FormatVariadic.h"

#include <numeric>

using namespace mlir;
using namespace mla;

int64_t mla::getTokenGroup(ProjectOp project, ArrayRef<int64_t> block) {
  constexpr int64_t most = 128; // DeepSeek-V3's
  int64_t columns = cast<RankedTensorType>(project.getWeight().getType()).getShape().back();
  int64_t group = block.back() < columns ? std::gcd(most, block.back()) : most;
  return project.getHeads() == Heads::From ? std::gcd(group, columns) : group;
}

/// Return whether heads have scales of their own, as their elements are contracted or stored side by side.
static bool haveOwnScales(ProjectOp project, ArrayRef<int64_t> block) {
  for (size_t dim = 0; dim + 1 < block.size(); ++dim)
    if (static_cast<int64_t>(dim) != project.getRowDim() && block[dim] != 1)
      return false;
  return true;
}

static std::string findRefusal(ProjectOp project, ArrayRef<int64_t> block, const KernelTarget *target) {
  if (!haveOwnScales(project, block))
    return "has blocks across heads";
  ScaledProduct product = {project.getNumRows(), project.getContractedSize(), getTokenGroup(project, block)};
  if (!target || target->multiplies(product))
    return "";
  return llvm::formatv("is {0} x {1} with a scale per {2} columns, which no kernel multiplies in e4m3", product.rows,
                       product.contracted, product.group);
}

std::string mla::findProductRefusal(func::FuncOp prepare, WeightUsers &users, const KernelTarget *target) {
  std::string why;
  std::optional<ScaledWeight> weight = findScaledWeight(prepare, why);
  if (!weight)
    return why;
  if (users.other || !users.ofExperts.empty())
    return "is used by an operation that is no projection";
  std::string scales = (prepare.getName() + kScaleSuffix).str();
  if (target && SymbolTable::lookupNearestSymbolFrom(prepare, StringAttr::get(prepare.getContext(), scales)))
    return "would have its scales in @" + scales + ", which is in use";
  for (ProjectOp project : users.projections)
    if (why = findRefusal(project, weight->block, target); !why.empty())
      return why;
  return "";
}
