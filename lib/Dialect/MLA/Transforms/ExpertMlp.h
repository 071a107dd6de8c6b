//===- ExpertMlp.h - An MLP of experts --------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TRANSFORMS_EXPERTMLP_H
#define MLA_TRANSFORMS_EXPERTMLP_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include <optional>

namespace mla {

/// Both projections of an MLP of experts, and what is between them:
///
///   up = experts_project x, W_up of e;  h = swiglu(slices of up);  down = experts_project h, W_down of e, summed by w
///
/// Nothing else reads up or h.
struct ExpertMlp {
  ExpertsProjectOp up, down;
  SwigluOp activated;
};

/// Find the MLP that ends with `down`; weights have no panels, x no dimension of choices.
std::optional<ExpertMlp> matchExpertMlp(ExpertsProjectOp down);

} // namespace mla

#endif // MLA_TRANSFORMS_EXPERTMLP_H
