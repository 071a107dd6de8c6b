//===- ChooseForms.h - The cheapest legal forms -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_DIALECT_MLA_TRANSFORMS_CHOOSEFORMS_H
#define MLA_LIB_DIALECT_MLA_TRANSFORMS_CHOOSEFORMS_H

#include "mla/Dialect/MLA/Analysis/AttentionLayer.h"

namespace mla {

/// Most queries of a step of prefill, if nobody says otherwise: what engines cut long prompts into.
constexpr int64_t kPrefillTokens = 2048;

/// What a phase is expected to do: forms are compared by the geometric mean over the batches.
struct Workload {
  llvm::SmallVector<int64_t> batches;
  Range tokens; ///< queries of a sequence, if its context has as many

  Step getStep(int64_t batch, int64_t context) const { return {batch, std::min(tokens.last, context), context}; }
  static Workload of(Phase phase, int64_t prefillTokens);
};

/// Forms and the steps that they serve.
struct FormsOfSteps {
  Range tokens, contexts;
  Forms forms;
};

/// Chooses the forms of one phase of a layer.
///
/// The phase's own forms (decode: absorbed, prefill: naive; less where that is illegal) are left only for others that
/// take a tenth less time: another form is more code and often more weights, and the model is not better than that.
/// The target whose kernels forms need: none for "cpu", the module's for "", else the one of the name. Emits an error
/// and fails where there is none.
mlir::FailureOr<const KernelTarget *> findPlanTarget(mlir::ModuleOp module, llvm::StringRef name);

class FormChooser {
public:
  static constexpr double kMargin = 1.1;
  /// Contexts below and beyond are served as these are: an entry for a handful of tokens is not worth its code.
  static constexpr int64_t kShortest = 128, kLongest = 1 << 20;
  /// Likewise steps of prefill with fewer queries.
  static constexpr int64_t kFewestQueries = 16;

  /// Leaves out forms that `target` has no kernel for; null: none.
  FormChooser(AttentionOp attention, Phase phase, const CostModel &model, int64_t prefillTokens,
              const KernelTarget *target);

  /// Every pair of forms that is legal and compiles, the phase's own first.
  llvm::ArrayRef<Forms> getCandidates() const { return candidates; }
  /// "q cannot be absorbed: …", for each side that something stands in the way of.
  llvm::ArrayRef<std::string> getRefusals() const { return refusals; }
  Phase getPhase() const { return phase; }
  const Workload &getWorkload() const { return workload; }
  const CostModel &getModel() const { return model; }

  /// For steps of `tokens` queries per sequence, or of whole contexts where these are shorter.
  Forms choose(int64_t tokens, int64_t context) const;
  /// By bands of tokens, and in each by contexts; none is left out.
  llvm::SmallVector<FormsOfSteps> chooseAll() const;

private:
  bool compiles(Forms forms, const KernelTarget *target) const;
  double getSeconds(Forms forms, int64_t tokens, int64_t context) const;

  Phase phase;
  CostModel model;
  Workload workload;
  llvm::SmallVector<Forms> candidates;
  llvm::SmallVector<std::string> refusals;
};

} // namespace mla

#endif // MLA_LIB_DIALECT_MLA_TRANSFORMS_CHOOSEFORMS_H
