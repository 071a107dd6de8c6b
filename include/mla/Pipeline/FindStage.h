//===- FindStage.h - The stage of a module that was given -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINE_FINDSTAGE_H
#define MLA_PIPELINE_FINDSTAGE_H

#include "mla/Pipeline/Stages.h"

namespace mla {

/// The stage that a module is at, by what it holds: the last one whose marks are there. An error, with its location,
/// where marks of several ways are, or where there is nothing to compile.
llvm::Expected<Stage> findStage(mlir::ModuleOp module);

/// Whether a module with the marks of stage `found` may be taken for one at `from`. Up to Fold stages are the same
/// operations, with less or more done.
bool mayGoOnFrom(Stage from, Stage found);

} // namespace mla

#endif // MLA_PIPELINE_FINDSTAGE_H
