//===- RunMode.cpp - Running a mode on an open bundle ---------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RunMode.h"
#include "Modes.h"

using namespace mla;
using namespace mla::run;

static Error checkLayer(const Options &options, const mla_bundle_info &info) {
  if (!options.layer)
    return {};
  std::string have;
  for (int64_t i = 0; i < info.num_layers; ++i) {
    if (info.layers[i] == *options.layer)
      return {};
    have += (i ? ", " : "") + std::to_string(info.layers[i]);
  }
  return Error(ErrorKind::InvalidArgument, options.bundle + ": has no layer " + std::to_string(*options.layer) +
                                               ", only " + have + "; choose --layer among these");
}

static Error checkBundle(const Options &options, const mla_bundle_info &info) {
  if (options.emulate && !info.device_memory)
    return Error(ErrorKind::InvalidArgument, options.bundle + ": is for target '" + info.target +
                                                 "', which needs no emulated device; leave out --emulate");
  return checkLayer(options, info);
}

/// Run a mode that checks nothing.
static Error runPlain(const Options &options, mla_bundle *bundle) {
  switch (options.mode) {
  case Options::Mode::Info:
    return printInfo(options, bundle);
  case Options::Mode::Certificate:
    return printCertificate(options.bundle);
  case Options::Mode::Generate:
    return generate(options, bundle);
  case Options::Mode::Bench:
    return bench(options, bundle);
  case Options::Mode::Profile:
    return profile(options, bundle);
  default:
    return tune(options, bundle);
  }
}

Result<bool> mla::run::runMode(const Options &options, mla_bundle *bundle) {
  if (Error error = checkBundle(options, *mla_bundle_get_info(bundle)))
    return error;
  if (options.mode == Options::Mode::Check)
    return check(options, bundle);
  if (options.mode == Options::Mode::SelfCheck)
    return selfCheck(options, bundle);
  if (Error error = runPlain(options, bundle))
    return error;
  return true;
}
