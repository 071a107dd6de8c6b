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

llvm::StringRef nameOf(Stage stage);

/// Return all stages by name, in order.
llvm::ArrayRef<std::pair<llvm::StringRef, Stage>> stagesByName();

/// Return the last stage for an output that is a module; emitBundle and emitPTX continue from there.
Stage lastStage(const CompileOptions &options);

/// Return the stage whose dialects are needed: a bundle's weights are prepared on the CPU, for every target.
inline Stage lastDialects(const CompileOptions &options) {
  return options.emit == Stage::Bundle ? Stage::LLVM : lastStage(options);
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
