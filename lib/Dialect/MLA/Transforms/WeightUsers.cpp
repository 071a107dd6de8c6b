//===- WeightUsers.cpp - Users of prepared weights --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightUsers.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

using namespace mlir;
using namespace mla;

static bool isInPanels(AdaptOp adapted, OpOperand &use) {
  return &use == &adapted.getDownMutable() ? adapted.getDownPanels() : adapted.getUpPanels();
}

void WeightUsers::add(WeightOp weight) {
  weights.push_back(weight);
  for (OpOperand &use : weight->getUses()) {
    auto project = dyn_cast<ProjectOp>(use.getOwner());
    auto experts = dyn_cast<ExpertsProjectOp>(use.getOwner());
    if (project && !project.getPanels() && &use == &project.getWeightMutable())
      projections.push_back(project);
    else if (experts && !experts.getPanels() && &use == &experts.getWeightMutable())
      ofExperts.push_back(experts);
    else if (auto adapted = dyn_cast<AdaptOp>(use.getOwner()); adapted && !isInPanels(adapted, use))
      ofUpdates.push_back(&use);
    else
      other = true;
  }
}

llvm::MapVector<StringRef, WeightUsers> mla::collectWeightUsers(ModuleOp module) {
  llvm::MapVector<StringRef, WeightUsers> users;
  for (auto function : module.getOps<func::FuncOp>())
    if (!isPrepare(function))
      function.walk([&](WeightOp weight) { users[weight.getName()].add(weight); });
  return users;
}
