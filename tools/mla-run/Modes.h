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

Error bench(const Options &options, const mla_bundle *bundle);

/// Prints the manifest's certificates. An error if a weight has none, or one that is beyond its bound.
Error printCertificate(const std::string &bundle);

void printInfo(const mla_bundle *bundle);

} // namespace mla::run

#endif // MLA_RUN_MODES_H
