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

llvm::StringRef nameOf(Stage stage);

/// Returns all stages by name, in order.
llvm::ArrayRef<std::pair<llvm::StringRef, Stage>> stagesByName();

/// The last stage of what is asked for as a module; emitBundle and emitPTX go on from there.
Stage lastStage(const CompileOptions &options);

/// The stage whose dialects are needed: a bundle's weights are prepared on the CPU, whatever the target.
inline Stage lastDialects(const CompileOptions &options) {
  return options.emit == Stage::Bundle ? Stage::LLVM : lastStage(options);
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
