//===- NamedForms.h - The forms of a report ---------------------*- C++ -*-===//
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

/// Return every form of a phase, the plan at the request's context last; only one without latent attention.
std::vector<NamedForm> formsOf(const Request &request, Phase phase);

/// Return the memory that a device needs for a form.
Memory makeMemory(const ModelCosts &costs, const Request &request, const NamedForm &named);

/// Return the smallest tensorParallel that divides the heads and whose devices each have enough memory.
std::optional<int64_t> findFittingRanks(const Request &request);

MemoryMap makeMemoryMap(const ModelCosts &costs, const Request &request);
CrossoverMap makeCrossoverMap(const CostModel &model, const Request &request);
std::vector<BatchSample> sampleBatches(const ModelCosts &costs, const Request &request);
std::vector<RooflinePoint> listRooflinePoints(const PhaseCosts &decode, const PhaseCosts &prefill);

} // namespace mla::report

#endif // MLA_LIB_REPORT_NAMEDFORMS_H
