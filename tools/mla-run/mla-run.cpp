//===- mla-run.cpp - Check and measure compiled layers --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emulator.h"
#include "Loading.h"
#include "Modes.h"
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

static Error checkLayer(const Options &options, const mla_bundle *bundle) {
  if (!options.layer)
    return {};
  const mla_bundle_info *info = mla_bundle_get_info(bundle);
  std::string have;
  for (int64_t i = 0; i < info->num_layers; ++i) {
    if (info->layers[i] == *options.layer)
      return {};
    have += (i ? ", " : "") + std::to_string(info->layers[i]);
  }
  return Error(ErrorKind::InvalidArgument, options.bundle + ": has no layer " + std::to_string(*options.layer) +
                                               ", only " + have + "; choose --layer among these");
}

static int dispatch(const Options &options, mla_bundle *bundle) {
  switch (options.mode) {
  case Options::Mode::Info: {
    Error error = printInfo(options, bundle);
    return error ? fail(error) : EXIT_SUCCESS;
  }
  case Options::Mode::Certificate: {
    Error error = printCertificate(options.bundle);
    return error ? fail(error) : EXIT_SUCCESS;
  }
  case Options::Mode::Generate: {
    Error error = generate(options, bundle);
    return error ? fail(error) : EXIT_SUCCESS;
  }
  case Options::Mode::Bench: {
    Error error = bench(options, bundle);
    return error ? fail(error) : EXIT_SUCCESS;
  }
  case Options::Mode::Profile: {
    Error error = profile(options, bundle);
    return error ? fail(error) : EXIT_SUCCESS;
  }
  case Options::Mode::Tune: {
    Error error = tune(options, bundle);
    return error ? fail(error) : EXIT_SUCCESS;
  }
  case Options::Mode::Check:
  case Options::Mode::SelfCheck: {
    Result<bool> passed = options.mode == Options::Mode::Check ? check(options, bundle) : selfCheck(options, bundle);
    return !passed ? fail(passed.error()) : *passed ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  }
  return EXIT_FAILURE;
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
    return load(options.bundle);
  mla_bundle *opened = nullptr;
  if (Error error = toError(mla_bundle_inspect(options.bundle.c_str(), &opened)))
    return error;
  return Bundle(opened);
}

int main(int argc, char **argv) {
  Options options;
  if (std::optional<int> status = parseOptions(argc, argv, options))
    return *status;
  if (Error error = checkEnvironment())
    return fail(error);
  if (Error error = options.emulate ? useEmulatedDevice() : Error())
    return fail(error);
  Result<Bundle> bundle = open(options);
  if (!bundle)
    return fail(bundle.error());
  mla_bundle *opened = bundle->get();
  if (options.emulate && !mla_bundle_get_info(opened)->device_memory)
    return fail(Error(ErrorKind::InvalidArgument, options.bundle + ": is for target '" +
                                                      mla_bundle_get_info(opened)->target +
                                                      "', which needs no emulated device; leave out --emulate"));
  if (Error error = checkLayer(options, opened))
    return fail(error);
  int status = dispatch(options, opened);
  if (options.counters && !options.json)
    printCounters();
  // A full disk behind a redirection must be an error.
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    return fail(Error(ErrorKind::IO, "standard output: cannot write; free some space or write elsewhere"));
  return status;
}
