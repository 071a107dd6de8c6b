//===- ModuleOptions.h - Options determined by a module ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_MODULEOPTIONS_H
#define MLA_LIB_PIPELINE_MODULEOPTIONS_H

#include "mla/Pipeline/Stages.h"

namespace mla {

/// Set the options that the module at `stage` determines: target, element type, page size and ranks. Return an error if
/// an option contradicts the module, or is for a stage that the module has passed.
llvm::Error settleOptions(mlir::ModuleOp module, Stage stage, CompileOptions &options);

} // namespace mla

#endif // MLA_LIB_PIPELINE_MODULEOPTIONS_H
