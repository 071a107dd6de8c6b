//===- ChooseForms.cpp - The cheapest legal forms ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChooseForms.h"
#include "mla/Dialect/MLA/Analysis/Legality.h"
#include "mla/Dialect/MLA/Analysis/NaiveWidths.h"

#include <cmath>

using namespace mlir;
using namespace mla;

Workload Workload::of(Phase phase, int64_t prefillTokens) {
  if (phase == Phase::Decode)
    return {{1, 8, 32, 128}, 1};
  return {{1}, prefillTokens};
}

/// The first form that a side may not have, and why.
static void addRefusal(SmallVectorImpl<std::string> &refusals, AttentionOp attention, Side side) {
  for (auto [form, made] : {std::pair(Form::Absorb, "absorbed"), std::pair(Form::Fold, "folded")})
    if (std::optional<Refusal> refusal = findRefusal(attention, side, form)) {
      refusals.push_back((stringifySide(side) + " cannot be " + made + ": " + refusal->why).str());
      return;
    }
}

static bool isLegal(AttentionOp attention, Forms forms) {
  return !findRefusal(attention, Side::Q, forms.q) && !findRefusal(attention, Side::O, forms.o);
}

/// The phase's own forms are first in their lists.
static SmallVector<Form> getForms(Phase phase) {
  if (phase == Phase::Decode)
    return {Form::Absorb, Form::Naive, Form::Fold};
  return {Form::Naive, Form::Absorb, Form::Fold};
}

FormChooser::FormChooser(AttentionOp attention, Phase phase, const CostModel &model, int64_t prefillTokens,
                         int64_t attentionWidth)
    : phase(phase), model(model), workload(Workload::of(phase, prefillTokens)) {
  for (Form q : getForms(phase))
    for (Form o : getForms(phase))
      if (isLegal(attention, {q, o}) && compiles({q, o}, attentionWidth))
        candidates.push_back({q, o});
  for (Side side : {Side::Q, Side::O})
    addRefusal(refusals, attention, side);
  if (candidates.empty()) // nothing compiles: the target says why
    candidates.push_back({Form::Naive, Form::Naive});
}

/// The latent attention is made for any width, the naive one for keys and values that fit.
bool FormChooser::compiles(Forms forms, int64_t attentionWidth) const {
  if (attentionWidth == 0 || (forms.q != Form::Naive && forms.o != Form::Naive))
    return true;
  const LayerShape &shape = model.getShape();
  int64_t key = forms.q == Form::Naive ? shape.nope : shape.latent;
  int64_t value = forms.o == Form::Naive ? shape.value : shape.latent;
  return fitsNaiveAttention(key, shape.rope, value, attentionWidth);
}

double FormChooser::getSeconds(Forms forms, int64_t context) const {
  double logarithms = 0;
  for (int64_t batch : workload.batches)
    logarithms += std::log(model.getCost(forms, workload.getStep(batch, context)).getTotal().seconds);
  return std::exp(logarithms / workload.batches.size());
}

Forms FormChooser::choose(int64_t context) const {
  Forms own = candidates.front();
  double ownSeconds = getSeconds(own, context), bestSeconds = ownSeconds / kMargin;
  Forms best = own;
  for (Forms forms : candidates)
    if (double seconds = getSeconds(forms, context); seconds < bestSeconds)
      best = forms, bestSeconds = seconds;
  return best;
}

SmallVector<FormsOfContexts> FormChooser::chooseAll() const {
  // No longer than one sequence that fills the device.
  int64_t room = model.getDevice().memoryBytes / std::max<int64_t>(1, model.getCachedTokenBytes());
  SmallVector<FormsOfContexts> chosen = {{0, RegimeAttr::kUnbounded, choose(kShortest)}};
  for (int64_t from = kShortest, to = 2 * from; to <= std::min(kLongest, room); from = to, to *= 2)
    while (chosen.back().forms != choose(to)) {
      // The first context in (from, to] that is chosen otherwise.
      for (int64_t end = to; end - from > 1;) {
        int64_t middle = from + (end - from) / 2;
        (choose(middle) == chosen.back().forms ? from : end) = middle;
      }
      chosen.back().last = from++;
      chosen.push_back({from, RegimeAttr::kUnbounded, choose(from)});
    }
  return chosen;
}
