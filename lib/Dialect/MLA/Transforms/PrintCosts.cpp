//===- PrintCosts.cpp - Print the cost of every form ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExplainPlan.h"
#include "mla/Dialect/MLA/Analysis/PlannedForms.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "llvm/Support/FormatVariadic.h"

namespace mla {
#define GEN_PASS_DEF_MLAPRINTCOSTS
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

namespace {
struct MLAPrintCosts : mla::impl::MLAPrintCostsBase<MLAPrintCosts> {
  using MLAPrintCostsBase::MLAPrintCostsBase;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    if (batch < 1 || tokens < 0 || context < 1) {
      getOperation().emitError("expected batch and context of at least 1 and tokens of at least 0");
      return signalPassFailure();
    }
    llvm::Expected<Device> found = findDevice(getOperation(), device);
    if (!found) {
      getOperation().emitError() << "device: " << llvm::toString(found.takeError());
      return signalPassFailure();
    }
    FailureOr<const KernelTarget *> kernels = findPlanTarget(getOperation(), target);
    if (failed(kernels))
      return signalPassFailure();
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (AttentionOp attention = findAttention(function))
        print(function, attention, *found, *kernels);
  }

  void print(func::FuncOp function, AttentionOp attention, const Device &device, const KernelTarget *kernels) {
    auto attr = function->getAttrOfType<PhaseAttr>(kPhaseAttr);
    Phase phase = attr ? attr.getValue() : Phase::Decode;
    int64_t queries = tokens ? tokens : phase == Phase::Decode ? 1 : kPrefillTokens;
    FormChooser chooser(attention, phase, CostModel(findLayerShape(attention, kernels), device), queries, kernels);
    Step step{batch, std::min<int64_t>(queries, context), context};
    llvm::errs() << llvm::formatv("@{0}, {1}: {2} x {3} tokens, context {4}, on {5}\n", function.getName(),
                                  stringifyPhase(phase), step.batch, step.tokens, step.context, device.name)
                 << tabulateCosts(chooser, step,
                                  findPlannedForms(getOperation()->getAttrOfType<PlanAttr>(kPlanAttr), phase,
                                                   step.tokens, step.context));
  }
};
} // namespace
