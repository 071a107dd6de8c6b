//===- mla-compile.cpp - Compile a checkpoint to a bundle -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MLIROptions.h"
#include "Options.h"
#include "mla/Pipeline/Compile.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>

static constexpr int usageStatus = 2;

static int fail(llvm::Error error, int status) {
  llvm::errs() << "error: " << llvm::toString(std::move(error)) << "\n";
  return status;
}

/// Print on one line of a terminal, each text replacing the last.
static void printProgress(llvm::StringRef what) {
  llvm::errs() << "\r\033[K" << (what.empty() ? "" : "mla-compile: ") << what;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  // Ignore SIGXFSZ, so that a write beyond the file size limit fails with an error. LLVM's handlers, installed above,
  // treat it as a crash.
  std::signal(SIGXFSZ, SIG_IGN);
  mla::registerMLIROptions();
  llvm::Expected<mla::CommandLine> options = mla::parseOptions(argc, argv);
  if (!options)
    return fail(options.takeError(), usageStatus);
  mla::applyMLIROptions(options->compile);
  if (llvm::sys::Process::StandardErrIsDisplayed())
    options->compile.progress = printProgress;
  llvm::Error error = options->report ? mla::writeReport(*options->report) : mla::compile(options->compile);
  options->compile.progress("");
  if (error)
    return fail(std::move(error), EXIT_FAILURE);
  return EXIT_SUCCESS;
}
