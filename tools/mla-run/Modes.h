//===- Modes.h - What mla-run does ------------------------------*- C++ -*-===//
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

namespace mla::run {

/// Replays a golden file. The result: whether all tensors are within the tolerance.
Result<bool> check(const Options &options, const mla_bundle *bundle);

/// Runs made-up steps and compares with a layer in float64. The result: whether all are within the tolerance.
Result<bool> selfCheck(const Options &options, const mla_bundle *bundle);

/// The relative L2 error that --check allows: the user's, or that of the bundle's type and cache.
double toleranceOf(const Options &options, const mla_bundle_info &info);

/// Says on stderr that a rank's results are partial sums, and what `fits` them.
void noteRank(const mla_bundle_info &info, const char *fits);

Error bench(const Options &options, const mla_bundle *bundle);

/// Prints the manifest's certificates. An error if a weight has none, or one that is beyond its bound.
Error printCertificate(const std::string &bundle);

Error printInfo(const Options &options, const mla_bundle *bundle);

} // namespace mla::run

#endif // MLA_RUN_MODES_H
