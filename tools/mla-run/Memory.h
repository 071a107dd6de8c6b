//===- Memory.h - Arrays where a bundle runs --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tool makes and looks at its arrays on the host. A bundle for a GPU needs
// them on the device: they are copied there and back around a layer.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_MEMORY_H
#define MLA_RUN_MEMORY_H

#include "Handles.h"

#include <cstring>
#include <vector>

namespace mla::run {

/// An array of the host, and its twin on the device if the bundle runs there.
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
  /// What mla_run_layer takes.
  void *address() { return onDevice ? device : bytes.data(); }
  /// Copies the host's array to the device, or back when all work there is done; nothing, if there is only the host.
  Error send();
  Error fetch();

private:
  bool onDevice;
  std::vector<char> bytes;
  void *device = nullptr;
  uint64_t capacity = 0;
};

/// Writes to memory of the bundle, such as pages.
inline Error writeTo(const mla_bundle_info &info, void *to, const void *from, uint64_t bytes) {
  if (info.device_memory)
    return toError(mla_device_copy_in(to, from, bytes));
  std::memcpy(to, from, bytes);
  return {};
}

/// Waits until the device has done what was run; for a CPU it has.
inline Error finish(const mla_bundle_info &info) {
  return info.device_memory ? toError(mla_device_synchronize()) : Error();
}

} // namespace mla::run

#endif // MLA_RUN_MEMORY_H
