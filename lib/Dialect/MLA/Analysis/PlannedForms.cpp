//===- PlannedForms.cpp - What a plan has for a step ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/PlannedForms.h"

using namespace mla;

std::optional<Forms> mla::findPlannedForms(PlanAttr plan, Phase phase, int64_t tokens, int64_t context) {
  if (plan)
    for (RegimeAttr regime : plan.getRegimes(phase))
      if (regime.covers(tokens, context))
        return Forms{regime.getQ(), regime.getO()};
  return std::nullopt;
}
