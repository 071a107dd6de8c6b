//===- Plan.cpp - The form of every phase and side --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/PlanRequest.h"

namespace mla {
#define GEN_PASS_DEF_MLAPLAN
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
struct MLAPlan : mla::impl::MLAPlanBase<MLAPlan> {
  using MLAPlanBase::MLAPlanBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::Expected<PlanRequest> request = parsePlanRequest(plan);
    if (!request) {
      module.emitError() << "plan: " << llvm::toString(request.takeError());
      return signalPassFailure();
    }
    auto decided = module->getAttrOfType<PlanAttr>(kPlanAttr);
    if (!decided || *request)
      module->setAttr(kPlanAttr, makePlan(&getContext(), *request, decided));
  }
};
} // namespace
