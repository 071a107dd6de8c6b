//===- DeviceApi.cpp - Memory of a device, for C programs -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaContext.h"
#include "Fork.h"
#include "GpuComm.h"
#include "Status.h"

#include <mutex>
#include <unordered_map>

using namespace mla;

namespace {
/// The memory of mla_device_malloc. Each buffer keeps its context alive.
struct Allocations {
  std::mutex mutex;
  std::unordered_map<void *, DeviceBuffer> buffers;
};
} // namespace

/// Never destroyed: at the end of the process the driver may be unloaded before us.
static Allocations &allocations() {
  static Allocations *all = (keepForChildren<allocations>(), new Allocations);
  return *all;
}

/// Runs action(context), which returns an Error, with the context current.
template <typename Action> static mla_status inContext(const char *function, Action action) {
  Result<std::shared_ptr<CudaContext>> context = CudaContext::acquire(function);
  if (!context)
    return report(context.error());
  ContextScope scope(**context);
  if (Error error = scope.error(function))
    return report(error);
  return report(action(*context));
}

int32_t mla_device_count(void) {
  const char *function = "mla_device_count";
  Result<const cuda::Driver *> driver = cuda::driver(function);
  int count = 0;
  if (!driver) {
    report(driver.error());
    return 0;
  }
  if (cuda::Status status = (*driver)->cuDeviceGetCount(&count)) {
    report((*driver)->failed(function, "cuDeviceGetCount", status));
    return 0;
  }
  if (count == 0)
    report((*driver)->failed(function, "cuDeviceGetCount", cuda::noDevice));
  return count;
}

/// Primary contexts of devices that a thread chose stay, as those of the CUDA runtime do.
static Error useDevice(const char *function, int32_t number) {
  Result<const cuda::Driver *> driver = cuda::driver(function);
  if (!driver)
    return driver.error();
  int count = 0;
  if (cuda::Status status = (*driver)->cuDeviceGetCount(&count))
    return (*driver)->failed(function, "cuDeviceGetCount", status);
  if (number < 0 || number >= count)
    return badArgument(function, "device is " + std::to_string(number) + ", but the driver shows " +
                                     std::to_string(count) + " devices; give one of them, from 0 on");
  cuda::DeviceNumber device = 0;
  cuda::ContextHandle context = nullptr;
  if (cuda::Status status = (*driver)->cuDeviceGet(&device, number))
    return (*driver)->failed(function, "cuDeviceGet", status);
  if (cuda::Status status = (*driver)->cuDevicePrimaryCtxRetain(&context, device))
    return (*driver)->failed(function, "cuDevicePrimaryCtxRetain", status);
  if (cuda::Status status = (*driver)->cuCtxSetCurrent(context))
    return (*driver)->failed(function, "cuCtxSetCurrent", status);
  return {};
}

mla_status mla_device_use(int32_t device) { return report(useDevice("mla_device_use", device)); }

mla_status mla_device_malloc(uint64_t bytes, void **memory) {
  const char *function = "mla_device_malloc";
  if (!memory || bytes < 1)
    return report(badArgument(function, "memory is NULL or bytes is 0; pass a place and at least 1 byte"));
  return inContext(function, [&](const std::shared_ptr<CudaContext> &context) {
    Result<DeviceBuffer> buffer = DeviceBuffer::allocate(function, context, bytes);
    if (!buffer)
      return buffer.error();
    *memory = reinterpret_cast<void *>(buffer->address());
    std::lock_guard<std::mutex> lock(allocations().mutex);
    allocations().buffers[*memory] = std::move(*buffer);
    return Error();
  });
}

mla_status mla_device_free(void *memory) {
  if (!memory)
    return MLA_OK;
  DeviceBuffer buffer; // freed after the lock is
  std::lock_guard<std::mutex> lock(allocations().mutex);
  auto found = allocations().buffers.find(memory);
  if (found == allocations().buffers.end())
    return report(badArgument("mla_device_free", "the address is none of mla_device_malloc, or was freed; free only "
                                                 "what that gave, once"));
  buffer = std::move(found->second);
  allocations().buffers.erase(found);
  return MLA_OK;
}

/// Checks both pointers, and runs transfer(driver), which returns an Error, with the context current.
template <typename Transfer>
static mla_status copy(const char *function, const void *device, const void *host, uint64_t bytes, Transfer transfer) {
  if (bytes == 0)
    return MLA_OK;
  if (!device || !host)
    return report(badArgument(function, "device or host is NULL; pass both"));
  return inContext(function, [&](const std::shared_ptr<CudaContext> &context) -> Error {
    Error error = waitIfShared(function, *context);
    return error ? error : transfer(context->driver);
  });
}

mla_status mla_device_copy_in(void *device, const void *host, uint64_t bytes) {
  const char *function = "mla_device_copy_in";
  return copy(function, device, host, bytes, [&](const cuda::Driver &driver) {
    if (cuda::Status status = driver.cuMemcpyHtoD(reinterpret_cast<cuda::Address>(device), host, bytes))
      return driver.failed(function, "cuMemcpyHtoD", status);
    // The call may return when the data is staged but has not arrived.
    if (cuda::Status status = driver.cuStreamSynchronize(nullptr))
      return driver.failed(function, "cuStreamSynchronize", status);
    return Error();
  });
}

mla_status mla_device_copy_out(void *host, const void *device, uint64_t bytes) {
  const char *function = "mla_device_copy_out";
  return copy(function, device, host, bytes, [&](const cuda::Driver &driver) {
    cuda::Status status = driver.cuMemcpyDtoH(host, reinterpret_cast<cuda::Address>(device), bytes);
    return status ? driver.failed(function, "cuMemcpyDtoH", status) : Error();
  });
}

mla_status mla_device_synchronize(void) {
  const char *function = "mla_device_synchronize";
  return inContext(function, [&](const std::shared_ptr<CudaContext> &context) {
    if (Error error = waitIfShared(function, *context))
      return error;
    if (cuda::Status status = context->driver.cuCtxSynchronize())
      return context->driver.failed(function, "cuCtxSynchronize", status);
    return Error();
  });
}
