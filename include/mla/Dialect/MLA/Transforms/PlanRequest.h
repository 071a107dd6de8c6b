//===- PlanRequest.h - What a user asks of a plan ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_PLANREQUEST_H
#define MLA_DIALECT_MLA_TRANSFORMS_PLANREQUEST_H

#include "mla/Dialect/MLA/IR/MLA.h"

#include "llvm/Support/Error.h"

namespace mla {

/// What is asked for by phase and side; what is not is decided.
struct PlanRequest {
  /// What is asked of the two sides of one phase.
  struct Sides {
    std::optional<Form> q, o;
    explicit operator bool() const { return q || o; }
  };
  Sides prefill, decode;
  bool acrossRounding = false; ///< Products may leave out what rounds between their factors.

  Sides &operator[](Phase phase) { return phase == Phase::Prefill ? prefill : decode; }
  const Sides &operator[](Phase phase) const { return phase == Phase::Prefill ? prefill : decode; }
  explicit operator bool() const { return prefill || decode || acrossRounding; }
};

/// Reads `auto`, a form (which is decode's), or a list of `phase=form` and
/// `phase.side=form`: `decode.q=fold,decode.o=absorb,prefill=naive`. To any of
/// them `across-rounding` may be added: `fold,across-rounding`.
llvm::Expected<PlanRequest> parsePlanRequest(llvm::StringRef text);

/// The regimes of a phase, and why: "by default, …", "by cost …".
struct PhaseDecision {
  llvm::SmallVector<RegimeAttr> regimes;
  std::string reason;
};

/// Without costs: decode absorbed, prefill naive.
PhaseDecision decideByDefault(mlir::MLIRContext *context, Phase phase);

/// The plan with what is asked for, the rest as in `base`, or where that says nothing of a phase, as decided.
PlanAttr makePlan(mlir::MLIRContext *context, const PlanRequest &request, PlanAttr base,
                  llvm::function_ref<PhaseDecision(Phase)> decide);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_PLANREQUEST_H
