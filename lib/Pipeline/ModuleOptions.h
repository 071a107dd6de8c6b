//===- ModuleOptions.h - The options that a module decides ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_MODULEOPTIONS_H
#define MLA_LIB_PIPELINE_MODULEOPTIONS_H

#include "mla/Pipeline/Stages.h"

namespace mla {

/// Sets the options that the module at `stage` decides: target, elements, pages and ranks. An error where an option
/// asks for something else, or for what has been done already.
llvm::Error settleOptions(mlir::ModuleOp module, Stage stage, CompileOptions &options);

} // namespace mla

#endif // MLA_LIB_PIPELINE_MODULEOPTIONS_H
