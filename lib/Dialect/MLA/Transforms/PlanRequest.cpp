//===- PlanRequest.cpp - What a user asks of a plan -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Transforms/PlanRequest.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static llvm::Error error(const Twine &text) { return llvm::createStringError(text); }

static llvm::Error request(std::optional<Form> &form, Form requested, const Twine &what) {
  if (form)
    return error(what + " is requested twice; name it once");
  form = requested;
  return llvm::Error::success();
}

/// Sets one side of a phase, or both where `side` is empty.
static llvm::Error requestSides(PlanRequest::Sides &sides, StringRef phase, StringRef side, Form form) {
  if (side == "q" || side.empty())
    if (llvm::Error twice = request(sides.q, form, phase + ".q"))
      return twice;
  if (side == "o" || side.empty())
    return request(sides.o, form, phase + ".o");
  return llvm::Error::success();
}

/// `phase=form` or `phase.side=form`.
static llvm::Error parseItem(StringRef item, PlanRequest &plan) {
  if (!item.contains('='))
    return error("expected phase=form or phase.side=form, got '" + item + "'");
  auto [target, formText] = item.split('=');
  auto [phaseText, side] = target.trim().split('.');
  std::optional<Phase> phase = symbolizePhase(phaseText);
  if (!phase)
    return error("unknown phase '" + phaseText + "'; use prefill or decode");
  if (target.contains('.') && side != "q" && side != "o")
    return error("unknown side '" + side + "'; use q or o");
  std::optional<Form> form = symbolizeForm(formText.trim());
  if (!form)
    return error("unknown form '" + formText.trim() + "'; use naive, absorb or fold");
  return requestSides(plan[*phase], phaseText, side, *form);
}

/// A form alone is decode's.
static llvm::Error parseAlone(StringRef text, PlanRequest &plan) {
  std::optional<Form> form = symbolizeForm(text);
  if (!form)
    return error("unknown plan '" + text + "'; use auto, naive, absorb, fold, or phase=form and phase.side=form");
  plan.decode = {form, form};
  return llvm::Error::success();
}

llvm::Expected<PlanRequest> mla::parsePlanRequest(StringRef text) {
  PlanRequest plan;
  text = text.trim();
  if (text == "auto")
    return plan;
  if (!text.contains('=') && !text.contains(',')) {
    if (llvm::Error wrong = parseAlone(text, plan))
      return wrong;
    return plan;
  }
  for (StringRef item : llvm::split(text, ','))
    if (llvm::Error wrong = parseItem(item.trim(), plan))
      return wrong;
  return plan;
}

//===----------------------------------------------------------------------===//
// Making a plan of it
//===----------------------------------------------------------------------===//

namespace {
struct Default {
  Form form;
  StringRef why;
};
} // namespace

static Default getDefault(Phase phase) {
  return phase == Phase::Decode ? Default{Form::Absorb, "every step reads the whole cache and must not up-project it"}
                                : Default{Form::Naive, "one up-projection serves many queries"};
}

static bool sameForms(RegimeAttr a, RegimeAttr b) { return a.getQ() == b.getQ() && a.getO() == b.getO(); }

/// Appends a regime, or lets the one before last as long where the forms agree.
static void append(SmallVectorImpl<RegimeAttr> &regimes, RegimeAttr regime) {
  if (regimes.empty() || regimes.back().getPhase() != regime.getPhase() || !sameForms(regimes.back(), regime)) {
    regimes.push_back(regime);
    return;
  }
  RegimeAttr before = regimes.back();
  regimes.back() = RegimeAttr::get(regime.getContext(), regime.getPhase(), before.getFirstContext(),
                                   regime.getLastContext(), regime.getQ(), regime.getO());
}

/// Why one side, or both, of a phase have their form.
static std::string explainForm(std::optional<Form> requested, Phase phase, bool planned) {
  if (requested)
    return (stringifyForm(*requested) + " as requested").str();
  if (planned)
    return "as planned before";
  auto [form, why] = getDefault(phase);
  return (stringifyForm(form) + " by default, " + why).str();
}

static std::string explain(Phase phase, const PlanRequest::Sides &sides, bool planned) {
  std::string q = explainForm(sides.q, phase, planned), o = explainForm(sides.o, phase, planned);
  if (sides.q == sides.o)
    return (stringifyPhase(phase) + " " + q).str();
  return (stringifyPhase(phase) + " q " + q + ", o " + o).str();
}

PlanAttr mla::makePlan(MLIRContext *context, const PlanRequest &request, PlanAttr base) {
  SmallVector<RegimeAttr> regimes;
  std::string why;
  for (Phase phase : {Phase::Decode, Phase::Prefill}) {
    SmallVector<RegimeAttr> decided = base ? base.getRegimes(phase) : SmallVector<RegimeAttr>();
    bool planned = !decided.empty();
    Form form = getDefault(phase).form;
    if (!planned)
      decided.push_back(RegimeAttr::get(context, phase, 0, RegimeAttr::kUnbounded, form, form));
    const PlanRequest::Sides &sides = request[phase];
    for (RegimeAttr regime : decided)
      append(regimes, RegimeAttr::get(context, phase, regime.getFirstContext(), regime.getLastContext(),
                                      sides.q.value_or(regime.getQ()), sides.o.value_or(regime.getO())));
    why += (why.empty() ? "" : "; ") + explain(phase, sides, planned);
  }
  if (base)
    why += (": " + base.getWhy()).str();
  return PlanAttr::get(context, regimes, why);
}
