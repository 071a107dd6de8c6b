//===- Device.h - Interfaces to host and device code ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A cache does not access the memory of its pages. Code either is native and runs
// a step on the host (Code), or is kernels that are enqueued (GpuCode.h); a batch
// prepares the arrays for both before the first layer.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_DEVICE_H
#define MLA_RUNTIME_DEVICE_H

#include "mla/error.h"

#include <cstdint>
#include <initializer_list>
#include <memory>

struct mla_cache;

namespace mla {

class CudaContext;
class HostComm;
struct Manifest;
enum class End;

/// Memory in which a cache keeps its pages.
class DeviceMemory {
public:
  virtual ~DeviceMemory() = default;
  /// Allocates memory aligned for any kernel; OutOfMemory on failure.
  virtual Result<void *> allocate(uint64_t bytes) = 0;
  virtual void release(void *memory, uint64_t bytes) = 0;
  /// Starts to copy between pages of that cache, after all layers that ran on it. The cache is locked.
  virtual Error copy(const mla_cache &cache, void *to, const void *from, uint64_t bytes) = 0;
  /// Waits for all copies that were started. The cache need not be locked.
  virtual Error finishCopies() = 0;
};

std::unique_ptr<DeviceMemory> makeHostMemory();
Result<std::unique_ptr<DeviceMemory>> makeGpuMemory(const char *where, std::shared_ptr<CudaContext> context);

/// A row-major array.
struct Tensor {
  static constexpr int maxRank = 8;
  void *data = nullptr;
  int rank = 0;
  int64_t sizes[maxRank] = {};
};

/// Creates a row-major array of that memory; an entry writes only what the ABI allows.
inline Tensor arrayOf(const void *data, std::initializer_list<int64_t> sizes) {
  Tensor result;
  result.data = const_cast<void *>(data);
  for (int64_t size : sizes)
    result.sizes[result.rank++] = size;
  return result;
}

/// The arguments of an entry, in the order of abi.h.
struct EntryArguments {
  Tensor hidden, cuSeqlens, pages, blockTable, lengths;
  Tensor adapters; ///< of rank 0 if the entry has none
  const Tensor *weights = nullptr;
  int64_t numWeights = 0;
  Tensor out;
};

/// The arguments of an end of a model: ids or hidden states, and hidden states or logits.
struct EndArguments {
  Tensor in;
  const Tensor *weights = nullptr;
  int64_t numWeights = 0;
  Tensor out;
};

constexpr int64_t maxEntryWeights = 64;

/// The loaded code of a bundle.
class Code {
public:
  virtual ~Code() = default;
  /// Runs an entry of the manifest; any number of threads may.
  virtual Error run(int64_t entry, const EntryArguments &arguments) const = 0;
  /// Runs an end of a model; any number of threads may.
  virtual Error runEnd(End end, const EndArguments &arguments) const = 0;
  /// Returns the text of mla_compiled_for (abi.h), or null: code of earlier releases has none.
  virtual const char *compiledFor() const = 0;
};

/// Returns whether this processor supports `isa`, one of the names of abi.h.
bool processorSupports(const std::string &isa);

/// Loads native code. Its collectives use the communicator, which may be null.
Result<std::unique_ptr<Code>> loadCpuCode(const std::string &path, const Manifest &manifest, HostComm *comm);

} // namespace mla

#endif // MLA_RUNTIME_DEVICE_H
