//===- mla-run.cpp - Check and measure compiled layers --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"
#include "Loading.h"
#include "Ranks.h"
#include "RunMode.h"
#include "ThreadCount.h"

#include <cstdio>
#include <cstdlib>

using namespace mla;
using namespace mla::run;

static int fail(const Error &error) {
  std::fflush(stdout);
  std::fprintf(stderr, "error: %s\n", error.message().c_str());
  return EXIT_FAILURE;
}

/// Reject an invalid value, which the library ignores.
static Error checkEnvironment() {
  const char *text = std::getenv("MLA_NUM_THREADS");
  if (!text || parseThreadCount(text))
    return {};
  return Error(ErrorKind::InvalidArgument, std::string("MLA_NUM_THREADS: expected an integer from 1 to ") +
                                               std::to_string(maxThreads) + ", got '" + text +
                                               "'; correct or unset it");
}

/// Open a bundle, with the driver's data of the kernels if there is a device. Otherwise, such as on a machine with
/// another GPU, print a note.
static Result<Bundle> inspect(const std::string &path) {
  mla_bundle *opened = nullptr;
  if (Error error = toError(mla_bundle_inspect(path.c_str(), &opened)))
    return error;
  Bundle bundle(opened);
  if (!mla_bundle_get_info(opened)->device_memory || mla_device_count() == 0)
    return bundle;
  if (Error error = toError(mla_bundle_inspect_on_device(path.c_str(), &opened)))
    std::fprintf(stderr, "note: the kernels were not loaded: %s\n", error.message().c_str());
  else
    bundle.reset(opened);
  return bundle;
}

/// Open the bundle as the mode requires.
static Result<Bundle> open(const Options &options) {
  if (options.mode == Options::Mode::Info && !options.emulate)
    return inspect(options.bundle);
  if (options.mode != Options::Mode::Certificate)
    return load(options);
  mla_bundle *opened = nullptr;
  if (Error error = toError(mla_bundle_inspect(options.bundle.c_str(), &opened)))
    return error;
  return Bundle(opened);
}

/// Run a bundle of one rank, or of several.
static Result<bool> runBundle(const Options &options) {
  Result<int64_t> ranks = ranksIn(options.bundle);
  if (!ranks)
    return ranks.error();
  if (Error error = options.emulate ? useEmulatedDevices(*ranks) : Error())
    return error;
  if (options.rank >= 0)
    return runOneRank(options, *ranks);
  if (*ranks)
    return runAllRanks(options, *ranks);
  Result<Bundle> bundle = open(options);
  return bundle ? runMode(options, bundle->get()) : bundle.error();
}

int main(int argc, char **argv) {
  Options options;
  if (std::optional<int> status = parseOptions(argc, argv, options))
    return *status;
  if (Error error = checkEnvironment())
    return fail(error);
  Result<bool> passed = runBundle(options);
  if (!passed)
    return fail(passed.error());
  if (options.counters && !options.json)
    printCounters();
  // A full disk behind a redirection must be an error.
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    return fail(Error(ErrorKind::IO, "standard output: cannot write; free some space or write elsewhere"));
  return *passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
