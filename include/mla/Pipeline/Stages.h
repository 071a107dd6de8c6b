//===- Stages.h - From an imported layer to the target's code ---*- C++ -*-===//
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

/// What has been done to a module, in order. After Fold the ways of the targets part.
enum class Stage {
  Import,  ///< Naive form; weights by checkpoint name.
  Plan,    ///< `mla.plan` says which forms.
  Absorb,  ///< A function a form; up-projections outside the attention.
  Fold,    ///< Weights are prepared by `@prepare` functions.
  Layout,  ///< CPU: prepared weights lie as the target reads them.
  Linalg,  ///< CPU: weights are arguments, mla operations are linalg. `@prepare` functions are gone: they run at
           ///< compile time.
  LLVM,    ///< CPU: the LLVM dialect, with entries.
  Kernels, ///< GPU: operations are grouped into kernels, each with its schedule.
  NVVM,    ///< GPU: launches, and code in the LLVM and NVVM dialects. `@prepare` functions are gone.
};

llvm::StringRef nameOf(Stage stage);
/// None: there is no stage of that name.
std::optional<Stage> findStageNamed(llvm::StringRef name);

/// The last stage of what is asked for as a module; emitBundle and emitPTX go on from there.
Stage lastStage(const CompileOptions &options);

/// The stage whose dialects are needed: a bundle's weights are prepared on the CPU, whatever the target.
inline Stage lastDialects(const CompileOptions &options) {
  return options.emit == Emit::Bundle ? Stage::LLVM : lastStage(options);
}

/// The name or file of the device that plans are made for, as mla-plan takes it.
std::string planDevice(const CompileOptions &options);

/// The dialects that the stages up to `upTo` need. Only those of Linalg and LLVM are many: the compiler starts fast.
void registerStageDialects(mlir::DialectRegistry &registry, Stage upTo);

/// The dialects of every stage's text, and of the modules that mla-raise takes.
void registerParsedDialects(mlir::DialectRegistry &registry);

/// Brings a module from one stage to another. On failure the module is of no use. Remarks and warnings go to stderr.
llvm::Error runStages(mlir::ModuleOp module, Stage from, Stage upTo, const CompileOptions &options);

} // namespace mla

#endif // MLA_PIPELINE_STAGES_H
