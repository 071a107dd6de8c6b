//===- ExplainPlan.cpp - Costs of forms, in words ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExplainPlan.h"
#include "mla/Dialect/MLA/Analysis/PlannedForms.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace mla;

static constexpr Forms kNaive{Form::Naive, Form::Naive}, kAbsorb{Form::Absorb, Form::Absorb},
    kFold{Form::Fold, Form::Fold};

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

/// Formats with three digits: `92.3`, `940`, `0.0123`.
static std::string threeDigits(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << (number < 1000 ? llvm::format("%.3g", number) : llvm::format("%.0f", number));
  return text;
}

static std::string inSeconds(double seconds) {
  if (seconds < 1e-3)
    return threeDigits(seconds * 1e6) + " us";
  return seconds < 1 ? threeDigits(seconds * 1e3) + " ms" : threeDigits(seconds) + " s";
}

static std::string inMegabytes(double bytes) { return threeDigits(bytes / 1e6) + " MB"; }

static std::string nameStep(Phase phase, const Step &step) {
  if (phase == Phase::Prefill)
    return llvm::formatv("{0} tokens at context {1}", step.tokens, step.context);
  return llvm::formatv("batch {0} at context {1}", step.batch, step.context);
}

static double getSeconds(const FormChooser &chooser, Forms forms, const Step &step) {
  return chooser.getModel().getCost(forms, step).getTotal().seconds;
}

//===----------------------------------------------------------------------===//
// Half a line
//===----------------------------------------------------------------------===//

/// Return the representative step of a phase.
static Step getTypicalStep(const FormChooser &chooser) {
  constexpr int64_t context = 4096;
  ArrayRef<int64_t> batches = chooser.getWorkload().batches;
  return chooser.getWorkload().getStep(batches[batches.size() / 2], context);
}

std::string mla::explainChoice(const FormChooser &chooser) {
  Step step = getTypicalStep(chooser);
  Forms chosen = chooser.choose(step.tokens, step.context);
  double seconds = getSeconds(chooser, chosen, step);
  std::string why = llvm::formatv("by cost on {0}, {1} for {2}", chooser.getModel().getDevice().name,
                                  inSeconds(seconds), nameStep(chooser.getPhase(), step));
  for (Forms declined : {kNaive, kAbsorb, kFold}) {
    if (declined == chosen || !llvm::is_contained(chooser.getCandidates(), declined))
      continue;
    double other = getSeconds(chooser, declined, step);
    why += ", " + nameForms(declined) + " " + inSeconds(other) + (other < seconds ? " but not a tenth less" : "");
  }
  for (const std::string &refusal : chooser.getRefusals())
    why += ", " + refusal;
  return why;
}

//===----------------------------------------------------------------------===//
// Ten lines
//===----------------------------------------------------------------------===//

/// Return ", scaled weights 1 in e4m3, tokens 2", or "" if no weight is multiplied in e4m3.
static std::string describeFormats(const LayerShape &shape) {
  for (const WeightFormat &format : shape.formats)
    if (format.terms)
      return llvm::formatv(", scaled weights 1 in e4m3, tokens {0}", format.terms);
  return "";
}

/// Say what adapters add to a token of the absorbed decode, where nothing depends on the context.
static std::string describeAdapters(const CostModel &model) {
  const AdapterShape &adapters = model.getShape().adapters;
  if (!adapters.count)
    return "";
  Cost cost = model.getAdapterCost(kAbsorb, {1, 1, 4096});
  return llvm::formatv("{0} adapters that sequences choose from, of rank {1} at most, {2} each; absorbed, one adds {3} "
                       "and {4} MFLOP to a token\n",
                       adapters.count, *llvm::max_element(adapters.ranks), inMegabytes(model.getAdapterBytes()),
                       inMegabytes(cost.getBytes()), threeDigits(cost.flops / 1e6));
}

std::string mla::describeLayer(const CostModel &model) {
  const LayerShape &shape = model.getShape();
  std::string text = llvm::formatv("{0} heads of {1} + {2}, values of {3}, hidden {4}, query rank {5}, latent {6}, {7} "
                                   "bytes an element{8}, on {9}\n",
                                   shape.heads, shape.nope, shape.rope, shape.value, shape.hidden, shape.queryRank,
                                   shape.latent, shape.elementBytes, describeFormats(shape), model.getDevice().name);
  auto side = [](double kept, double folded) {
    return llvm::formatv("{0}, folded {1} ({2:f2} times)", inMegabytes(kept), inMegabytes(folded), folded / kept).str();
  };
  text += "weights of q " + side(model.getQueryWeightBytes(Form::Absorb), model.getQueryWeightBytes(Form::Fold));
  text += "; of o " + side(model.getOutputWeightBytes(Form::Absorb), model.getOutputWeightBytes(Form::Fold)) + "\n";
  text += describeAdapters(model);
  text += llvm::formatv("a cached token {0} bytes; as keys and values per head {1}\n", model.getCachedTokenBytes(),
                        model.getExpandedTokenBytes());
  return text;
}

static std::string nameContexts(mla::Range contexts) {
  if (contexts.isAll())
    return " at every context";
  if (!contexts.isBounded())
    return llvm::formatv(" from context {0} on", contexts.first);
  return llvm::formatv(contexts.first == 0 ? " to context {1}" : " from context {0} to {1}", contexts.first,
                       contexts.last);
}

