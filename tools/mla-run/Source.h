//===- Source.h - What a bundle was made of ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_SOURCE_H
#define MLA_RUN_SOURCE_H

#include "Json.h"

namespace mla::run {

/// The "source" of a manifest (mla/abi.h); of an older bundle nothing.
struct Source {
  std::string weights, adapter; ///< paths, "" where there were none
  json::Value config;           ///< null: not recorded
};

/// Reads the manifest of a bundle, for fields that the runtime does not need.
Result<json::Value> readManifest(const std::string &bundle);

/// Reads the source that a bundle's manifest records. If `manifest` is given, it receives the manifest.
Result<Source> readSource(const std::string &bundle, json::Value *manifest = nullptr);

} // namespace mla::run

#endif // MLA_RUN_SOURCE_H
