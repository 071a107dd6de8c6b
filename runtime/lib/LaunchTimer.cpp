//===- LaunchTimer.cpp - Times of kernels --------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchTimer.h"
#include "GpuComm.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

using namespace mla;

/// The condition that the stream waits for.
struct LaunchTimer::Gate {
  std::mutex mutex;
  std::condition_variable opened;
  bool isOpen = false;

  void open() {
    std::lock_guard<std::mutex> lock(mutex);
    isOpen = true;
    opened.notify_all();
  }
  /// Runs on the stream. Limited in time: the length of a driver's queue is not documented, and if a launch waits for
  /// space in it the gate would never open.
  static void wait(void *data) {
    std::unique_ptr<std::shared_ptr<Gate>> gate(static_cast<std::shared_ptr<Gate> *>(data));
    std::unique_lock<std::mutex> lock((*gate)->mutex);
    (*gate)->opened.wait_for(lock, std::chrono::milliseconds(200), [&] { return (*gate)->isOpen; });
  }
};

LaunchTimer::~LaunchTimer() {
  if (gate)
    gate->open();
  ContextScope scope(context);
  for (cuda::Event event : events)
    context.driver.cuEventDestroy(event);
}

/// Without host functions, as on the emulated device, there is no clock either.
Error LaunchTimer::closeGate() {
  gate = std::make_shared<Gate>();
  auto share = std::make_unique<std::shared_ptr<Gate>>(gate);
  cuda::Status status = context.driver.cuLaunchHostFunc(stream, Gate::wait, share.get());
  if (status == cuda::success)
    share.release(); // the function's own
  else if (status != cuda::notSupported)
    return context.driver.failed(where, "cuLaunchHostFunc", status);
  return {};
}

Error LaunchTimer::record() {
  cuda::Event event = nullptr;
  if (cuda::Status status = context.driver.cuEventCreate(&event, cuda::eventDefault))
    return context.driver.failed(where, "cuEventCreate", status);
  events.push_back(event);
  if (cuda::Status status = context.driver.cuEventRecord(event, stream))
    return context.driver.failed(where, "cuEventRecord", status);
  return {};
}

Error LaunchTimer::start() {
  if (Error error = closeGate())
    return error;
  return record();
}

Error LaunchTimer::launched(const Launch &launch, const unsigned (&grid)[3]) {
  list.push_back({&launch, {grid[0], grid[1], grid[2]}, -1});
  return record();
}

Error LaunchTimer::finish(std::vector<Timed> &launches) {
  gate->open();
  ContextScope scope(context);
  if (Error error = scope.error(where))
    return error;
  if (Error error = waitForEvent(where, context, events.back()))
    return error;
  for (size_t i = 0; i < list.size(); ++i) {
    float milliseconds = 0;
    cuda::Status status = context.driver.cuEventElapsedTime(&milliseconds, events[i], events[i + 1]);
    if (status == cuda::success)
      list[i].seconds = milliseconds * 1e-3;
    else if (status != cuda::notSupported)
      return context.driver.failed(where, "cuEventElapsedTime", status);
  }
  launches.insert(launches.end(), list.begin(), list.end());
  return {};
}
