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

/// The parsed command line: a list of families, a report or a compilation.
struct CommandLine {
  bool listsFamilies = false;
  CompileOptions compile;
  std::optional<ReportOptions> report;
};

/// Parse the command line; errors are usage errors. --help and --version print and exit.
llvm::Expected<CommandLine> parseOptions(int argc, char **argv);

/// Return a usage error.
llvm::Error usage(const llvm::Twine &what);

/// Check the options with a .mlir, and reject those that it determines.
llvm::Error checkModuleOptions(const CompileOptions &options);

} // namespace mla

#endif // MLA_COMPILE_OPTIONS_H
