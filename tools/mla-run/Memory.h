//===- Memory.h - Arrays of host and device ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tool fills and reads arrays on the host. For a bundle for a GPU they are
// copied to the device before a layer and back after it.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_MEMORY_H
#define MLA_RUN_MEMORY_H

#include "Handles.h"

#include <cstring>
#include <vector>

namespace mla::run {

/// An array on the host, and its copy on the device if the bundle runs there.
class Array {
public:
  explicit Array(const mla_bundle_info &info) : onDevice(info.device_memory) {}
  ~Array() { mla_device_free(device); }
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;

  Error resize(uint64_t bytes);
  char *host() { return bytes.data(); }
  const char *host() const { return bytes.data(); }
  uint64_t size() const { return bytes.size(); }
  /// Return the address for mla_run_layer.
  void *address() { return onDevice ? device : bytes.data(); }
  /// Copy the host's array to the device, or back after all work there is done. Do nothing without a device.
  Error send();
  Error fetch();

private:
  bool onDevice;
  std::vector<char> bytes;
  void *device = nullptr;
  uint64_t capacity = 0;
};

/// Write to memory of the bundle, such as pages.
inline Error writeTo(const mla_bundle_info &info, void *to, const void *from, uint64_t bytes) {
  if (info.device_memory)
    return toError(mla_device_copy_in(to, from, bytes));
  std::memcpy(to, from, bytes);
  return {};
}

/// Return the pages of a rank's cache that a sequence of so many tokens takes.
inline int64_t pagesFor(const mla_bundle_info &info, int64_t tokens) {
  int64_t span = info.page * info.token_ranks;
  return (tokens + span - 1) / span;
}

/// Wait until the device has finished; return immediately for a CPU.
inline Error finish(const mla_bundle_info &info) {
  return info.device_memory ? toError(mla_device_synchronize()) : Error();
}

} // namespace mla::run

#endif // MLA_RUN_MEMORY_H
