//===- DriverStream.cpp - Streams, launches, captured graphs --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include <cstring>

using namespace mla;
using namespace mla::cuda;
using namespace mla::emulator;

/// The launches of a captured stream.
struct mla::cuda::GraphTag {
  std::vector<Request> requests;
};
struct mla::cuda::GraphExecTag {
  std::vector<Request> requests;
};

static Status requireNoCapture(Stream stream) { return stream && stream->isCapturing ? captureUnsupported : success; }

//===----------------------------------------------------------------------===//
// Streams and events
//===----------------------------------------------------------------------===//

MLA_DRIVER cuStreamCreate(Stream *stream, unsigned) {
  MLA_REQUIRE_CONTEXT();
  *stream = new StreamTag;
  return success;
}

MLA_DRIVER cuStreamDestroy_v2(Stream stream) {
  MLA_REQUIRE_CONTEXT();
  Status status = device().drain();
  delete stream;
  return status;
}

MLA_DRIVER cuStreamSynchronize(Stream stream) {
  MLA_REQUIRE_CONTEXT();
  Status status = requireNoCapture(stream);
  return status ? status : device().drain();
}

/// Everything runs in the order in which it was enqueued, so that what an event stands for comes before.
MLA_DRIVER cuStreamQuery(Stream stream) {
  MLA_REQUIRE_CONTEXT();
  Status status = requireNoCapture(stream);
  return status ? status : device().query();
}

MLA_DRIVER cuStreamWaitEvent(Stream, Event, unsigned) {
  MLA_REQUIRE_CONTEXT();
  return device().error();
}

MLA_DRIVER cuStreamIsCapturing(Stream stream, int *status) {
  MLA_REQUIRE_CONTEXT();
  *status = stream && stream->isCapturing;
  return success;
}

MLA_DRIVER cuEventCreate(Event *event, unsigned) {
  MLA_REQUIRE_CONTEXT();
  *event = new EventTag;
  return success;
}

MLA_DRIVER cuEventDestroy_v2(Event event) {
  MLA_REQUIRE_CONTEXT();
  delete event;
  return success;
}

MLA_DRIVER cuEventRecord(Event, Stream) {
  MLA_REQUIRE_CONTEXT();
  return device().error();
}

MLA_DRIVER cuEventSynchronize(Event) {
  MLA_REQUIRE_CONTEXT();
  return device().drain();
}

/// The host's time for emulation is unrelated to a device's.
MLA_DRIVER cuEventQuery(Event) {
  MLA_REQUIRE_CONTEXT();
  return device().query();
}

MLA_DRIVER cuEventElapsedTime(float *, Event, Event) {
  MLA_REQUIRE_CONTEXT();
  return explain(notSupported, "the emulated device has no clock");
}

MLA_DRIVER cuLaunchHostFunc(Stream, void (*)(void *), void *) {
  MLA_REQUIRE_CONTEXT();
  return explain(notSupported, "functions of the host are not emulated");
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

static constexpr uint64_t mostBlocks = 1 << 24;
static constexpr unsigned ignoredAttribute = 0; ///< CU_LAUNCH_ATTRIBUTE_IGNORE

static std::string checkLaunch(const LaunchConfig &config, const FunctionTag &function) {
  uint64_t threads = uint64_t(config.block[0]) * config.block[1] * config.block[2];
  if (threads < 1 || config.block[2] > 64 || threads > function.program.kernel->maxThreads)
    return "blocks of " + std::to_string(threads) + " threads; the kernel takes 1 to " +
           std::to_string(function.program.kernel->maxThreads);
  if (!config.grid[0] || !config.grid[1] || !config.grid[2] || config.grid[0] > INT32_MAX || config.grid[1] > 65535 ||
      config.grid[2] > 65535)
    return "a grid of " + std::to_string(config.grid[0]) + " x " + std::to_string(config.grid[1]) + " x " +
           std::to_string(config.grid[2]) + " blocks";
  if (uint64_t(config.grid[0]) * config.grid[1] * config.grid[2] > mostBlocks)
    return "a grid of more than 2^24 blocks is not emulated";
  for (unsigned i = 0; i < config.numAttributes; ++i)
    if (config.attributes[i].id != programmaticStreamSerialization && config.attributes[i].id != ignoredAttribute)
      return "launch attribute " + std::to_string(config.attributes[i].id) + " is not emulated";
  if (config.sharedBytes > static_cast<unsigned>(function.maxDynamicShared))
    return std::to_string(config.sharedBytes) + " bytes of dynamic shared memory; the kernel was allowed " +
           std::to_string(function.maxDynamicShared);
  return "";
}

static LaunchRequest makeRequest(const LaunchConfig &config, const FunctionTag &function, void **parameters) {
  LaunchRequest request;
  request.program = &function.program;
  std::copy(std::begin(config.grid), std::end(config.grid), request.grid);
  std::copy(std::begin(config.block), std::end(config.block), request.block);
  request.dynamicShared = config.sharedBytes;
  request.parameters.resize(function.program.parameterBytes);
  for (size_t i = 0; i < function.program.parameterOffsets.size(); ++i)
    std::memcpy(&request.parameters[function.program.parameterOffsets[i]], parameters[i],
                function.program.kernel->parameters[i].bytes);
  for (unsigned i = 0; i < config.numAttributes; ++i)
    if (config.attributes[i].id == programmaticStreamSerialization)
      request.mayOverlap = config.attributes[i].value.programmaticStreamSerialization != 0;
  return request;
}

MLA_DRIVER cuLaunchKernelEx(const LaunchConfig *config, Function function, void **parameters, void **extra) {
  MLA_REQUIRE_CONTEXT();
  std::string error = extra ? "parameters in 'extra' are not emulated" : checkLaunch(*config, *function);
  if (!error.empty())
    return explain(invalidValue, function->program.name + ": " + error);
  return device().enqueue({config->stream, makeRequest(*config, *function, parameters)});
}

//===----------------------------------------------------------------------===//
// Captured graphs
//===----------------------------------------------------------------------===//

MLA_DRIVER cuStreamBeginCapture_v2(Stream stream, int /*mode*/) {
  MLA_REQUIRE_CONTEXT();
  if (!stream || stream->isCapturing)
    return explain(invalidValue, "the legacy stream, or one that is captured already, cannot be captured");
  stream->isCapturing = true;
  return success;
}

MLA_DRIVER cuStreamEndCapture(Stream stream, Graph *graph) {
  MLA_REQUIRE_CONTEXT();
  if (!stream || !stream->isCapturing)
    return explain(invalidValue, "the stream is not being captured");
  *graph = new GraphTag{std::move(stream->captured)};
  stream->captured.clear();
  stream->isCapturing = false;
  return success;
}

MLA_DRIVER cuGraphInstantiateWithFlags(GraphExec *executable, Graph graph, unsigned long long) {
  MLA_REQUIRE_CONTEXT();
  *executable = new GraphExecTag{graph->requests};
  return success;
}

MLA_DRIVER cuGraphLaunch(GraphExec executable, Stream stream) {
  MLA_REQUIRE_CONTEXT();
  for (Request request : executable->requests) {
    request.stream = stream;
    if (Status status = device().enqueue(std::move(request)))
      return status;
  }
  return success;
}

MLA_DRIVER cuGraphExecDestroy(GraphExec executable) {
  MLA_REQUIRE_CONTEXT();
  delete executable;
  return success;
}

MLA_DRIVER cuGraphDestroy(Graph graph) {
  MLA_REQUIRE_CONTEXT();
  delete graph;
  return success;
}
