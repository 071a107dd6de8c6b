//===- Cuda.h - The CUDA driver's functions, by dlopen ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The few functions, structures and values of the driver API that the runtime
// uses, declared here as NVIDIA documents them (CUDA Driver API, 12.4), so that
// neither building nor running needs a toolkit. The driver's ABI is stable: a
// function keeps its meaning under its name, and a changed one gets a new
// suffix.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_CUDA_H
#define MLA_RUNTIME_CUDA_H

#include "mla/error.h"

#include <cstddef>
#include <cstdint>

namespace mla::cuda {

using Status = int; ///< CUresult; 0 is success
using DeviceNumber = int;
using Address = unsigned long long; ///< CUdeviceptr
using ContextHandle = struct ContextTag *;
using Module = struct ModuleTag *;
using Function = struct FunctionTag *;
using Stream = struct StreamTag *; ///< null: the legacy default stream
using Event = struct EventTag *;
using Graph = struct GraphTag *;
using GraphExec = struct GraphExecTag *;

/// Values of CUresult.
enum : Status {
  success = 0,
  invalidValue = 1,
  outOfMemory = 2,
  notInitialized = 3,
  stubLibrary = 34,
  deviceUnavailable = 46,
  noDevice = 100,
  invalidContext = 201,
  noBinaryForGpu = 209,
  invalidPtx = 218,
  jitCompilerNotFound = 221,
  unsupportedPtxVersion = 222,
  invalidHandle = 400,
  notFound = 500,
  notReady = 600,
  illegalAddress = 700,
  contextIsDestroyed = 709,
  launchFailed = 719,
  notSupported = 801,
  captureUnsupported = 900,
  captureWrongThread = 908,
};

/// CUdevice_attribute
constexpr int multiprocessorCount = 16, computeCapabilityMajor = 75, computeCapabilityMinor = 76;
/// CUfunction_attribute
constexpr int staticSharedBytes = 1, localBytes = 3, registersPerThread = 4;
constexpr int maxThreadsPerBlock = 0, maxDynamicSharedBytes = 8, preferredSharedCarveout = 9, mostShared = 100;
/// CUjit_option
constexpr int jitErrorLogBuffer = 5, jitErrorLogBufferBytes = 6;
constexpr unsigned streamNonBlocking = 1, eventDefault = 0, eventDisableTiming = 2;
constexpr int captureStatusNone = 0, captureThreadLocal = 1;

/// CUlaunchAttribute
struct LaunchAttribute {
  unsigned id;
  char padding[4];
  union {
    char bytes[64];
    uint64_t alignment;
    int programmaticStreamSerialization;
  } value;
};
constexpr unsigned programmaticStreamSerialization = 6;

/// CUlaunchConfig
struct LaunchConfig {
  unsigned grid[3], block[3];
  unsigned sharedBytes;
  Stream stream;
  LaunchAttribute *attributes;
  unsigned numAttributes;
};

/// CUtensorMap, aligned as in CUDA 13; CUDA 12 requires 64.
struct alignas(128) TensorMap {
  uint64_t opaque[16];
};
constexpr int tensorMapU8 = 0, tensorMapI32 = 3, tensorMapF32 = 7, tensorMapBF16 = 9; ///< CUtensorMapDataType
constexpr int tensorMapSwizzleNone = 0, tensorMapSwizzle128 = 3, tensorMapL2Promotion256 = 3;

static_assert(sizeof(LaunchAttribute) == 72 && offsetof(LaunchAttribute, value) == 8);
static_assert(sizeof(LaunchConfig) == 56 && offsetof(LaunchConfig, stream) == 32);
static_assert(sizeof(TensorMap) == 128);

// X(name here, name in the library, parameters)
#define MLA_CUDA_FUNCTIONS(X)                                                                                          \
  X(cuInit, "cuInit", (unsigned flags))                                                                                \
  X(cuDriverGetVersion, "cuDriverGetVersion", (int *version))                                                          \
  X(cuGetErrorName, "cuGetErrorName", (Status error, const char **name))                                               \
  X(cuGetErrorString, "cuGetErrorString", (Status error, const char **text))                                           \
  X(cuDeviceGetCount, "cuDeviceGetCount", (int *count))                                                                \
  X(cuDeviceGet, "cuDeviceGet", (DeviceNumber * device, int ordinal))                                                  \
  X(cuDeviceGetName, "cuDeviceGetName", (char *name, int size, DeviceNumber device))                                   \
  X(cuDeviceGetAttribute, "cuDeviceGetAttribute", (int *value, int attribute, DeviceNumber device))                    \
  X(cuDevicePrimaryCtxGetState, "cuDevicePrimaryCtxGetState", (DeviceNumber device, unsigned *flags, int *active))     \
  X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", (ContextHandle * context, DeviceNumber device))              \
  X(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", (DeviceNumber device))                                  \
  X(cuCtxGetCurrent, "cuCtxGetCurrent", (ContextHandle * context))                                                     \
  X(cuCtxSetCurrent, "cuCtxSetCurrent", (ContextHandle context))                                                       \
  X(cuCtxGetDevice, "cuCtxGetDevice", (DeviceNumber * device))                                                         \
  X(cuCtxPushCurrent, "cuCtxPushCurrent_v2", (ContextHandle context))                                                  \
  X(cuCtxPopCurrent, "cuCtxPopCurrent_v2", (ContextHandle * context))                                                  \
  X(cuCtxSynchronize, "cuCtxSynchronize", (void))                                                                      \
  X(cuModuleLoadDataEx, "cuModuleLoadDataEx",                                                                          \
    (Module * module, const void *image, unsigned count, int *options, void **values))                                 \
  X(cuModuleUnload, "cuModuleUnload", (Module module))                                                                 \
  X(cuModuleGetFunction, "cuModuleGetFunction", (Function * function, Module module, const char *name))                \
  X(cuFuncGetAttribute, "cuFuncGetAttribute", (int *value, int attribute, Function function))                          \
  X(cuFuncSetAttribute, "cuFuncSetAttribute", (Function function, int attribute, int value))                           \
  X(cuFuncGetParamInfo, "cuFuncGetParamInfo", (Function function, size_t index, size_t *offset, size_t *bytes))        \
  X(cuFuncLoad, "cuFuncLoad", (Function function))                                                                     \
  X(cuMemAlloc, "cuMemAlloc_v2", (Address * memory, size_t bytes))                                                     \
  X(cuMemFree, "cuMemFree_v2", (Address memory))                                                                       \
  X(cuMemGetInfo, "cuMemGetInfo_v2", (size_t *free, size_t *total))                                                    \
  X(cuMemAllocHost, "cuMemAllocHost_v2", (void **memory, size_t bytes))                                                \
  X(cuMemFreeHost, "cuMemFreeHost", (void *memory))                                                                    \
  X(cuMemcpyHtoD, "cuMemcpyHtoD_v2", (Address to, const void *from, size_t bytes))                                     \
  X(cuMemcpyDtoH, "cuMemcpyDtoH_v2", (void *to, Address from, size_t bytes))                                           \
  X(cuMemcpyHtoDAsync, "cuMemcpyHtoDAsync_v2", (Address to, const void *from, size_t bytes, Stream stream))            \
  X(cuMemcpyDtoDAsync, "cuMemcpyDtoDAsync_v2", (Address to, Address from, size_t bytes, Stream stream))                \
  X(cuStreamCreate, "cuStreamCreate", (Stream * stream, unsigned flags))                                               \
  X(cuStreamDestroy, "cuStreamDestroy_v2", (Stream stream))                                                            \
  X(cuStreamSynchronize, "cuStreamSynchronize", (Stream stream))                                                       \
  X(cuStreamQuery, "cuStreamQuery", (Stream stream))                                                                   \
  X(cuEventQuery, "cuEventQuery", (Event event))                                                                       \
  X(cuStreamWaitEvent, "cuStreamWaitEvent", (Stream stream, Event event, unsigned flags))                              \
  X(cuStreamIsCapturing, "cuStreamIsCapturing", (Stream stream, int *status))                                          \
  X(cuStreamBeginCapture, "cuStreamBeginCapture_v2", (Stream stream, int mode))                                        \
  X(cuStreamEndCapture, "cuStreamEndCapture", (Stream stream, Graph * graph))                                          \
  X(cuGraphInstantiate, "cuGraphInstantiateWithFlags",                                                                 \
    (GraphExec * executable, Graph graph, unsigned long long flags))                                                   \
  X(cuGraphLaunch, "cuGraphLaunch", (GraphExec executable, Stream stream))                                             \
  X(cuGraphExecDestroy, "cuGraphExecDestroy", (GraphExec executable))                                                  \
  X(cuGraphDestroy, "cuGraphDestroy", (Graph graph))                                                                   \
  X(cuEventCreate, "cuEventCreate", (Event * event, unsigned flags))                                                   \
  X(cuEventDestroy, "cuEventDestroy_v2", (Event event))                                                                \
  X(cuEventRecord, "cuEventRecord", (Event event, Stream stream))                                                      \
  X(cuEventSynchronize, "cuEventSynchronize", (Event event))                                                           \
  X(cuEventElapsedTime, "cuEventElapsedTime", (float *milliseconds, Event start, Event end))                           \
  X(cuLaunchHostFunc, "cuLaunchHostFunc", (Stream stream, void (*function)(void *), void *data))                       \
  X(cuLaunchKernelEx, "cuLaunchKernelEx",                                                                              \
    (const LaunchConfig *config, Function function, void **parameters, void **extra))                                  \
  X(cuTensorMapEncodeTiled, "cuTensorMapEncodeTiled",                                                                  \
    (TensorMap * map, int type, uint32_t rank, void *address, const uint64_t *dims, const uint64_t *strides,           \
     const uint32_t *box, const uint32_t *elementStrides, int interleave, int swizzle, int l2Promotion,                \
     int outOfBoundsFill))

/// The loaded library, initialised.
struct Driver {
#define MLA_CUDA_MEMBER(name, symbol, parameters) Status(*name) parameters = nullptr;
  MLA_CUDA_FUNCTIONS(MLA_CUDA_MEMBER)
#undef MLA_CUDA_MEMBER

  /// Returns the newest CUDA that the driver supports, such as "12.4"; "0.0" if unknown.
  std::string version() const;
  /// "CUDA_ERROR_OUT_OF_MEMORY (out of memory)"
  std::string describe(Status status) const;
  /// Returns the error of a failed call: "WHERE: CALL failed: NAME; what to do".
  Error failed(const std::string &where, const char *call, Status status) const;
};

/// Returns the driver, loaded and initialised by the first successful call: from MLA_LIBCUDA's path if set, else from
/// libcuda.so.1. It is never unloaded.
Result<const Driver *> driver(const std::string &where);

} // namespace mla::cuda

#endif // MLA_RUNTIME_CUDA_H
