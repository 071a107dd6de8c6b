//===- Ranks.cpp - The ranks of a collective operation ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/Ranks.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Shard/IR/ShardOps.h"

using namespace mlir;

int64_t mla::countRanks(ModuleOp module, ArrayRef<int16_t> axes) {
  auto grid = module.lookupSymbol<shard::GridOp>(kGrid);
  if (!grid)
    return 0;
  int64_t ranks = 1;
  // Neighbours differ in the last axis: those of a group are all of the last axes.
  for (int16_t axis = static_cast<int16_t>(grid.getRank()) - 1; axis >= 0; --axis) {
    bool isLast = axis + static_cast<int16_t>(axes.size()) >= grid.getRank();
    if (llvm::is_contained(axes, axis) != isLast || ShapedType::isDynamic(grid.getShape()[axis]))
      return 0;
    ranks *= isLast ? grid.getShape()[axis] : 1;
  }
  return ranks;
}
