//===- Loading.h - Opening a bundle --------------------------- -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_LOADING_H
#define MLA_RUN_LOADING_H

#include "Handles.h"
#include "JsonWriter.h"
#include "Options.h"

#include <string>

namespace mla::run {

/// Open a bundle with its code and weights. While weights are copied to a device, show how far that is on stderr, if
/// that is a terminal; but not if another rank does so.
Result<Bundle> load(const Options &options, mla_comm *comm = nullptr);

/// Return "kernels 0.1 s, weights 2.0 s (31.2 GB, 15.6 GB/s)", of a bundle for a GPU.
std::string loadingText(const mla_bundle_info &info);
/// Write the same as fields, of a bundle for a GPU; nothing for a CPU, which maps weights.
void writeLoading(JsonWriter &json, const mla_bundle_info &info);

} // namespace mla::run

#endif // MLA_RUN_LOADING_H
