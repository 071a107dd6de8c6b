//===- PlanRequest.h - Forms requested by the user --------------*- C++ -*-===//
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

/// The requested forms by phase and side; the others are chosen.
struct PlanRequest {
  /// The requested forms of the two sides of one phase.
  struct Sides {
    std::optional<Form> q, o;
    explicit operator bool() const { return q || o; }
  };
  Sides prefill, decode;
  bool acrossRounding = false; ///< Products may omit roundings between their factors.

  Sides &operator[](Phase phase) { return phase == Phase::Prefill ? prefill : decode; }
  const Sides &operator[](Phase phase) const { return phase == Phase::Prefill ? prefill : decode; }
  explicit operator bool() const { return prefill || decode || acrossRounding; }
};

/// Parses `auto`, a form (for decode), or a list of `phase=form` and
/// `phase.side=form`: `decode.q=fold,decode.o=absorb,prefill=naive`. Each may be
/// followed by `across-rounding`: `fold,across-rounding`.
llvm::Expected<PlanRequest> parsePlanRequest(llvm::StringRef text);

/// The regimes of a phase, and the reason: "by default, …", "by cost …".
struct PhaseDecision {
  llvm::SmallVector<RegimeAttr> regimes;
  std::string reason;
};

/// Decides without costs: decode absorbed, prefill naive.
PhaseDecision decideByDefault(mlir::MLIRContext *context, Phase phase);

/// Return the plan with the requested forms; the others are those of `base`, or without them those decided.
PlanAttr makePlan(mlir::MLIRContext *context, const PlanRequest &request, PlanAttr base,
                  llvm::function_ref<PhaseDecision(Phase)> decide);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_PLANREQUEST_H
