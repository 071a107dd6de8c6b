//===- Cuda.cpp - The CUDA driver's functions, by dlopen ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda.h"
#include "LoadOnce.h"

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

static Error findFunctions(const std::string &where, void *library, Driver &driver) {
  const char *missing = nullptr;
#define MLA_CUDA_FIND(name, symbol, parameters)                                                                        \
  if (!findFunction(library, symbol, driver.name))                                                                     \
    missing = symbol;
  MLA_CUDA_FUNCTIONS(MLA_CUDA_FIND)
#undef MLA_CUDA_FIND
  if (!missing)
    return {};
  return Error(ErrorKind::Unsupported, where + ": the NVIDIA driver is too old: it is for CUDA " + driver.version() +
                                           " and has no " + missing + "; update it to one for CUDA 12.4 or later");
}

static Error load(const std::string &where, Driver &driver) {
  Result<void *> library = openLibrary(libraryPath("MLA_LIBCUDA", "libcuda.so.1"), where + ": no NVIDIA driver",
                                       "install one, or use a bundle of --target=cpu");
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

Result<const Driver *> cuda::driver(const std::string &where) { return loadOnce<Driver>(where, load); }
