//===- ShareEntries.cpp - One function for entries of equal code ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Transforms/Prepare.h"
#include "mla/Target/CPU/Passes.h"

namespace mla {
#define GEN_PASS_DEF_MLACPUSHAREENTRIES
#include "mla/Target/CPU/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Return whether two functions compute the same, whatever they are called.
static bool haveEqualCode(func::FuncOp a, func::FuncOp b) {
  return a.getFunctionType() == b.getFunctionType() && a.getArgAttrsAttr() == b.getArgAttrsAttr() &&
         a.getResAttrsAttr() == b.getResAttrsAttr() && a->hasAttr(kEndAttr) == b->hasAttr(kEndAttr) &&
         OperationEquivalence::isRegionEquivalentTo(&a.getBody(), &b.getBody(), OperationEquivalence::IgnoreLocations);
}

/// Let the function be the entry of another name too.
static void addName(func::FuncOp function, StringAttr name) {
  SmallVector<Attribute> names;
  if (auto before = function->getAttrOfType<ArrayAttr>(kEntryNamesAttr))
    llvm::append_range(names, before);
  names.push_back(name);
  function->setAttr(kEntryNamesAttr, ArrayAttr::get(function.getContext(), names));
}

namespace {
struct MLACPUShareEntriesPass : mla::impl::MLACPUShareEntriesBase<MLACPUShareEntriesPass> {
  void runOnOperation() override {
    SmallVector<func::FuncOp> kept;
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (!isEntry(function) || function.isExternal() || !SymbolTable::symbolKnownUseEmpty(function, getOperation()))
        continue;
      auto *same = llvm::find_if(kept, [&](func::FuncOp other) { return haveEqualCode(other, function); });
      if (same == kept.end()) {
        kept.push_back(function);
        continue;
      }
      addName(*same, function.getSymNameAttr());
      function.erase();
    }
  }
};
} // namespace
