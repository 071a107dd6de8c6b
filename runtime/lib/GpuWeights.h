//===- GpuWeights.h - Weights in device memory ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_GPUWEIGHTS_H
#define MLA_RUNTIME_GPUWEIGHTS_H

#include "CudaContext.h"
#include "Manifest.h"
#include "WeightFiles.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mla {

/// An array in device memory.
struct DeviceArray {
  uint64_t address = 0;
  uint64_t bytes = 0;
};

/// Whom to tell how far the copies are; may be null.
struct LoadProgress {
  void (*call)(void *context, uint64_t done, uint64_t total) = nullptr;
  void *context = nullptr;

  void tell(uint64_t done, uint64_t total) const {
    if (call)
      call(context, done, total);
  }
};

/// Weights of a file in one buffer, by name.
struct FileOnDevice {
  DeviceBuffer memory;
  std::map<std::string, DeviceArray> arrays;
};

/// The weights of all layers and entries, a buffer per file; weights shared by entries are stored once, and the file
/// that bundles of adapters share with their base once for all of them.
class GpuWeights {
public:
  /// Copies them from the mapped files, which have all that the manifest names, and waits for the copies. The context
  /// must be current.
  static Result<GpuWeights> upload(const std::string &where, const std::shared_ptr<CudaContext> &context,
                                   const Manifest &manifest, const WeightFiles &file, const LoadProgress &progress);

  /// In the order of the entry's names.
  const DeviceArray *of(size_t layerIndex, size_t entry) const { return bound[layerIndex * entries + entry].data(); }
  const DeviceArray *of(End end) const { return bound[bound.size() - numEnds + static_cast<size_t>(end)].data(); }

private:
  DeviceArray find(const std::string &name) const;
  void bind(const Manifest &manifest);

  std::vector<std::shared_ptr<const FileOnDevice>> files;
  size_t entries = 0;
  std::vector<std::vector<DeviceArray>> bound; ///< as mla_bundle::bound, then of the ends
};

} // namespace mla

#endif // MLA_RUNTIME_GPUWEIGHTS_H
