//===- Cuda.cpp - The CUDA driver's functions, by dlopen ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>

using namespace mla;
using namespace mla::cuda;

std::string Driver::version() const {
  int version = 0;
  if (!cuDriverGetVersion || cuDriverGetVersion(&version) != success)
    version = 0;
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string Driver::describe(Status status) const {
  const char *name = nullptr, *text = nullptr;
  if (cuGetErrorName(status, &name) != success || !name)
    return "CUDA error " + std::to_string(status);
  if (cuGetErrorString(status, &text) != success || !text)
    return name;
  return std::string(name) + " (" + text + ")";
}

static ErrorKind kindOf(Status status) {
  switch (status) {
  case outOfMemory:
    return ErrorKind::OutOfMemory;
  case stubLibrary:
  case deviceUnavailable:
  case noDevice:
    return ErrorKind::NoDevice;
  default:
    return ErrorKind::DeviceError;
  }
}

static const char *advice(Status status) {
  switch (status) {
  case outOfMemory:
    return "free device memory, or ask for less";
  case notInitialized:
    return "CUDA does not work in a child of fork(); start the process anew";
  case stubLibrary:
  case deviceUnavailable:
  case noDevice:
    return "run on a machine with a free NVIDIA GPU, or use a bundle of --target=cpu";
  case invalidContext:
  case contextIsDestroyed:
  case invalidHandle:
    return "the context must live, and the stream must be of the context in which the bundle was opened";
  }
  if (status >= captureUnsupported && status <= captureWrongThread)
    return "the call is not allowed while a stream is captured; only mla_enqueue_ functions are";
  if (status >= illegalAddress && status <= launchFailed)
    return "a kernel failed, and with it the CUDA context; end the process, and run it under compute-sanitizer";
  return "the CUDA driver API's documentation tells what the error means";
}

Error Driver::failed(const std::string &where, const char *call, Status status) const {
  return Error(kindOf(status), where + ": " + call + " failed: " + describe(status) + "; " + advice(status));
}

static Result<void *> openLibrary(const std::string &where) {
  const char *path = std::getenv("MLA_LIBCUDA");
  if (!path || !*path)
    path = "libcuda.so.1";
  if (void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL))
    return library;
  const char *reason = dlerror();
  return Error(ErrorKind::NoDevice, where + ": no NVIDIA driver: " + (reason ? reason : path) +
                                        "; install one, or use a bundle of --target=cpu");
}

static Error findFunctions(const std::string &where, void *library, Driver &driver) {
  const char *missing = nullptr;
  // Through memcpy: C++ does not convert between pointers to objects and to functions.
#define MLA_CUDA_FIND(name, symbol, parameters)                                                                        \
  if (void *address = dlsym(library, symbol))                                                                          \
    std::memcpy(&driver.name, &address, sizeof(address));                                                              \
  else                                                                                                                 \
    missing = symbol;
  MLA_CUDA_FUNCTIONS(MLA_CUDA_FIND)
#undef MLA_CUDA_FIND
  if (!missing)
    return {};
  return Error(ErrorKind::Unsupported, where + ": the NVIDIA driver is too old: it is for CUDA " + driver.version() +
                                           " and has no " + missing + "; update it to one for CUDA 12.4 or later");
}

static Error load(const std::string &where, Driver &driver) {
  Result<void *> library = openLibrary(where);
  if (!library)
    return library.error();
  if (Error error = findFunctions(where, *library, driver))
    return error;
  Status status = driver.cuInit(0);
  if (status == success)
    return {};
  // Whatever the reason, there is no GPU to use.
  return Error(ErrorKind::NoDevice, where + ": cuInit failed: " + driver.describe(status) +
                                        "; run on a machine with an NVIDIA GPU and a working driver (does nvidia-smi "
                                        "show it?), or use a bundle of --target=cpu");
}

Result<const Driver *> cuda::driver(const std::string &where) {
  static std::mutex mutex;
  static Driver loaded;
  static bool ready = false;
  std::lock_guard<std::mutex> lock(mutex);
  if (!ready) {
    Driver driver;
    if (Error error = load(where, driver))
      return error;
    loaded = driver;
    ready = true;
  }
  return &loaded;
}
