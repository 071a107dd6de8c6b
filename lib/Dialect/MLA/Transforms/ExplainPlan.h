//===- ExplainPlan.h - Costs of forms, in words -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_DIALECT_MLA_TRANSFORMS_EXPLAINPLAN_H
#define MLA_LIB_DIALECT_MLA_TRANSFORMS_EXPLAINPLAN_H

#include "ChooseForms.h"

namespace mla {

/// Why a phase has its forms, in half a line: "by cost on cpu: 232 us …".
std::string explainChoice(const FormChooser &chooser);

/// The sizes of a layer and what its weights and its cache take, in three lines.
std::string describeLayer(const CostModel &model);

/// The regimes of a phase in a line, then a line a sample with what each form costs.
std::string describePhase(const FormChooser &chooser, llvm::ArrayRef<RegimeAttr> regimes);

/// What every part of a step costs in every form: a line a pair of forms, with `*` before those of `taken`.
std::string tabulateCosts(const FormChooser &chooser, const Step &step, std::optional<Forms> taken);

} // namespace mla

#endif // MLA_LIB_DIALECT_MLA_TRANSFORMS_EXPLAINPLAN_H
