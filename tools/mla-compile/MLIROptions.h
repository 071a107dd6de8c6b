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

/// Register --mlir-print-ir-*, --mlir-timing and so on. Call before parsing the command line.
void registerMLIROptions();

/// Apply the options to a compilation. Times are printed when the process exits.
void applyMLIROptions(CompileOptions &options);

} // namespace mla

#endif // MLA_COMPILE_MLIROPTIONS_H
