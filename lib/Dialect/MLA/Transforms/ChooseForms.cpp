//===- ChooseForms.cpp - The cheapest legal forms ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChooseForms.h"
#include "mla/Dialect/MLA/Analysis/Legality.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"

#include <cmath>

using namespace mlir;
using namespace mla;

Workload Workload::of(Phase phase, int64_t prefillTokens) {
  if (phase == Phase::Decode)
    return {{1, 8, 32, 128}, {1, 1}};
  return {{1}, {std::min(FormChooser::kFewestQueries, prefillTokens), prefillTokens}};
}

FailureOr<const KernelTarget *> mla::findPlanTarget(ModuleOp module, StringRef name) {
  if (name == "cpu")
    return static_cast<const KernelTarget *>(nullptr);
  if (const KernelTarget *target = name.empty() ? KernelTarget::findFor(module) : KernelTarget::findNamed(name, module))
    return target;
  return failure();
}

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

/// Return the forms of a phase, its default form first.
static SmallVector<Form> getForms(Phase phase) {
  if (phase == Phase::Decode)
    return {Form::Absorb, Form::Naive, Form::Fold};
  return {Form::Naive, Form::Absorb, Form::Fold};
}

FormChooser::FormChooser(AttentionOp attention, Phase phase, const CostModel &model, int64_t prefillTokens,
                         const KernelTarget *target)
    : phase(phase), model(model), workload(Workload::of(phase, prefillTokens)) {
  for (Form q : getForms(phase))
    for (Form o : getForms(phase))
      if (isLegal(attention, {q, o}) && compiles({q, o}, target))
        candidates.push_back({q, o});
  for (Side side : {Side::Q, Side::O})
    addRefusal(refusals, attention, side);
  if (candidates.empty()) // nothing compiles: the target reports why
    candidates.push_back({Form::Naive, Form::Naive});
}

/// Latent attention supports any width, naive attention only some widths of keys and values.
bool FormChooser::compiles(Forms forms, const KernelTarget *target) const {
  if (!target || (forms.q != Form::Naive && forms.o != Form::Naive))
    return true;
  const LayerShape &shape = model.getShape();
  int64_t key = forms.q == Form::Naive ? shape.nope : shape.latent;
  int64_t value = forms.o == Form::Naive ? shape.value : shape.latent;
  return target->attends({key, shape.rope, value});
}

double FormChooser::getSeconds(Forms forms, int64_t tokens, int64_t context) const {
  double logarithms = 0;
  for (int64_t batch : workload.batches)
    logarithms += std::log(model.getCost(forms, {batch, std::min(tokens, context), context}).getTotal().seconds);
  return std::exp(logarithms / workload.batches.size());
}

Forms FormChooser::choose(int64_t tokens, int64_t context) const {
  Forms own = candidates.front();
  double ownSeconds = getSeconds(own, tokens, context), bestSeconds = ownSeconds / kMargin;
  Forms best = own;
  for (Forms forms : candidates)
    if (double seconds = getSeconds(forms, tokens, context); seconds < bestSeconds)
      best = forms, bestSeconds = seconds;
  return best;
}

/// Joins a range whose numbers do not grow by half to the next one: it is not worth an entry.
static SmallVector<mla::Range> joinNarrow(ArrayRef<mla::Range> ranges, mla::Range bounds) {
  SmallVector<mla::Range> wide;
  int64_t first = 0;
  for (mla::Range range : ranges) {
    if (range.isBounded() && 2 * range.last < 3 * std::max(first, bounds.first))
      continue;
    wide.push_back({first, range.last});
    first = range.last + 1;
  }
  return wide;
}

/// Finds ranges of numbers with the same choice, from `bounds.first` on by doubling and, in between, by bisection.
static SmallVector<mla::Range> splitByChoice(mla::Range bounds, function_ref<Forms(int64_t)> choose) {
  SmallVector<mla::Range> ranges = {mla::Range()};
  for (int64_t from = bounds.first, to; from < bounds.last; from = to) {
    to = std::min(2 * from, bounds.last);
    for (Forms forms = choose(from); forms != choose(to); forms = choose(from)) {
      // Find the first number in (from, to] with another choice.
      for (int64_t end = to; end - from > 1;) {
        int64_t middle = from + (end - from) / 2;
        (choose(middle) == forms ? from : end) = middle;
      }
      ranges.back().last = from++;
      ranges.push_back({from, mla::Range::kUnbounded});
    }
  }
  return joinNarrow(ranges, bounds);
}

/// Return the representative step of a band: its geometric middle. The longest steps represent those beyond.
static int64_t getTypical(mla::Range band, mla::Range bounds) {
  if (!band.isBounded())
    return bounds.last;
  return std::llround(std::sqrt(double(std::max(band.first, bounds.first)) * band.last));
}

SmallVector<FormsOfSteps> FormChooser::chooseAll() const {
  // At most one sequence that fills the device.
  int64_t room = model.getDevice().memoryBytes / std::max<int64_t>(1, model.getCachedTokenBytes());
  mla::Range contexts = {kShortest, std::min(kLongest, room)};
  SmallVector<FormsOfSteps> chosen;
  for (mla::Range band :
       splitByChoice(workload.tokens, [&](int64_t tokens) { return choose(tokens, contexts.last); })) {
    int64_t tokens = getTypical(band, workload.tokens);
    for (mla::Range range : splitByChoice(contexts, [&](int64_t context) { return choose(tokens, context); }))
      chosen.push_back({band, range, choose(tokens, range.isBounded() ? range.last : contexts.last)});
  }
  return chosen;
}
