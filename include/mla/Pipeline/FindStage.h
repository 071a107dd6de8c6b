//===- FindStage.h - Find the stage of a module -----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINE_FINDSTAGE_H
#define MLA_PIPELINE_FINDSTAGE_H

#include "mla/Pipeline/Stages.h"

namespace mla {

/// Derive a module's stage from its operations: the last stage whose marks it has. Return an error, with a location,
/// for marks of different targets and for modules with nothing to compile.
llvm::Expected<Stage> findStage(mlir::ModuleOp module);

/// Return whether a module with the marks of stage `found` can be compiled from stage `from`. The stages up to Fold
/// have the same operations and can be repeated.
bool mayGoOnFrom(Stage from, Stage found);

} // namespace mla

#endif // MLA_PIPELINE_FINDSTAGE_H
