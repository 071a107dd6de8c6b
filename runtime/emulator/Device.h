//===- Device.h - The emulated device and its streams -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is enqueued runs when somebody waits for it, in the order in which it was
// enqueued, whatever the stream: an order that the streams' own allow.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_DEVICE_H
#define MLA_EMULATOR_DEVICE_H

#include "Cuda.h"
#include "Grid.h"

#include "mla/emulator.h"

#include <variant>

/// The objects of the driver's handles.
namespace mla::cuda {
struct FunctionTag {
  emulator::Program program;
  int maxDynamicShared = 48 * 1024;
};
struct ModuleTag {
  emulator::ptx::Module text;
  std::map<std::string, FunctionTag> functions;
  std::vector<emulator::DeviceAddress> globals;
};
} // namespace mla::cuda

namespace mla::emulator {

/// A copy from the host, whose bytes were staged, or on the device.
struct CopyRequest {
  DeviceAddress to = 0, from = 0; ///< from 0: of the host.
  uint64_t bytes = 0;
  std::vector<uint8_t> staged;
};

/// Work of another library, such as a collective.
struct WorkRequest {
  mla_emulator_work work = {};
  void *running = nullptr; ///< once it has begun
};

struct Request {
  cuda::Stream stream = nullptr;
  std::variant<LaunchRequest, CopyRequest, WorkRequest> what;
};

class Device {
public:
  explicit Device(const Settings &settings) : settings(settings) {}

  /// Adds to a stream's work, or to what it captures.
  cuda::Status enqueue(Request request);
  /// Runs everything. Returns the error of the first kernel that failed, as all later calls do.
  cuda::Status drain() { return advance(/*waits=*/true); }
  /// Runs what can run now. Returns cuda::notReady if work of another library is not done.
  cuda::Status query() { return advance(/*waits=*/false); }
  cuda::Status error();
  /// Returns the fault of the failed kernel, or "".
  std::string describeError();

  /// The counters of all launches since the last reset, by kernel.
  const std::map<std::string, Counters> &counters();
  void resetCounters();

  const Settings &settings;
  std::recursive_mutex mutex;

private:
  cuda::Status advance(bool waits);
  bool runWork(WorkRequest &request, bool waits);
  void run(size_t index);
  void startDependents(size_t index);
  void copy(const CopyRequest &request);
  bool overlaps(size_t index) const;

  static constexpr size_t mostQueued = 256;
  std::vector<Request> queue;
  std::vector<std::unique_ptr<Grid>> grids; ///< Of the queue's launches that have started.
  uint64_t launched = 0;
  cuda::Status failure = cuda::success;
  std::string message;
  std::map<std::string, Counters> byKernel;
};

/// Returns the device of the thread's current context, else the first.
Device &device();
Device &deviceOf(int ordinal);

} // namespace mla::emulator

namespace mla::cuda {
struct StreamTag {
  bool isCapturing = false;
  std::vector<emulator::Request> captured;
};
struct EventTag {};
} // namespace mla::cuda

#endif // MLA_EMULATOR_DEVICE_H
