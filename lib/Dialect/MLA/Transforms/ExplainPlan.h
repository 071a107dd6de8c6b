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

/// Explains the forms of a phase in half a line: "by cost on cpu: 232 us …".
std::string explainChoice(const FormChooser &chooser);

/// Describes the sizes of a layer and of its weights and cache, in three lines.
std::string describeLayer(const CostModel &model);

/// Prints the regimes of a phase in one line, then one line per sample with the cost of each form.
std::string describePhase(const FormChooser &chooser, llvm::ArrayRef<RegimeAttr> regimes);

/// Prints the cost of every part of a step in every form: one line per pair of forms, with `*` before those of `taken`.
std::string tabulateCosts(const FormChooser &chooser, const Step &step, std::optional<Forms> taken);

} // namespace mla

#endif // MLA_LIB_DIALECT_MLA_TRANSFORMS_EXPLAINPLAN_H
