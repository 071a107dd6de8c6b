//===- NamedForms.h - The forms that a report is about ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_NAMEDFORMS_H
#define MLA_LIB_REPORT_NAMEDFORMS_H

#include "mla/Report/Report.h"

namespace mla::report {

inline constexpr Forms kNaive{Form::Naive, Form::Naive}, kAbsorb{Form::Absorb, Form::Absorb},
    kFold{Form::Fold, Form::Fold};

struct NamedForm {
  std::string key, title;
  AttentionForm form;
};

/// Every form of a phase, the plan at the request's context last; one alone where there is no latent attention.
std::vector<NamedForm> formsOf(const Request &request, Phase phase);

/// What a device holds in one of them.
Memory makeMemory(const ModelCosts &costs, const Request &request, const NamedForm &named);

/// The fewest devices of a tensorParallel, of those that divide the heads, of which each has room for its part.
std::optional<int64_t> findFittingRanks(const Request &request);

MemoryMap makeMemoryMap(const ModelCosts &costs, const Request &request);
CrossoverMap makeCrossoverMap(const CostModel &model, const Request &request);
std::vector<BatchSample> sampleBatches(const ModelCosts &costs, const Request &request);
std::vector<RooflinePoint> listRooflinePoints(const PhaseCosts &decode, const PhaseCosts &prefill);

} // namespace mla::report

#endif // MLA_LIB_REPORT_NAMEDFORMS_H
