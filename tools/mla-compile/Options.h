//===- Options.h - The command line of mla-compile --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_COMPILE_OPTIONS_H
#define MLA_COMPILE_OPTIONS_H

#include "mla/Pipeline/CompileOptions.h"

namespace mla {

/// Parses the command line; an error is one of usage. --help and --version print and exit.
llvm::Expected<CompileOptions> parseOptions(int argc, char **argv);

/// --report was asked for.
bool wantsReport();

} // namespace mla

#endif // MLA_COMPILE_OPTIONS_H
