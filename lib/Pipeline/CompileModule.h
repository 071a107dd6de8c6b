//===- CompileModule.h - Compile a module of any stage ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_COMPILEMODULE_H
#define MLA_LIB_PIPELINE_COMPILEMODULE_H

#include "mla/Pipeline/CompileOptions.h"

namespace mla {

/// Compile options.module, at any stage, to options.output.
llvm::Error compileModule(const CompileOptions &options);

} // namespace mla

#endif // MLA_LIB_PIPELINE_COMPILEMODULE_H
