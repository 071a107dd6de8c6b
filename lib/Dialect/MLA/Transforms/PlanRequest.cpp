//===- PlanRequest.cpp - Forms requested by the user ------------*- C++ -*-===//
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

/// Parses `phase=form` or `phase.side=form`.
static llvm::Error parseItem(StringRef item, PlanRequest &plan) {
  if (!item.contains('='))
    return error("expected phase=form or phase.side=form, got '" + item + "'");
  auto [target, formText] = item.split('=');
  auto [phaseText, side] = target.trim().split('.');
  std::optional<Phase> phase = symbolizePhase(phaseText);
  if (!phase)
    return error("unknown phase '" + phaseText + "'; expected prefill or decode");
  if (target.contains('.') && side != "q" && side != "o")
    return error("unknown side '" + side + "'; expected q or o");
  std::optional<Form> form = symbolizeForm(formText.trim());
  if (!form)
    return error("unknown form '" + formText.trim() + "'; expected naive, absorb or fold");
  return requestSides(plan[*phase], phaseText, side, *form);
}

/// Parses a form alone, which is for decode.
static llvm::Error parseAlone(StringRef text, PlanRequest &plan) {
  if (text == "auto")
    return llvm::Error::success();
  std::optional<Form> form = symbolizeForm(text);
  if (!form)
    return error("unknown plan '" + text + "'; expected auto, naive, absorb, fold, or phase=form and phase.side=form");
  plan.decode = {form, form};
  return llvm::Error::success();
}

/// Removes `across-rounding` from the items.
static llvm::Error takeAcrossRounding(SmallVectorImpl<StringRef> &items, PlanRequest &plan) {
  constexpr StringLiteral word = "across-rounding";
  int64_t count = llvm::count(items, word);
  if (count > 1)
    return error(word + " is requested twice; name it once");
  plan.acrossRounding = count;
  llvm::erase(items, word);
  return llvm::Error::success();
}

llvm::Expected<PlanRequest> mla::parsePlanRequest(StringRef text) {
  PlanRequest plan;
  auto items = llvm::map_to_vector(llvm::split(text, ','), [](StringRef item) { return item.trim(); });
  if (llvm::Error wrong = takeAcrossRounding(items, plan))
    return wrong;
  bool isAlone = items.size() == 1 && !items.front().contains('=');
  for (StringRef item : items)
    if (llvm::Error wrong = isAlone ? parseAlone(item, plan) : parseItem(item, plan))
      return wrong;
  return plan;
}

//===----------------------------------------------------------------------===//
// Making a plan of it
//===----------------------------------------------------------------------===//

PhaseDecision mla::decideByDefault(MLIRContext *context, Phase phase) {
  bool decodes = phase == Phase::Decode;
  Form form = decodes ? Form::Absorb : Form::Naive;
  return {{RegimeAttr::get(context, phase, {}, {}, form, form)},
          decodes ? "by default, every step reads the whole cache and must not up-project it"
                  : "by default, one up-projection serves many queries"};
}

/// Joins two consecutive regimes, if one can express both.
static RegimeAttr join(RegimeAttr a, RegimeAttr b) {
  if (a.getPhase() != b.getPhase() || !a.hasForms(b.getQ(), b.getO()))
    return nullptr;
  mla::Range tokens = a.getTokens(), contexts = a.getContexts();
  if (tokens == b.getTokens())
    contexts.last = b.getContexts().last;
  else if (contexts == b.getContexts())
    tokens.last = b.getTokens().last;
  else
    return nullptr;
  return RegimeAttr::get(a.getContext(), a.getPhase(), tokens, contexts, a.getQ(), a.getO());
}

static void append(SmallVectorImpl<RegimeAttr> &regimes, RegimeAttr regime) {
  RegimeAttr joined = regimes.empty() ? nullptr : join(regimes.back(), regime);
  if (!joined)
    return regimes.push_back(regime);
  regimes.pop_back();
  append(regimes, joined); // contexts that became one may let tokens become one
}

/// Prints `naive`, or `naive to 319, then absorb`, with `in steps to 199 tokens` if other steps have other forms.
static std::string listForms(ArrayRef<RegimeAttr> regimes) {
  std::string text;
  for (RegimeAttr regime : regimes) {
    mla::Range tokens = regime.getTokens(), contexts = regime.getContexts();
    text += stringifyForm(regime.getQ());
    if (contexts.isBounded())
      text += " to " + std::to_string(contexts.last) + ", then ";
    else if (tokens.isBounded())
      text += " in steps to " + std::to_string(tokens.last) + " tokens, in longer ones ";
  }
  return text;
}

/// Return the regimes projected to one side.
static SmallVector<RegimeAttr> ofSide(ArrayRef<RegimeAttr> regimes, Form (RegimeAttr::*side)() const) {
  SmallVector<RegimeAttr> joined;
  for (RegimeAttr regime : regimes) {
    Form form = (regime.*side)();
    append(joined, RegimeAttr::get(regime.getContext(), regime.getPhase(), regime.getTokens(), regime.getContexts(),
                                   form, form));
  }
  return joined;
}

/// Explains the form of a side.
static std::string explainForm(std::optional<Form> requested, StringRef decided, const PhaseDecision &decision) {
  if (requested)
    return (stringifyForm(*requested) + " as requested").str();
  return (decided + " " + decision.reason).str();
}

static std::string explain(Phase phase, const PlanRequest::Sides &sides, const PhaseDecision &decision) {
  std::string phaseText = stringifyPhase(phase).str();
  std::string q = listForms(ofSide(decision.regimes, &RegimeAttr::getQ));
  std::string o = listForms(ofSide(decision.regimes, &RegimeAttr::getO));
  if (sides.q == sides.o && (sides.q || q == o))
    return phaseText + " " + explainForm(sides.q, q, decision);
  if (!sides)
    return phaseText + " q " + q + ", o " + o + " " + decision.reason;
  return phaseText + " q " + explainForm(sides.q, q, decision) + ", o " + explainForm(sides.o, o, decision);
}

PlanAttr mla::makePlan(MLIRContext *context, const PlanRequest &request, PlanAttr base,
                       function_ref<PhaseDecision(Phase)> decide) {
  SmallVector<RegimeAttr> regimes;
  std::string why;
  for (Phase phase : {Phase::Decode, Phase::Prefill}) {
    PhaseDecision decision{base ? base.getRegimes(phase) : SmallVector<RegimeAttr>(), "as planned before"};
    if (decision.regimes.empty())
      decision = decide(phase);
    const PlanRequest::Sides &sides = request[phase];
    for (RegimeAttr regime : decision.regimes)
      append(regimes, RegimeAttr::get(context, phase, regime.getTokens(), regime.getContexts(),
                                      sides.q.value_or(regime.getQ()), sides.o.value_or(regime.getO())));
    why += (why.empty() ? "" : "; ") + explain(phase, sides, decision);
  }
  if (request.acrossRounding)
    why += "; across roundings as requested";
  if (base)
    why += (": " + base.getWhy()).str();
  return PlanAttr::get(context, regimes, why);
}
