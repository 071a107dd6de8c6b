//===- Source.h - The inputs of a bundle ------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_SOURCE_H
#define MLA_RUN_SOURCE_H

#include "Json.h"

#include "WeightFiles.h"

namespace mla::run {

/// The description of a device; without a name there is none.
struct DeviceSource {
  std::string name;
  double bytesPerSecond = 0, flopsPerSecond = 0, e4m3FlopsPerSecond = 0;
};

/// The "source" of a manifest (mla/abi.h); empty for an older bundle.
struct Source {
  std::string weights, adapter;      ///< paths; "" if there are none
  std::vector<std::string> adapters; ///< paths of those that are not merged, by number
  json::Value config;                ///< null: not recorded
  DeviceSource device;               ///< that the bundle of a GPU was planned for
};

/// Read the manifest of a bundle, for fields that the runtime does not need.
Result<json::Value> readManifest(const std::string &bundle);

/// Open the weights of a bundle. Return an error if it has none because the device makes them.
Result<WeightFiles> openWeights(const std::string &bundle);

/// Reads the source that a bundle's manifest records. If `manifest` is given, it receives the manifest.
Result<Source> readSource(const std::string &bundle, json::Value *manifest = nullptr);

} // namespace mla::run

#endif // MLA_RUN_SOURCE_H
