//===- BindWeights.cpp - Turn weights into arguments ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"

namespace mla {
#define GEN_PASS_DEF_MLABINDWEIGHTS
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// The function's weights by name and type, in the order of first use.
using WeightUses = llvm::MapVector<std::pair<StringAttr, Type>, SmallVector<WeightOp>>;

static WeightUses collectWeights(func::FuncOp function) {
  WeightUses uses;
  function.walk([&](WeightOp weight) { uses[{weight.getNameAttr(), weight.getType()}].push_back(weight); });
  return uses;
}

static LogicalResult bind(func::FuncOp function) {
  WeightUses uses = collectWeights(function);
  // A caller would have to forward them.
  if (!uses.empty() && !SymbolTable::symbolKnownUseEmpty(function, function->getParentOp()))
    return function.emitOpError("is called, so that its weights cannot become arguments; inline it first");
  for (auto &[key, weights] : uses) {
    auto [name, type] = key;
    unsigned index = function.getNumArguments();
    NamedAttribute attribute(StringAttr::get(function.getContext(), kWeightAttr), name);
    if (failed(function.insertArgument(index, type, DictionaryAttr::get(function.getContext(), attribute),
                                       weights.front().getLoc())))
      return failure();
    for (WeightOp weight : weights) {
      weight.replaceAllUsesWith(function.getArgument(index));
      weight.erase();
    }
  }
  return success();
}

namespace {
struct MLABindWeights : mla::impl::MLABindWeightsBase<MLABindWeights> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && failed(bind(function)))
        return signalPassFailure();
  }
};
} // namespace
