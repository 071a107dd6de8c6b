//===- CudaContext.cpp - The CUDA context of objects ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaContext.h"

using namespace mla;

Error CudaContext::findPrimary(const std::string &where) {
  int count = 0;
  if (cuda::Status status = driver.cuDeviceGetCount(&count))
    return driver.failed(where, "cuDeviceGetCount", status);
  if (count == 0)
    return driver.failed(where, "cuDeviceGetCount", cuda::noDevice);
  if (cuda::Status status = driver.cuDeviceGet(&device, 0))
    return driver.failed(where, "cuDeviceGet", status);
  if (cuda::Status status = driver.cuDevicePrimaryCtxRetain(&handle, device))
    return driver.failed(where, "cuDevicePrimaryCtxRetain", status);
  retained = true;
  return {};
}

Error CudaContext::find(const std::string &where) {
  if (cuda::Status status = driver.cuCtxGetCurrent(&handle))
    return driver.failed(where, "cuCtxGetCurrent", status);
  if (!handle)
    return findPrimary(where);
  if (cuda::Status status = driver.cuCtxGetDevice(&device))
    return driver.failed(where, "cuCtxGetDevice", status);
  // PyTorch and the CUDA runtime use primary contexts: retain it, in case others release it.
  unsigned flags = 0;
  int active = 0;
  cuda::ContextHandle primary = nullptr;
  if (driver.cuDevicePrimaryCtxGetState(device, &flags, &active) != cuda::success || !active ||
      driver.cuDevicePrimaryCtxRetain(&primary, device) != cuda::success)
    return {};
  retained = primary == handle;
  if (!retained)
    driver.cuDevicePrimaryCtxRelease(device);
  return {};
}

Error CudaContext::describeDevice(const std::string &where) {
  char text[256] = "";
  if (cuda::Status status = driver.cuDeviceGetName(text, sizeof(text), device))
    return driver.failed(where, "cuDeviceGetName", status);
  name = text;
  const std::pair<int, int *> attributes[] = {{cuda::computeCapabilityMajor, &major},
                                              {cuda::computeCapabilityMinor, &minor},
                                              {cuda::multiprocessorCount, &processors}};
  for (auto [attribute, value] : attributes)
    if (cuda::Status status = driver.cuDeviceGetAttribute(value, attribute, device))
      return driver.failed(where, "cuDeviceGetAttribute", status);
  return {};
}

Result<std::shared_ptr<CudaContext>> CudaContext::acquire(const std::string &where) {
  Result<const cuda::Driver *> driver = cuda::driver(where);
  if (!driver)
    return driver.error();
  std::shared_ptr<CudaContext> context(new CudaContext(**driver));
  if (Error error = context->find(where))
    return error;
  if (Error error = context->describeDevice(where))
    return error;
  return context;
}

CudaContext::~CudaContext() {
  if (retained)
    driver.cuDevicePrimaryCtxRelease(device);
}

ContextScope::ContextScope(const CudaContext &context) : context(context) {
  cuda::ContextHandle current = nullptr;
  if (context.driver.cuCtxGetCurrent(&current) == cuda::success && current == context.handle)
    return;
  status = context.driver.cuCtxPushCurrent(context.handle);
  pushed = status == cuda::success;
}

ContextScope::~ContextScope() {
  cuda::ContextHandle popped = nullptr;
  if (pushed)
    context.driver.cuCtxPopCurrent(&popped);
}

Error ContextScope::error(const std::string &where) const {
  return status ? context.driver.failed(where, "cuCtxPushCurrent", status) : Error();
}

Error mla::refuseCapture(const std::string &where, const CudaContext &context, cuda::Stream stream,
                         const char *instead) {
  int capturing = cuda::captureStatusNone;
  if (cuda::Status status = context.driver.cuStreamIsCapturing(stream, &capturing))
    return context.driver.failed(where, "cuStreamIsCapturing", status);
  if (capturing == cuda::captureStatusNone)
    return {};
  return Error(ErrorKind::InvalidArgument, where + ": the stream is being captured; " + instead);
}

Result<DeviceBuffer> DeviceBuffer::allocate(const std::string &where, std::shared_ptr<CudaContext> context,
                                            uint64_t bytes) {
  cuda::Address address = 0;
  if (cuda::Status status = context->driver.cuMemAlloc(&address, bytes)) {
    Error error = context->driver.failed(where, "cuMemAlloc", status);
    return status == cuda::outOfMemory
               ? Error(ErrorKind::OutOfMemory, where + ": the device does not give " + std::to_string(bytes) +
                                                   " bytes; free device memory, or ask for less")
               : error;
  }
  DeviceBuffer buffer;
  buffer.context = std::move(context);
  buffer.start = address;
  buffer.size = bytes;
  return buffer;
}

DeviceBuffer &DeviceBuffer::operator=(DeviceBuffer &&other) noexcept {
  free();
  context = std::move(other.context);
  start = std::exchange(other.start, 0);
  size = std::exchange(other.size, 0);
  return *this;
}

void DeviceBuffer::free() {
  if (!start)
    return;
  ContextScope scope(*context);
  context->driver.cuMemFree(start);
  start = size = 0;
}
