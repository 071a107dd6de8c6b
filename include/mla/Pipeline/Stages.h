//===- Stages.h - Stages of the compiler ------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINE_STAGES_H
#define MLA_PIPELINE_STAGES_H

#include "mla/Pipeline/CompileOptions.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"

namespace mla {

/// The stages of a module, in order. The stages after Fold depend on the target.
enum class Stage {
  Import,  ///< Naive form; weights by checkpoint name.
  Plan,    ///< `mla.plan` contains the chosen forms.
  Absorb,  ///< One function per form; up-projections are outside the attention.
  Fold,    ///< Weights are prepared by `@prepare` functions.
  Layout,  ///< CPU: prepared weights have the target's layout.
  Linalg,  ///< CPU: weights are arguments, mla operations are linalg. `@prepare` functions are gone: they run at
           ///< compile time.
  LLVM,    ///< CPU: the LLVM dialect, with entries.
  Kernels, ///< GPU: operations are grouped into kernels, each with its schedule.
  NVVM,    ///< GPU: launches, and code in the LLVM and NVVM dialects. `@prepare` functions are gone.
};

llvm::StringRef nameOf(Stage stage);
/// Return the stage of that name, if any.
std::optional<Stage> findStageNamed(llvm::StringRef name);

/// Return the last stage for an output that is a module; emitBundle and emitPTX continue from there.
Stage lastStage(const CompileOptions &options);

/// Return the stage whose dialects are needed: a bundle's weights are prepared on the CPU, for every target.
inline Stage lastDialects(const CompileOptions &options) {
  return options.emit == Emit::Bundle ? Stage::LLVM : lastStage(options);
}

/// Return the name or file of the device to plan for, as an option of mla-plan.
std::string planDevice(const CompileOptions &options);

/// Register the dialects of the stages up to `upTo`. The compiler starts fast because only Linalg and LLVM need many.
void registerStageDialects(mlir::DialectRegistry &registry, Stage upTo);

/// Register the dialects of every stage's text, and of the modules that mla-raise accepts.
void registerParsedDialects(mlir::DialectRegistry &registry);

/// Lower a module from one stage to another. After a failure the module is invalid. Remarks and warnings go to stderr.
llvm::Error runStages(mlir::ModuleOp module, Stage from, Stage upTo, const CompileOptions &options);

} // namespace mla

#endif // MLA_PIPELINE_STAGES_H
