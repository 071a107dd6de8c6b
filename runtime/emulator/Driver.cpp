//===- Driver.cpp - Devices, contexts, errors -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Chip.h"

#include <cstring>

using namespace mla;
using namespace mla::cuda;
using namespace mla::emulator;

static std::mutex mutex;
static constexpr int mostDevices = 64;
static char primaryContexts[mostDevices];
static int retained[mostDevices];
static bool isInitialized = false;
static thread_local std::vector<ContextHandle> contexts;

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

/// Of this thread's last call that failed.
static thread_local Status explained = success;
static thread_local std::string explanation;

Status mla::emulator::explain(Status status, const std::string &what) {
  explained = status;
  explanation = what;
  return status;
}

int mla::emulator::currentOrdinal() {
  if (contexts.empty() || !contexts.back())
    return 0;
  return static_cast<int>(reinterpret_cast<char *>(contexts.back()) - primaryContexts);
}

static bool isDevice(int ordinal) { return ordinal >= 0 && ordinal < settings().devices; }

Status mla::emulator::requireContext() {
  explained = success;
  if (!isInitialized)
    return notInitialized;
  if (contexts.empty() || !contexts.back())
    return explain(invalidContext, "no context is current in this thread");
  return success;
}

namespace {
struct ErrorText {
  Status status;
  const char *name, *text;
};
} // namespace

static const ErrorText errorTexts[] = {
    {success, "CUDA_SUCCESS", "no error"},
    {invalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {outOfMemory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {notInitialized, "CUDA_ERROR_NOT_INITIALIZED", "cuInit was not called"},
    {noDevice, "CUDA_ERROR_NO_DEVICE", "no device"},
    {invalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid context"},
    {noBinaryForGpu, "CUDA_ERROR_NO_BINARY_FOR_GPU", "the emulated device runs PTX only"},
    {invalidPtx, "CUDA_ERROR_INVALID_PTX", "the PTX cannot be decoded"},
    {invalidHandle, "CUDA_ERROR_INVALID_HANDLE", "invalid handle"},
    {notFound, "CUDA_ERROR_NOT_FOUND", "not found"},
    {notReady, "CUDA_ERROR_NOT_READY", "the work is not done"},
    {illegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS", "illegal address"},
    {launchFailed, "CUDA_ERROR_LAUNCH_FAILED", "a kernel failed"},
    {captureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "not allowed while the stream is captured"},
};

static const ErrorText *find(Status status) {
  for (const ErrorText &error : errorTexts)
    if (error.status == status)
      return &error;
  return nullptr;
}

MLA_DRIVER cuGetErrorName(Status status, const char **name) {
  const ErrorText *found = find(status);
  *name = found ? found->name : nullptr;
  return found ? success : invalidValue;
}

/// Includes, for a failed kernel, the location and the fault.
MLA_DRIVER cuGetErrorString(Status status, const char **text) {
  static thread_local std::string kept;
  const ErrorText *found = find(status);
  if (!found)
    return invalidValue;
  kept = status && status == explained ? explanation : found->text;
  if (isInitialized && status && status == device().error())
    kept = device().describeError();
  *text = kept.c_str();
  return success;
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

/// The library is compiled for processors with AVX2 and FMA.
static bool canRun() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

MLA_DRIVER cuInit(unsigned flags) {
  std::string error;
  settings(error);
  if (!error.empty())
    return explain(invalidValue, "MLA_EMULATOR: " + error);
  if (!canRun())
    return explain(noDevice, "the emulated device needs a processor with AVX2 and FMA");
  if (!globalMemory().reserve())
    return explain(outOfMemory, "the emulated device cannot reserve 768 GB of address space");
  isInitialized = true;
  return flags ? invalidValue : success;
}

MLA_DRIVER cuDriverGetVersion(int *version) {
  *version = 12040;
  return success;
}

MLA_DRIVER cuDeviceGetCount(int *count) {
  *count = settings().devices;
  return isInitialized ? success : notInitialized;
}

MLA_DRIVER cuDeviceGet(DeviceNumber *number, int ordinal) {
  *number = ordinal;
  return isDevice(ordinal) ? success : invalidValue;
}

MLA_DRIVER cuDeviceGetName(char *name, int size, DeviceNumber) {
  std::string text = std::string(chip::name) + " emulated on the CPU (" + std::to_string(settings().multiprocessors) +
                     " multiprocessors, " + settings().policyName() + ")";
  if (size < 1)
    return invalidValue;
  std::strncpy(name, text.c_str(), static_cast<size_t>(size) - 1);
  name[size - 1] = '\0';
  return success;
}

MLA_DRIVER cuDeviceGetAttribute(int *value, int attribute, DeviceNumber) {
  constexpr int maxThreads = 1, warpSize = 10, maxSharedOptIn = 97;
  switch (attribute) {
  case computeCapabilityMajor:
    *value = 9;
    return success;
  case computeCapabilityMinor:
    *value = 0;
    return success;
  case multiprocessorCount:
    *value = settings().multiprocessors;
    return success;
  case maxThreads:
    *value = 1024;
    return success;
  case warpSize:
    *value = lanes;
    return success;
  case maxSharedOptIn:
    *value = SharedMemory::maxBytes - SharedMemory::base;
    return success;
  default:
    return explain(invalidValue, "device attribute " + std::to_string(attribute) + " is not emulated");
  }
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

MLA_DRIVER cuDevicePrimaryCtxGetState(DeviceNumber number, unsigned *flags, int *active) {
  if (!isDevice(number))
    return invalidValue;
  std::lock_guard<std::mutex> lock(mutex);
  *flags = 0;
  *active = retained[number] > 0;
  return success;
}

MLA_DRIVER cuDevicePrimaryCtxRetain(ContextHandle *context, DeviceNumber number) {
  if (!isDevice(number))
    return invalidValue;
  std::lock_guard<std::mutex> lock(mutex);
  ++retained[number];
  *context = reinterpret_cast<ContextHandle>(&primaryContexts[number]);
  return isInitialized ? success : notInitialized;
}

MLA_DRIVER cuDevicePrimaryCtxRelease_v2(DeviceNumber number) {
  if (!isDevice(number))
    return invalidValue;
  std::lock_guard<std::mutex> lock(mutex);
  return retained[number]-- > 0 ? success : invalidContext;
}

MLA_DRIVER cuCtxGetCurrent(ContextHandle *context) {
  *context = contexts.empty() ? nullptr : contexts.back();
  return success;
}

MLA_DRIVER cuCtxSetCurrent(ContextHandle context) {
  if (!contexts.empty())
    contexts.pop_back();
  if (context)
    contexts.push_back(context);
  return success;
}

MLA_DRIVER cuCtxGetDevice(DeviceNumber *number) {
  MLA_REQUIRE_CONTEXT();
  *number = currentOrdinal();
  return success;
}

MLA_DRIVER cuCtxPushCurrent_v2(ContextHandle context) {
  contexts.push_back(context);
  return success;
}

MLA_DRIVER cuCtxPopCurrent_v2(ContextHandle *context) {
  if (contexts.empty())
    return invalidContext;
  *context = contexts.back();
  contexts.pop_back();
  return success;
}

MLA_DRIVER cuCtxSynchronize() {
  MLA_REQUIRE_CONTEXT();
  return device().drain();
}
