//===- Amdahl.cpp - Speed-ups by Amdahl's law -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Report/Report.h"

using namespace mla;
using namespace mla::report;

static double secondsOf(const Costs &costs) { return costs.getTotal().seconds; }

/// Return the speed-up of a step if a part took no time.
static double without(const Costs &costs, double seconds) { return secondsOf(costs) / (secondsOf(costs) - seconds); }

/// Find the context from which on the step is `gain` times as fast without the core. The core's share grows with the
/// context except for the shortest prompts, which are dominated by launches; so search downwards.
static std::optional<int64_t> findContext(const ModelCosts &costs, const Request &request, Phase phase, double gain) {
  auto gains = [&](int64_t context) {
    Costs step = costs.getModel(plannedForm(request, phase, context), stepOf(phase, request.batch, context));
    return without(step, step[Part::AttentionCore].seconds) >= gain;
  };
  if (!gains(kMaxContext))
    return std::nullopt;
  int64_t from = kMaxContext;
  while (from > 1 && gains(from / 2))
    from /= 2;
  for (int64_t below = from / 2; from - below > 1;) {
    int64_t middle = below + (from - below) / 2;
    (gains(middle) ? from : below) = middle;
  }
  return from;
}

Amdahl mla::report::findAmdahl(const ModelCosts &costs, const Request &request, const PhaseCosts &phase) {
  // A different form is planned only if it is a tenth faster; use the same threshold for when the core matters.
  constexpr double matters = 1.1, half = 2;
  Amdahl amdahl;
  if (const FormCosts *absorbed = phase.find("absorb")) {
    amdahl.absorptionOverFullCache = secondsOf(phase.find("naive_full_cache")->model) / secondsOf(absorbed->model);
    amdahl.absorptionOverRecomputed = secondsOf(phase.find("naive_recomputed")->model) / secondsOf(absorbed->model);
  }
  const Costs &planned = phase.getPlanned().model;
  amdahl.infinitelyFastCore = without(planned, planned[Part::AttentionCore].seconds);
  if (request.config.hasMlp()) {
    amdahl.infinitelyFastAttention = without(planned, planned.getAttention().seconds);
    amdahl.infinitelyFastMlp = without(planned, planned[Part::Mlp].seconds);
  }
  amdahl.mattersFrom = findContext(costs, request, phase.phase, matters);
  amdahl.halfFrom = findContext(costs, request, phase.phase, half);
  return amdahl;
}
