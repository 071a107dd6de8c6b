//===- FakeCuda.cpp - A CUDA driver for tests -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"

#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <sstream>
#include <thread>

using namespace mla;
using namespace mla::cuda;

#define DRIVER extern "C" __attribute__((visibility("default"))) int

/// Settings for child processes are in the environment.
static int setting(const char *name, int otherwise) {
  const char *text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

static FakeCuda &fake() {
  static FakeCuda *cuda = [] {
    auto *made = new FakeCuda;
    made->devices = setting("FAKE_CUDA_DEVICES", 1);
    made->major = setting("FAKE_CUDA_MAJOR", 9);
    made->clockless = setting("FAKE_CUDA_CLOCKLESS", 0) != 0;
    made->sharedBase = setting("FAKE_CUDA_SHARED_BASE", 1024);
    return made;
  }();
  return *cuda;
}

extern "C" __attribute__((visibility("default"))) void *fake_cuda_state() { return &fake(); }

static char primaryContext, foreignContext;
static thread_local std::vector<ContextHandle> contexts;

/// Records the call. Returns the status that a test has set, if any.
static int enter(const char *name, bool needsContext = false) {
  FakeCuda &cuda = fake();
  if (auto hook = cuda.hooks.find(name); hook != cuda.hooks.end())
    std::function<void()>(hook->second)(); // a copy: it may take itself away
  std::lock_guard<std::mutex> lock(cuda.mutex);
  cuda.calls.push_back(name);
  if (needsContext && (contexts.empty() || !contexts.back())) {
    cuda.complaints.push_back(std::string(name) + " without a context");
    return invalidContext;
  }
  auto failure = cuda.failures.find(name);
  if (failure == cuda.failures.end() || cuda.passes[name]-- > 0)
    return success;
  return failure->second;
}

#define ENTER(name)                                                                                                    \
  if (int failure = enter(name))                                                                                       \
  return failure
#define ENTER_IN_CONTEXT(name)                                                                                         \
  if (int failure = enter(name, true))                                                                                 \
    return failure;                                                                                                    \
  FakeCuda &cuda = fake();                                                                                             \
  std::lock_guard<std::mutex> lock(cuda.mutex)

static int complain(const std::string &what) {
  fake().complaints.push_back(what);
  return invalidValue;
}

/// Returns whether the bytes are in one live allocation.
static bool isDeviceMemory(uint64_t address, size_t bytes) {
  const auto &memory = fake().memory;
  auto after = memory.upper_bound(address);
  if (after == memory.begin())
    return false;
  auto [start, size] = *--after;
  return address - start <= size && bytes <= size - (address - start);
}

//===-- Devices and contexts -----------------------------------------------===//

DRIVER cuInit(unsigned) {
  ENTER("cuInit");
  return fake().devices ? success : noDevice;
}
DRIVER cuDriverGetVersion(int *version) {
  *version = fake().version;
  return success;
}
DRIVER cuGetErrorName(int error, const char **name) {
  static const std::map<int, const char *> names = {
      {invalidValue, "CUDA_ERROR_INVALID_VALUE"}, {outOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
      {noDevice, "CUDA_ERROR_NO_DEVICE"},         {invalidContext, "CUDA_ERROR_INVALID_CONTEXT"},
      {invalidPtx, "CUDA_ERROR_INVALID_PTX"},     {unsupportedPtxVersion, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"},
      {notFound, "CUDA_ERROR_NOT_FOUND"},         {illegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS"}};
  auto found = names.find(error);
  if (found == names.end())
    return invalidValue;
  *name = found->second;
  return success;
}
DRIVER cuGetErrorString(int, const char **text) {
  *text = "as a test wanted";
  return success;
}
DRIVER cuDeviceGetCount(int *count) {
  ENTER("cuDeviceGetCount");
  *count = fake().devices;
  return success;
}
DRIVER cuDeviceGet(int *device, int ordinal) {
  ENTER("cuDeviceGet");
  *device = ordinal;
  return success;
}
DRIVER cuDeviceGetName(char *name, int size, int) {
  ENTER("cuDeviceGetName");
  std::strncpy(name, "Fake GPU", size);
  return success;
}
DRIVER cuDeviceGetAttribute(int *value, int attribute, int) {
  ENTER("cuDeviceGetAttribute");
  const FakeCuda &cuda = fake();
  *value = attribute == computeCapabilityMajor   ? cuda.major
           : attribute == computeCapabilityMinor ? cuda.minor
           : attribute == multiprocessorCount    ? cuda.processors
                                                 : -1;
  return *value < 0 ? invalidValue : success;
}
DRIVER cuDevicePrimaryCtxGetState(int, unsigned *flags, int *active) {
  ENTER("cuDevicePrimaryCtxGetState");
  *flags = 0;
  *active = fake().retained > 0;
  return success;
}
DRIVER cuDevicePrimaryCtxRetain(ContextHandle *context, int) {
  ENTER("cuDevicePrimaryCtxRetain");
  std::lock_guard<std::mutex> lock(fake().mutex);
  ++fake().retained;
  *context = reinterpret_cast<ContextHandle>(&primaryContext);
  return success;
}
DRIVER cuDevicePrimaryCtxRelease_v2(int) {
  ENTER("cuDevicePrimaryCtxRelease");
  std::lock_guard<std::mutex> lock(fake().mutex);
  return fake().retained-- > 0 ? int(success) : complain("released once too often");
}
DRIVER cuCtxGetCurrent(ContextHandle *context) {
  ENTER("cuCtxGetCurrent");
  *context = contexts.empty() ? nullptr : contexts.back();
  return success;
}
DRIVER cuCtxGetDevice(int *device) {
  ENTER_IN_CONTEXT("cuCtxGetDevice");
  *device = 0;
  return success;
}
DRIVER cuCtxSetCurrent(ContextHandle context) {
  contexts.assign(1, context);
  return success;
}
DRIVER cuCtxPushCurrent_v2(ContextHandle context) {
  ENTER("cuCtxPushCurrent");
  contexts.push_back(context);
  return success;
}
DRIVER cuCtxPopCurrent_v2(ContextHandle *context) {
  ENTER("cuCtxPopCurrent");
  if (contexts.empty())
    return complain("popped once too often");
  *context = contexts.back();
  contexts.pop_back();
  return success;
}
DRIVER cuCtxSynchronize() {
  ENTER_IN_CONTEXT("cuCtxSynchronize");
  return success;
}
/// For tests: makes a context of the caller current, or none.
extern "C" __attribute__((visibility("default"))) void fake_cuda_enter_context(int kind) {
  contexts.clear();
  if (kind)
    contexts.push_back(reinterpret_cast<ContextHandle>(kind == 1 ? &primaryContext : &foreignContext));
}

//===-- Modules ------------------------------------------------------------===//

DRIVER cuModuleLoadDataEx(Module *module, const void *image, unsigned count, int *options, void **values) {
  ENTER_IN_CONTEXT("cuModuleLoadDataEx");
  bool assembled = std::strncmp(static_cast<const char *>(image), ELFMAG, SELFMAG) == 0;
  if (assembled && cuda.refusesCubin)
    return noBinaryForGpu;
  // The same text follows the headers of gpuCubin.
  size_t start = assembled ? sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr) : 0;
  std::string text = static_cast<const char *>(image) + start, line;
  if (text.find("syntax error") != text.npos) {
    for (unsigned i = 0; i < count; ++i)
      if (options[i] == jitErrorLogBuffer)
        std::strcpy(static_cast<char *>(values[i]), "line 3: syntax error\nand no more");
    return invalidPtx;
  }
  if (text.find(".version 99") != text.npos)
    return unsupportedPtxVersion;
  auto *made = new ModuleTag;
  for (std::istringstream lines(text); std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    FunctionTag function;
    if (!(words >> word >> function.name >> function.mostThreads) || word != "kernel")
      continue;
    for (size_t bytes; words >> bytes;)
      function.parameters.push_back(bytes);
    made->functions[function.name] = function;
  }
  cuda.modules.insert(made);
  *module = made;
  return success;
}
DRIVER cuModuleUnload(Module module) {
  ENTER_IN_CONTEXT("cuModuleUnload");
  if (!cuda.modules.erase(module))
    return complain("unloaded what is no module");
  delete module;
  return success;
}
DRIVER cuModuleGetFunction(Function *function, Module module, const char *name) {
  ENTER_IN_CONTEXT("cuModuleGetFunction");
  auto found = module->functions.find(name);
  if (found == module->functions.end())
    return notFound;
  *function = &found->second;
  return success;
}
#ifndef FAKE_CUDA_OLD // the other variant of this library is a driver from before CUDA 12.4
DRIVER cuFuncLoad(Function) {
  ENTER_IN_CONTEXT("cuFuncLoad");
  return success;
}
#endif
DRIVER cuFuncGetAttribute(int *value, int attribute, Function function) {
  ENTER_IN_CONTEXT("cuFuncGetAttribute");
  if (attribute == maxThreadsPerBlock)
    return *value = function->mostThreads, success;
  if (attribute == registersPerThread || attribute == localBytes || attribute == staticSharedBytes)
    return *value = 100 + attribute, success;
  return complain("unknown attribute");
}
DRIVER cuFuncSetAttribute(Function function, int attribute, int value) {
  ENTER_IN_CONTEXT("cuFuncSetAttribute");
  if (attribute == preferredSharedCarveout)
    return value == mostShared ? int(success) : complain("another division of shared memory");
  function->mostShared = value;
  return attribute == maxDynamicSharedBytes ? int(success) : complain("unknown attribute");
}
DRIVER cuFuncGetParamInfo(Function function, size_t index, size_t *offset, size_t *bytes) {
  ENTER_IN_CONTEXT("cuFuncGetParamInfo");
  if (index >= function->parameters.size())
    return invalidValue;
  *offset = 0;
  *bytes = function->parameters[index];
  return success;
}

//===-- Memory, streams, events --------------------------------------------===//

DRIVER cuMemAlloc_v2(Address *memory, size_t bytes) {
  ENTER_IN_CONTEXT("cuMemAlloc");
  if (!bytes)
    return complain("allocated nothing");
  if (bytes > size_t(1) << 36)
    return outOfMemory;
  *memory = reinterpret_cast<uint64_t>(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
  std::memset(reinterpret_cast<void *>(*memory), 0xff, bytes);
  cuda.memory[*memory] = bytes;
  return success;
}
DRIVER cuMemGetInfo_v2(size_t *free, size_t *total) {
  ENTER_IN_CONTEXT("cuMemGetInfo");
  *free = cuda.freeBytes;
  *total = size_t(1) << 36;
  return success;
}
DRIVER cuMemFree_v2(Address memory) {
  ENTER_IN_CONTEXT("cuMemFree");
  if (!cuda.memory.erase(memory))
    return complain("freed what is not allocated");
  std::free(reinterpret_cast<void *>(memory));
  return success;
}
DRIVER cuMemAllocHost_v2(void **memory, size_t bytes) {
  ENTER_IN_CONTEXT("cuMemAllocHost");
  *memory = std::malloc(bytes);
  cuda.pinned.insert(*memory);
  return success;
}
DRIVER cuMemFreeHost(void *memory) {
  ENTER_IN_CONTEXT("cuMemFreeHost");
  if (!cuda.pinned.erase(memory))
    return complain("freed what is not pinned");
  std::free(memory);
  return success;
}
static int copyBytes(void *to, const void *from, size_t bytes, bool inside) {
  if (!inside)
    return complain("copied outside of the device's memory");
  std::memcpy(to, from, bytes);
  return success;
}
DRIVER cuMemcpyHtoD_v2(Address to, const void *from, size_t bytes) {
  ENTER_IN_CONTEXT("cuMemcpyHtoD");
  return copyBytes(reinterpret_cast<void *>(to), from, bytes, isDeviceMemory(to, bytes));
}
DRIVER cuMemcpyDtoH_v2(void *to, Address from, size_t bytes) {
  ENTER_IN_CONTEXT("cuMemcpyDtoH");
  return copyBytes(to, reinterpret_cast<void *>(from), bytes, isDeviceMemory(from, bytes));
}
DRIVER cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t bytes, Stream) {
  ENTER_IN_CONTEXT("cuMemcpyHtoDAsync");
  return copyBytes(reinterpret_cast<void *>(to), from, bytes, isDeviceMemory(to, bytes));
}
DRIVER cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes, Stream) {
  ENTER_IN_CONTEXT("cuMemcpyDtoDAsync");
  return copyBytes(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), bytes,
                   isDeviceMemory(to, bytes) && isDeviceMemory(from, bytes));
}
template <typename Tag> static int make(std::set<Tag *> &live, Tag **made) {
  *made = new Tag;
  live.insert(*made);
  return success;
}
template <typename Tag> static int destroy(std::set<Tag *> &live, Tag *object) {
  if (!live.erase(object))
    return complain("destroyed what does not live");
  delete object;
  return success;
}
DRIVER cuStreamCreate(Stream *stream, unsigned flags) {
  ENTER_IN_CONTEXT("cuStreamCreate");
  return flags == streamNonBlocking ? make(cuda.streams, stream) : complain("flags of a stream");
}
DRIVER cuStreamDestroy_v2(Stream stream) {
  ENTER_IN_CONTEXT("cuStreamDestroy");
  return destroy(cuda.streams, stream);
}
DRIVER cuStreamSynchronize(Stream stream) {
  ENTER_IN_CONTEXT("cuStreamSynchronize");
  return !stream || cuda.streams.count(stream) ? int(success) : complain("unknown stream");
}
DRIVER cuStreamQuery(Stream stream) { return cuStreamSynchronize(stream); }
DRIVER cuStreamWaitEvent(Stream, Event event, unsigned) {
  ENTER_IN_CONTEXT("cuStreamWaitEvent");
  return cuda.events.count(event) ? int(success) : complain("unknown event");
}
DRIVER cuStreamIsCapturing(Stream, int *status) {
  ENTER_IN_CONTEXT("cuStreamIsCapturing");
  *status = cuda.capturing;
  return success;
}
DRIVER cuStreamBeginCapture_v2(Stream stream, int mode) {
  ENTER_IN_CONTEXT("cuStreamBeginCapture");
  if (!cuda.streams.count(stream) || mode != captureThreadLocal || cuda.capturing)
    return complain("cannot capture");
  cuda.capturing = true;
  cuda.captured.clear();
  return success;
}
DRIVER cuStreamEndCapture(Stream, Graph *graph) {
  ENTER_IN_CONTEXT("cuStreamEndCapture");
  if (!cuda.capturing)
    return complain("ended no capture");
  cuda.capturing = false;
  make(cuda.graphs, graph);
  (*graph)->launches = cuda.captured;
  return success;
}
DRIVER cuGraphInstantiateWithFlags(GraphExec *executable, Graph graph, unsigned long long) {
  ENTER_IN_CONTEXT("cuGraphInstantiate");
  if (!cuda.graphs.count(graph))
    return complain("unknown graph");
  make(cuda.executables, executable);
  (*executable)->launches = graph->launches;
  return success;
}
DRIVER cuGraphLaunch(GraphExec executable, Stream stream) {
  ENTER_IN_CONTEXT("cuGraphLaunch");
  if (!cuda.executables.count(executable))
    return complain("unknown graph");
  for (FakeLaunch launch : executable->launches) {
    launch.stream = stream;
    runFakeKernel(launch);
    cuda.launches.push_back(launch);
  }
  return success;
}
DRIVER cuGraphExecDestroy(GraphExec executable) {
  ENTER_IN_CONTEXT("cuGraphExecDestroy");
  return destroy(cuda.executables, executable);
}
DRIVER cuGraphDestroy(Graph graph) {
  ENTER_IN_CONTEXT("cuGraphDestroy");
  return destroy(cuda.graphs, graph);
}
DRIVER cuEventCreate(Event *event, unsigned flags) {
  ENTER_IN_CONTEXT("cuEventCreate");
  return flags == eventDisableTiming || flags == eventDefault ? make(cuda.events, event)
                                                              : complain("flags of an event");
}
DRIVER cuEventDestroy_v2(Event event) {
  ENTER_IN_CONTEXT("cuEventDestroy");
  return destroy(cuda.events, event);
}
DRIVER cuEventRecord(Event event, Stream) {
  ENTER_IN_CONTEXT("cuEventRecord");
  return cuda.events.count(event) ? int(success) : complain("unknown event");
}
DRIVER cuEventSynchronize(Event event) {
  ENTER_IN_CONTEXT("cuEventSynchronize");
  return cuda.events.count(event) ? int(success) : complain("unknown event");
}
DRIVER cuEventQuery(Event event) { return cuEventSynchronize(event); }
/// Kernels take 1 µs, 2 µs, 3 µs, 4 µs, 1 µs, …
DRIVER cuEventElapsedTime(float *milliseconds, Event start, Event end) {
  ENTER_IN_CONTEXT("cuEventElapsedTime");
  if (cuda.clockless)
    return notSupported;
  static unsigned asked = 0;
  *milliseconds = 1e-3f * static_cast<float>(asked++ % 4 + 1);
  return cuda.events.count(start) && cuda.events.count(end) ? int(success) : complain("unknown event");
}
/// Launches run immediately, so one that waits for another must run on a thread.
DRIVER cuLaunchHostFunc(Stream, void (*function)(void *), void *data) {
  ENTER_IN_CONTEXT("cuLaunchHostFunc");
  if (cuda.clockless)
    return notSupported;
  std::thread(function, data).detach();
  return success;
}

//===-- Launches -----------------------------------------------------------===//

DRIVER cuTensorMapEncodeTiled(TensorMap *map, int type, uint32_t rank, void *address, const uint64_t *dims,
                              const uint64_t *strides, const uint32_t *box, const uint32_t *elementStrides,
                              int interleave, int swizzle, int promotion, int fill) {
  ENTER_IN_CONTEXT("cuTensorMapEncodeTiled");
  FakeMap made;
  made.address = reinterpret_cast<uint64_t>(address);
  uint32_t bytes = type == tensorMapU8 ? 1 : type == tensorMapBF16 ? 2 : 4;
  bool isKnown = bytes < 4 || type == tensorMapI32 || type == tensorMapF32;
  bool good = isKnown && rank >= 1 && rank <= 5 && made.address && made.address % 16 == 0 &&
              reinterpret_cast<uint64_t>(map) % 64 == 0 && interleave == 0 && fill == 0 &&
              (swizzle == 0 || swizzle == 3);
  for (uint32_t i = 0; good && i < rank; ++i) {
    good = dims[i] >= 1 && dims[i] <= uint64_t(1) << 32 && box[i] >= 1 && box[i] <= 256 && elementStrides[i] == 1 &&
           (i + 1 == rank || (strides[i] % 16 == 0 && strides[i] < uint64_t(1) << 40));
    made.dims.push_back(dims[i]);
    made.box.push_back(box[i]);
    if (i + 1 < rank)
      made.strides.push_back(strides[i]);
  }
  if (!good || box[0] * bytes % 16 != 0 || (swizzle && box[0] * bytes > 128))
    return complain("a tensor map that the driver refuses");
  made.type = type;
  made.swizzle = swizzle;
  made.l2Promotion = promotion;
  std::memset(static_cast<void *>(map), 0, sizeof(*map));
  map->opaque[0] = cuda.maps.size();
  cuda.maps.push_back(made);
  return success;
}

DRIVER cuLaunchKernelEx(const LaunchConfig *config, Function function, void **parameters, void **extra) {
  ENTER_IN_CONTEXT("cuLaunchKernelEx");
  FakeLaunch launch;
  launch.kernel = function->name;
  std::memcpy(launch.grid, config->grid, sizeof(launch.grid));
  std::memcpy(launch.block, config->block, sizeof(launch.block));
  launch.shared = config->sharedBytes;
  launch.stream = config->stream;
  launch.overlap = config->numAttributes == 1 && config->attributes[0].id == 6 &&
                   config->attributes[0].value.programmaticStreamSerialization == 1;
  for (size_t i = 0; i < function->parameters.size(); ++i)
    launch.arguments.emplace_back(static_cast<const char *>(parameters[i]), function->parameters[i]);
  bool allowed = launch.shared <= 48 << 10 || launch.shared <= static_cast<unsigned>(function->mostShared);
  if (!allowed || extra || static_cast<int>(launch.block[0]) > function->mostThreads || !launch.grid[0] ||
      !launch.grid[1] || !launch.grid[2] || config->numAttributes > 1)
    return complain("a launch that the driver refuses");
  if (cuda.capturing)
    cuda.captured.push_back(launch);
  else
    runFakeKernel(launch);
  if (launch.kernel == "mla_probe")
    *reinterpret_cast<uint32_t *>(launch.pointer(0)) = cuda.sharedBase;
  cuda.launches.push_back(launch);
  return success;
}