static std::string nameSteps(mla::Range tokens) {
  if (!tokens.isBounded())
    return tokens.first == 0 ? "" : " in longer steps";
  return llvm::formatv(tokens.first == 0 ? " in steps to {1} tokens" : " in steps of {0} to {1} tokens", tokens.first,
                       tokens.last);
}

static std::string nameRegime(RegimeAttr regime) {
  return nameForms({regime.getQ(), regime.getO()}) + nameContexts(regime.getContexts()) + nameSteps(regime.getTokens());
}

/// Compares the time of each form with the first candidate's.
static std::string compareForms(const FormChooser &chooser, const Step &step) {
  Forms own = chooser.getCandidates().front();
  double seconds = getSeconds(chooser, own, step);
  std::string text = nameForms(own) + " " + inSeconds(seconds);
  for (Forms forms : {kAbsorb, kNaive, Forms{Form::Fold, Form::Absorb}, Forms{Form::Absorb, Form::Fold}, kFold})
    if (forms != own && llvm::is_contained(chooser.getCandidates(), forms))
      text += llvm::formatv("; {0} {1:f2} times", nameForms(forms), getSeconds(chooser, forms, step) / seconds);
  return text;
}

/// Finds the least number of queries per step for which the naive form is cheaper, since enough of them share one
/// up-projection of a cached token. None up to the context.
static std::optional<int64_t> findCrossover(const CostModel &model, int64_t context) {
  auto naivePays = [&](int64_t tokens) {
    Step step{1, tokens, context};
    return model.getCost(kNaive, step).getTotal().seconds <= model.getCost(kAbsorb, step).getTotal().seconds;
  };
  if (!naivePays(context))
    return std::nullopt;
  int64_t below = 0, from = context;
  while (from - below > 1) {
    int64_t middle = below + (from - below) / 2;
    (naivePays(middle) ? from : below) = middle;
  }
  return from;
}

static std::string describeCrossover(const FormChooser &chooser) {
  constexpr int64_t context = 32768;
  if (chooser.getPhase() != Phase::Prefill || !llvm::is_contained(chooser.getCandidates(), kAbsorb))
    return "";
  if (std::optional<int64_t> tokens = findCrossover(chooser.getModel(), context))
    return llvm::formatv("; at context {0} naive pays from {1} tokens on", context, *tokens);
  return "";
}

std::string mla::describePhase(const FormChooser &chooser, ArrayRef<RegimeAttr> regimes) {
  std::string text = (stringifyPhase(chooser.getPhase()) + ": ").str();
  text += llvm::join(llvm::map_range(regimes, nameRegime), "; ") + describeCrossover(chooser) + "\n";
  for (const std::string &refusal : chooser.getRefusals())
    text += "  " + refusal + "\n";
  SmallVector<Step> samples;
  if (chooser.getPhase() == Phase::Decode)
    samples = {{1, 1, 4096}, {32, 1, 4096}, {128, 1, 4096}};
  else
    samples = {chooser.getWorkload().getStep(1, 2048), chooser.getWorkload().getStep(1, 32768)};
  for (const Step &step : samples)
    text += "  " + nameStep(chooser.getPhase(), step) + ": " + compareForms(chooser, step) + "\n";
  return text;
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// The parts of a step by name. Adapters are one where the layer has some.
static SmallVector<std::pair<StringRef, Cost>> namedParts(const LayerCost &cost, bool hasAdapters) {
  SmallVector<std::pair<StringRef, Cost>> parts = {{"us: common", cost.common},
                                                   {"query", cost.query},
                                                   {"up-project", cost.upProjection},
                                                   {"attention", cost.attention},
                                                   {"output", cost.output}};
  if (hasAdapters)
    parts.push_back({"adapters", cost.adapters});
  parts.push_back({"total", cost.getTotal()});
  return parts;
}

static void addRow(raw_ostream &os, bool taken, Forms forms, const LayerCost &cost, bool hasAdapters) {
  auto microseconds = [](const Cost &part) { return part.seconds * 1e6; };
  Cost total = cost.getTotal();
  os << llvm::formatv("{0} {1,-7}{2,-7}{3,10:f1}{4,12:f1}{5,10:f2}{6,9}", taken ? "*" : " ", stringifyForm(forms.q),
                      stringifyForm(forms.o), total.readBytes / 1e6, total.writtenBytes / 1e6, total.flops / 1e9,
                      int64_t(total.launches));
  for (const auto &[name, part] : namedParts(cost, hasAdapters))
    os << llvm::formatv(" {0,10:f1}", microseconds(part));
  os << "\n";
}

std::string mla::tabulateCosts(const FormChooser &chooser, const Step &step, std::optional<Forms> taken) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::formatv("  {0,-7}{1,-7}{2,10}{3,12}{4,10}{5,9}", "q", "o", "MB read", "MB written", "GFLOP", "kernels");
  bool hasAdapters = chooser.getModel().getShape().adapters.count;
  for (const auto &[name, part] : namedParts(LayerCost(), hasAdapters))
    os << llvm::formatv("{0,11}", name);
  os << "\n";
  for (Forms forms : chooser.getCandidates())
    addRow(os, taken == forms, forms, chooser.getModel().getCost(forms, step), hasAdapters);
  return text;
}
