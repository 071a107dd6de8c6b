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

/// Default maximum of queries per step of prefill: the chunk size of engines for long prompts.
constexpr int64_t kPrefillTokens = 2048;

/// The expected steps of a phase: forms are compared by the geometric mean over the batches.
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

/// Return the target whose kernels forms need: null for "cpu", the module's for "", else the named one. Emit an error
/// and fail if there is none.
mlir::FailureOr<const KernelTarget *> findPlanTarget(mlir::ModuleOp module, llvm::StringRef name);

/// Chooses the forms of one phase of a layer.
///
/// The default forms of the phase (decode: absorbed, prefill: naive; less where that is illegal) are replaced only by
/// forms that take a tenth less time: another form is more code and often more weights, and the model is not more
/// accurate than that.
class FormChooser {
public:
  static constexpr double kMargin = 1.1;
  /// Shorter and longer contexts are treated as these: an entry for a handful of tokens is not worth its code.
  static constexpr int64_t kShortest = 128, kLongest = 1 << 20;
  /// Likewise steps of prefill with fewer queries.
  static constexpr int64_t kFewestQueries = 16;

  /// Leaves out forms that `target` has no kernel for; null: none.
  FormChooser(AttentionOp attention, Phase phase, const CostModel &model, int64_t prefillTokens,
              const KernelTarget *target);

  /// Return every pair of forms that is legal and compiles, the default one first.
  llvm::ArrayRef<Forms> getCandidates() const { return candidates; }
  /// Return "q cannot be absorbed: …", for each side that cannot.
  llvm::ArrayRef<std::string> getRefusals() const { return refusals; }
  Phase getPhase() const { return phase; }
  const Workload &getWorkload() const { return workload; }
  const CostModel &getModel() const { return model; }

  /// Chooses for steps of `tokens` queries per sequence, or of whole contexts if these are shorter.
  Forms choose(int64_t tokens, int64_t context) const;
  /// Chooses by bands of tokens, and in each by contexts; covers every step.
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
