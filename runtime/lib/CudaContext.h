//===- CudaContext.h - The CUDA context of objects --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bundles, caches and memory share the ownership of a context. They make it
// current only around their own calls, so that the caller's stays unchanged.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_CUDACONTEXT_H
#define MLA_RUNTIME_CUDACONTEXT_H

#include "Cuda.h"

#include <memory>

namespace mla {

class CudaContext {
public:
  /// Returns the calling thread's current context, else the primary context of device 0. A primary context is retained
  /// as long as the object lives; the caller must keep any other alive.
  static Result<std::shared_ptr<CudaContext>> acquire(const std::string &where);
  ~CudaContext();

  const cuda::Driver &driver;
  cuda::ContextHandle handle = nullptr;
  cuda::DeviceNumber device = 0;
  std::string name; ///< of the device
  int major = 0, minor = 0, processors = 0;

private:
  bool retained = false;

  explicit CudaContext(const cuda::Driver &driver) : driver(driver) {}
  Error find(const std::string &where);
  Error findPrimary(const std::string &where);
  Error describeDevice(const std::string &where);
};

/// Makes a context current for a scope, if it is not already.
class ContextScope {
public:
  explicit ContextScope(const CudaContext &context);
  ~ContextScope();
  ContextScope(const ContextScope &) = delete;
  ContextScope &operator=(const ContextScope &) = delete;

  /// Returns why it could not be made current.
  Error error(const std::string &where) const;

private:
  const CudaContext &context;
  cuda::Status status = cuda::success;
  bool pushed = false;
};

/// Returns an error with a suggestion if the stream is being captured. The context must be current.
Error refuseCapture(const std::string &where, const CudaContext &context, cuda::Stream stream, const char *instead);

/// Memory of a device, freed with the object.
class DeviceBuffer {
public:
  DeviceBuffer() = default;
  /// The context must be current.
  static Result<DeviceBuffer> allocate(const std::string &where, std::shared_ptr<CudaContext> context, uint64_t bytes);
  DeviceBuffer(DeviceBuffer &&other) noexcept { *this = std::move(other); }
  DeviceBuffer &operator=(DeviceBuffer &&other) noexcept;
  ~DeviceBuffer() { free(); }

  uint64_t address() const { return start; }
  uint64_t bytes() const { return size; }
  void free();

private:
  std::shared_ptr<CudaContext> context;
  uint64_t start = 0, size = 0;
};

} // namespace mla

#endif // MLA_RUNTIME_CUDACONTEXT_H
