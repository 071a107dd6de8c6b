//===- MLIROptions.h - MLIR's own options -----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_COMPILE_MLIROPTIONS_H
#define MLA_COMPILE_MLIROPTIONS_H

#include "mla/Pipeline/CompileOptions.h"

namespace mla {

/// Registers --mlir-print-ir-*, --mlir-timing and the like. Before the command line is parsed.
void registerMLIROptions();

/// Has a compilation do as they say. Times are printed when the process ends.
void applyMLIROptions(CompileOptions &options);

} // namespace mla

#endif // MLA_COMPILE_MLIROPTIONS_H
