//===- Options.h - The command line of mla-compile --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_COMPILE_OPTIONS_H
#define MLA_COMPILE_OPTIONS_H

#include "mla/Pipeline/WriteReport.h"

#include "llvm/ADT/Twine.h"

namespace mla {

/// What the command line asks for: a report, or else a compilation.
struct CommandLine {
  CompileOptions compile;
  std::optional<ReportOptions> report;
};

/// Parses the command line; an error is one of usage. --help and --version print and exit.
llvm::Expected<CommandLine> parseOptions(int argc, char **argv);

/// The error of wrong usage.
llvm::Error usage(const llvm::Twine &what);

/// The options beside a .mlir: those that it decides are refused.
llvm::Error checkModuleOptions(const CompileOptions &options);

} // namespace mla

#endif // MLA_COMPILE_OPTIONS_H
