//===- Regimes.cpp - One function per form of the plan ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Regimes.h"

#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace mla;

Forms mla::getForms(func::FuncOp function, Form unplanned) {
  if (auto regime = function->getAttrOfType<RegimeAttr>(kRegimeAttr))
    return {regime.getQ(), regime.getO()};
  bool planned = function->getParentOfType<ModuleOp>()->hasAttr(kPlanAttr);
  return planned ? Forms{Form::Naive, Form::Naive} : Forms{unplanned, unplanned};
}

/// Return one regime per pair of forms and band of tokens, which has its own tiles, in the plan's order; without
/// contexts if a pair has several.
static SmallVector<RegimeAttr> mergeContexts(ArrayRef<RegimeAttr> regimes) {
  SmallVector<RegimeAttr> merged;
  for (RegimeAttr regime : regimes) {
    auto *same = llvm::find_if(merged, [&](RegimeAttr other) {
      return other.hasForms(regime.getQ(), regime.getO()) && other.getTokens() == regime.getTokens();
    });
    if (same == merged.end())
      merged.push_back(regime);
    else
      *same =
          RegimeAttr::get(regime.getContext(), regime.getPhase(), regime.getTokens(), {}, regime.getQ(), regime.getO());
  }
  return merged;
}

static std::string getName(func::FuncOp function, RegimeAttr regime) {
  std::string name = (function.getName() + "_" + stringifyForm(regime.getQ())).str();
  if (regime.getQ() != regime.getO())
    name += ("_" + stringifyForm(regime.getO())).str();
  return name;
}

static void specialize(func::FuncOp function, ArrayRef<RegimeAttr> regimes, SymbolTable &symbols) {
  for (RegimeAttr regime : llvm::reverse(regimes.drop_front())) {
    func::FuncOp clone = function.clone();
    clone.setName(getName(function, regime));
    clone->setAttr(kRegimeAttr, regime);
    symbols.insert(clone, std::next(function->getIterator()));
  }
  function->setAttr(kRegimeAttr, regimes.front());
}

void mla::specializeByPlan(ModuleOp module) {
  auto plan = module->getAttrOfType<PlanAttr>(kPlanAttr);
  if (!plan)
    return;
  SymbolTable symbols(module);
  for (auto function : llvm::to_vector(module.getOps<func::FuncOp>())) {
    auto phase = function->getAttrOfType<PhaseAttr>(kPhaseAttr);
    if (!phase || function.isExternal() || function->hasAttr(kRegimeAttr))
      continue;
    SmallVector<RegimeAttr> regimes = mergeContexts(plan.getRegimes(phase.getValue()));
    if (!regimes.empty())
      specialize(function, regimes, symbols);
  }
}
