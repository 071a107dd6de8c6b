//===- Modes.h - Modes of mla-run -------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_MODES_H
#define MLA_RUN_MODES_H

#include "Options.h"

#include "mla/error.h"
#include "mla/runtime.h"
#include "mla/safetensors.h"

namespace mla::run {

/// Replay a golden file. Return whether all tensors are within the tolerance.
Result<bool> check(const Options &options, const mla_bundle *bundle);

/// Return whether the file is a whole model with the tokens and logits of some prompts.
bool isGoldenModel(const SafetensorsFile &file);
/// Replay a golden model. Return whether all prompts give its logits and tokens.
Result<bool> checkModel(const Options &options, const mla_bundle *bundle, const SafetensorsFile &file);

/// Generate tokens for prompts.
Error generate(const Options &options, const mla_bundle *bundle);

/// Run generated steps and compare them with a layer in float64. Return whether all are within the tolerance.
Result<bool> selfCheck(const Options &options, const mla_bundle *bundle);

/// Return the maximum relative L2 error of --check: the option's, or the default for the bundle's type and cache.
double toleranceOf(const Options &options, const mla_bundle_info &info);

/// Return whether the bundle multiplies tokens of e4m3 with one term: an element is off by up to 1/16 of itself.
bool hasShortProducts(const mla_bundle_info &info);
/// Return the relative error that is allowed then, more with a packed cache: few tokens average neither rounding.
double toleranceOfShortProducts(const mla_bundle_info &info);

/// Print a note to stderr that a rank's results are partial sums, and what `fits` them.
void noteRank(const mla_bundle_info &info, const char *fits);

Error bench(const Options &options, const mla_bundle *bundle);

/// Time each launch of a step, and print them by parts.
Error profile(const Options &options, const mla_bundle *bundle);

/// Measure the classes of kernels, and write the limits of the best into the bundle.
Error tune(const Options &options, mla_bundle *bundle);

/// Print the manifest's certificates. Return an error if a weight has none or exceeds its bound.
Error printCertificate(const std::string &bundle);

Error printInfo(const Options &options, const mla_bundle *bundle);

} // namespace mla::run

#endif // MLA_RUN_MODES_H
