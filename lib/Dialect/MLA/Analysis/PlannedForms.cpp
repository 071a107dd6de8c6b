//===- PlannedForms.cpp - Planned forms of a step ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/PlannedForms.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mla;

std::string mla::nameForms(Forms forms) {
  if (forms.q == forms.o)
    return stringifyForm(forms.q).str();
  return llvm::formatv("q {0}, o {1}", stringifyForm(forms.q), stringifyForm(forms.o));
}

std::optional<Forms> mla::findPlannedForms(PlanAttr plan, Phase phase, int64_t tokens, int64_t context) {
  if (plan)
    for (RegimeAttr regime : plan.getRegimes(phase))
      if (regime.covers(tokens, context))
        return Forms{regime.getQ(), regime.getO()};
  return std::nullopt;
}
