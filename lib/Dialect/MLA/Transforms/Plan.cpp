//===- Plan.cpp - Choose the form of every phase and side -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExplainPlan.h"
#include "mla/Dialect/MLA/Analysis/Legality.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Dialect/MLA/Transforms/PlanRequest.h"

#include "llvm/ADT/SetVector.h"

namespace mla {
#define GEN_PASS_DEF_MLAPLAN
#include "mla/Dialect/MLA/Transforms/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

static AttentionOp findAttention(ModuleOp module, Phase phase) {
  for (auto function : module.getOps<func::FuncOp>())
    if (auto attr = function->getAttrOfType<PhaseAttr>(kPhaseAttr); attr && attr.getValue() == phase)
      if (AttentionOp attention = findAttention(function))
        return attention;
  return nullptr;
}

static PhaseDecision decideByCost(MLIRContext *context, const FormChooser &chooser) {
  PhaseDecision decision;
  for (auto [tokens, contexts, forms] : chooser.chooseAll())
    decision.regimes.push_back(RegimeAttr::get(context, chooser.getPhase(), tokens, contexts, forms.q, forms.o));
  decision.reason = explainChoice(chooser);
  return decision;
}

/// Remarks on requested or previously planned forms that are illegal; the passes that act leave that side as it is.
static void remarkOnIllegal(func::FuncOp function, PhaseAttr phase, ArrayRef<RegimeAttr> regimes) {
  for (auto [side, getForm] : {std::pair(Side::Q, &RegimeAttr::getQ), std::pair(Side::O, &RegimeAttr::getO)}) {
    llvm::SmallSetVector<Form, 3> planned;
    for (RegimeAttr regime : regimes)
      planned.insert((regime.*getForm)());
    for (Form form : planned)
      if (std::optional<Refusal> refusal = findRefusal(function, side, form))
        refusal->remark(side,
                        "cannot " + stringifyForm(form) + ", which is planned for " + stringifyPhase(phase.getValue()));
  }
}

namespace {
struct MLAPlan : mla::impl::MLAPlanBase<MLAPlan> {
  using MLAPlanBase::MLAPlanBase;
  const KernelTarget *kernelTarget = nullptr; ///< whose kernels forms need; null: none

  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::Expected<PlanRequest> request = parsePlanRequest(plan);
    if (!request)
      return fail("plan", request.takeError());
    llvm::Expected<Device> found = findDevice(module, device);
    if (!found)
      return fail("device", found.takeError());
    if (prefillTokens < 1)
      return fail("prefill-tokens", llvm::createStringError("expected at least 1 token per step, got " +
                                                            Twine(prefillTokens.getValue())));
    FailureOr<const KernelTarget *> kernels = findPlanTarget(module, target);
    if (failed(kernels))
      return signalPassFailure();
    kernelTarget = *kernels;
    // Remark on legality before anything is decided.
    if (request->acrossRounding)
      module->setAttr(kFoldAcrossRoundingAttr, UnitAttr::get(&getContext()));
    auto decided = module->getAttrOfType<PlanAttr>(kPlanAttr);
    if (!decided || *request)
      module->setAttr(kPlanAttr,
                      makePlan(&getContext(), *request, decided, [&](Phase phase) { return decide(phase, *found); }));
    auto made = module->getAttrOfType<PlanAttr>(kPlanAttr);
    for (auto function : module.getOps<func::FuncOp>())
      if (auto phase = function->getAttrOfType<PhaseAttr>(kPhaseAttr))
        remarkOnIllegal(function, phase, made.getRegimes(phase.getValue()));
    if (explain)
      explainPlan(*found);
  }

  void fail(StringRef what, llvm::Error error) {
    getOperation().emitError() << what << ": " << llvm::toString(std::move(error));
    signalPassFailure();
  }

  std::optional<FormChooser> makeChooser(Phase phase, const Device &device) {
    AttentionOp attention = findAttention(getOperation(), phase);
    if (!attention)
      return std::nullopt;
    CostModel model(findLayerShape(attention, kernelTarget), device);
    return FormChooser(attention, phase, model, prefillTokens, kernelTarget);
  }

  PhaseDecision decide(Phase phase, const Device &device) {
    std::optional<FormChooser> chooser = makeChooser(phase, device);
    if (!chooser)
      return decideByDefault(&getContext(), phase);
    PhaseDecision decision = decideByCost(&getContext(), *chooser);
    regimes += decision.regimes.size();
    declined += chooser->getCandidates().size() - decision.regimes.size();
    return decision;
  }

  void explainPlan(const Device &device) {
    std::string text;
    auto plan = getOperation()->getAttrOfType<PlanAttr>(kPlanAttr);
    for (Phase phase : {Phase::Decode, Phase::Prefill})
      if (std::optional<FormChooser> chooser = makeChooser(phase, device))
        text +=
            (text.empty() ? describeLayer(chooser->getModel()) : "") + describePhase(*chooser, plan.getRegimes(phase));
    if (!text.empty())
      emitRemark(getOperation().getLoc()) << "plan: " << StringRef(text).rtrim();
  }
};
} // namespace
