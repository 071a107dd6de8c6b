//===- Adapters.h - The adapters of sequences -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_ADAPTERS_H
#define MLA_RUN_ADAPTERS_H

#include "Options.h"

#include "mla/error.h"
#include "mla/runtime.h"

namespace mla::run {

/// Return the number of each sequence's adapter, of those of --adapter-of in turn; -1: none.
Result<std::vector<int32_t>> adaptersOf(const Options &options, const mla_bundle_info &info, size_t sequences);

/// Return the adapters that --self-check gives to the sequences in turn: none, then each.
std::vector<int32_t> allAdapters(const mla_bundle_info &info, size_t sequences);

} // namespace mla::run

#endif // MLA_RUN_ADAPTERS_H
