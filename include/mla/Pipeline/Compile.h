//===- Compile.h - One run of the compiler ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINE_COMPILE_H
#define MLA_PIPELINE_COMPILE_H

#include "mla/Pipeline/CompileOptions.h"

namespace mla {

/// Compile config and weights to options.output. All inputs are checked before anything is written, and the output is
/// checked to be writable before any work is done.
llvm::Error compile(const CompileOptions &options);

} // namespace mla

#endif // MLA_PIPELINE_COMPILE_H
