//===- mla-compile.cpp - Compile a checkpoint to a bundle -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MLIROptions.h"
#include "Options.h"
#include "mla/Import/Config.h"
#include "mla/Pipeline/Compile.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <bitset>
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

static int run(int argc, char **argv) {
  mla::registerMLIROptions();
  llvm::Expected<mla::CommandLine> options = mla::parseOptions(argc, argv);
  // From here on, after --help, a closed pipe fails the write.
  std::signal(SIGPIPE, SIG_IGN);
  if (!options)
    return fail(options.takeError(), usageStatus);
  if (options->listsFamilies) {
    mla::importer::printFamilies(llvm::outs());
    return EXIT_SUCCESS;
  }
  mla::applyMLIROptions(options->compile);
  if (llvm::sys::Process::StandardErrIsDisplayed())
    options->compile.progress = printProgress;
  llvm::Error error = options->report ? mla::writeReport(*options->report) : mla::compile(options->compile);
  options->compile.progress("");
  if (error)
    return fail(std::move(error), EXIT_FAILURE);
  return EXIT_SUCCESS;
}

/// Returns the signals that whoever started the process wants ignored, as nohup does.
static std::bitset<NSIG> ignoredSignals() {
  std::bitset<NSIG> ignored;
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action;
    ignored[number] = sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
  }
  return ignored;
}

int main(int argc, char **argv) {
  std::bitset<NSIG> ignored = ignoredSignals();
  llvm::InitLLVM init(argc, argv);
  // LLVM installs handlers for ignored signals too.
  for (int number = 1; number < NSIG; ++number)
    if (ignored[number])
      std::signal(number, SIG_IGN);
  // Ignore SIGXFSZ, so that a write beyond the file size limit fails with an error. LLVM's handlers, installed above,
  // treat it as a crash.
  std::signal(SIGXFSZ, SIG_IGN);
  int status = run(argc, argv);
  // Only the work decides the status. An unhandled error of the stream would terminate the process with status 1.
  llvm::errs().clear_error();
  return status;
}
