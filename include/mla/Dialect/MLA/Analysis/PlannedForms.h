//===- PlannedForms.h - Planned forms of a step -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_PLANNEDFORMS_H
#define MLA_DIALECT_MLA_ANALYSIS_PLANNEDFORMS_H

#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla {

/// `absorb`, or `q fold, o absorb`.
std::string nameForms(Forms forms);

/// Return the planned forms for a step of a phase, by its queries per sequence and its context; none without a plan
/// for the phase.
std::optional<Forms> findPlannedForms(PlanAttr plan, Phase phase, int64_t tokens, int64_t context);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_PLANNEDFORMS_H
