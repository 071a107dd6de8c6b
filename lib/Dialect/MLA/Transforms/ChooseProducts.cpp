//===- ChooseProducts.cpp - Elements of projections, by weight --*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProductRefusal.h"
#include "mla/Dialect/MLA/Analysis/ScaledWeight.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "llvm/Support/FormatVariadic.h"

namespace mla {
#define GEN_PASS_DEF_MLACHOOSEPRODUCTS
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Return why the weight, which has scales, is multiplied in e4m3.
static std::string explain(func::FuncOp prepare, const PreparedProduct &product) {
  std::string none;
  ScaledWeight weight = *findScaledWeight(prepare, none);
  std::string sizes;
  llvm::raw_string_ostream os(sizes);
  llvm::interleave(weight.block, os, " x ");
  return llvm::formatv("it has a scale per block of {0}, and a token one per {1} columns", sizes,
                       getTokenGroup(product, weight.block));
}

/// Return why an attention does not multiply its packed cache in e4m3, or an empty string.
static std::string findRefusal(LatentAttentionOp attention, int64_t terms, const KernelTarget &target) {
  CacheType cache = attention.getCache().getType();
  if (!target.multiplies(cache))
    return llvm::formatv("no kernel multiplies rows of {0} and {1} columns in e4m3", cache.getLatent(),
                         cache.getRope());
  // Probabilities have one term, so that the result would be less precise than with a cache converted to bf16.
  return terms == 2 ? "tokens have two terms, for the precision of bf16" : "";
}

static bool isPlain(Operation *op) {
  auto products = op->getAttrOfType<ProductsAttr>(kProductsAttr);
  return !products || products.getElements() == ProductElements::Plain;
}

/// Let the model no longer say that products are in e4m3 if none is.
static void updateModel(ModuleOp module) {
  auto model = module->getAttrOfType<DictionaryAttr>(kModelAttr);
  bool isAny = module.walk([](Operation *op) { return WalkResult(success(isPlain(op))); }).wasInterrupted();
  if (!model || isAny)
    return;
  NamedAttrList fields(model);
  fields.erase("products");
  module->setAttr(kModelAttr, fields.getDictionary(module.getContext()));
}

namespace {
struct MLAChooseProducts : mla::impl::MLAChooseProductsBase<MLAChooseProducts> {
  using MLAChooseProductsBase::MLAChooseProductsBase;

  void choose(func::FuncOp prepare, WeightUsers &users, const KernelTarget *target) {
    if (prepare->hasAttr(kProductsAttr))
      return;
    std::string why = findProductRefusal(prepare, users, target);
    bool isRefused = !why.empty();
    why = isRefused ? "it " + why : explain(prepare, collectProducts(users).front());
    ProductElements elements = isRefused    ? ProductElements::Plain
                               : terms == 2 ? ProductElements::E4M3x2
                                            : ProductElements::E4M3;
    prepare->setAttr(kProductsAttr, ProductsAttr::get(&getContext(), elements, why));
    if (isRefused)
      prepare.emitRemark() << "weight '" << getPreparedName(prepare) << "' is not multiplied in e4m3: " << why;
    else if (explains)
      prepare.emitRemark() << "weight '" << getPreparedName(prepare) << "' is multiplied in "
                           << stringifyProductElements(elements) << ": " << why;
  }

  void choose(LatentAttentionOp attention, const KernelTarget &target) {
    if (!attention.getCache().getType().isPacked() || attention->hasAttr(kProductsAttr))
      return;
    std::string why = findRefusal(attention, terms, target);
    ProductElements elements = why.empty() ? ProductElements::E4M3 : ProductElements::Plain;
    if (why.empty())
      why = "tokens have one term";
    attention->setAttr(kProductsAttr, ProductsAttr::get(&getContext(), elements, why));
    if (explains)
      attention.emitRemark() << "multiplies the cache in " << stringifyProductElements(elements) << ": " << why;
  }

  void runOnOperation() override {
    const KernelTarget *target = nullptr;
    if (forKernels && !(target = KernelTarget::findFor(getOperation())))
      return signalPassFailure();
    if (terms != 1 && terms != 2) {
      getOperation().emitError() << "terms: expected 1 or 2, got " << terms;
      return signalPassFailure();
    }
    for (auto &[name, users] : collectWeightUsers(getOperation())) {
      auto prepare = getOperation().lookupSymbol<func::FuncOp>((kPreparePrefix + name).str());
      if (prepare && (!users.projections.empty() || !users.ofExperts.empty()))
        choose(prepare, users, target);
    }
    if (target)
      getOperation().walk([&](LatentAttentionOp attention) { choose(attention, *target); });
    updateModel(getOperation());
  }
};
} // namespace
