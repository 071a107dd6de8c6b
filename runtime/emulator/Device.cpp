//===- Device.cpp - The emulated device and its streams -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"
#include "Driver.h"

#include <time.h>

using namespace mla;
using namespace mla::emulator;

Device &mla::emulator::deviceOf(int ordinal) {
  // Never destroyed: programs free what they have at exit.
  static auto *devices = [] {
    auto *made = new std::vector<std::unique_ptr<Device>>;
    for (int i = 0; i < settings().devices; ++i)
      made->push_back(std::make_unique<Device>(settings()));
    return made;
  }();
  return *(*devices)[static_cast<size_t>(ordinal)];
}

Device &mla::emulator::device() { return deviceOf(currentOrdinal()); }

cuda::Status Device::error() {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  return failure;
}

std::string Device::describeError() {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  return message;
}

cuda::Status Device::enqueue(Request request) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  if (failure)
    return failure;
  if (request.stream && request.stream->isCapturing) {
    request.stream->captured.push_back(std::move(request));
    return cuda::success;
  }
  queue.push_back(std::move(request));
  cuda::Status status = queue.size() < mostQueued ? cuda::success : query();
  return status == cuda::notReady ? cuda::success : status;
}

/// Returns whether a queued request is a launch that may start before the preceding one in its stream has ended.
bool Device::overlaps(size_t index) const {
  const LaunchRequest *launch = index < queue.size() ? std::get_if<LaunchRequest>(&queue[index].what) : nullptr;
  return launch && launch->mayOverlap && queue[index].stream == queue[index - 1].stream;
}

/// The dependent grid begins before this one has done anything; the one after that as well, if the first lets it.
void Device::startDependents(size_t index) {
  for (size_t i = index + 1; overlaps(i); ++i) {
    if (!grids[i]) {
      if (settings.policy == Policy::Random && (settings.seed + launched + i) % 3 == 0)
        return;
      grids[i] = std::make_unique<Grid>(std::get<LaunchRequest>(queue[i].what), settings, settings.seed + launched + i);
      grids[i]->runEarly();
    }
    if (!grids[i]->hasTriggered() || grids[i]->fault())
      return;
  }
}

static cuda::Status statusOf(FaultKind kind) {
  switch (kind) {
  case FaultKind::OutOfBounds:
    return cuda::illegalAddress;
  default:
    return cuda::launchFailed;
  }
}

void Device::run(size_t index) {
  if (const CopyRequest *request = std::get_if<CopyRequest>(&queue[index].what))
    return copy(*request);
  if (!grids[index])
    grids[index] =
        std::make_unique<Grid>(std::get<LaunchRequest>(queue[index].what), settings, settings.seed + launched + index);
  Grid &grid = *grids[index];
  if (settings.policy != Policy::Eager)
    startDependents(index);
  grid.settle();
  for (size_t later = index + 1; later < grids.size() && grids[later]; ++later)
    grids[later]->markAgain();
  if (!grid.fault())
    grid.run();
  byKernel[grid.name()].add(grid.counters());
  if (grid.fault()) {
    failure = statusOf(grid.fault()->kind);
    message = grid.fault()->message();
  }
}

/// Returns whether the work is done.
bool Device::runWork(WorkRequest &request, bool waits) {
  if (!request.running)
    request.running = request.work.begin(request.work.op);
  timespec interval = {0, 20'000};
  bool isDone = request.work.poll(request.running);
  for (; !isDone && waits; isDone = request.work.poll(request.running))
    nanosleep(&interval, nullptr);
  return isDone;
}

/// No launch starts across work of another library, so that nothing behind such work has begun.
cuda::Status Device::advance(bool waits) {
  std::lock_guard<std::recursive_mutex> lock(mutex);
  grids.clear();
  grids.resize(queue.size());
  bool isReady = true;
  size_t done = 0;
  for (; done < queue.size() && !failure; ++done) {
    if (WorkRequest *work = std::get_if<WorkRequest>(&queue[done].what)) {
      if (!(isReady = runWork(*work, waits)))
        break;
    } else {
      run(done);
    }
    if (done > 0)
      grids[done - 1].reset();
  }
  launched += done;
  grids.clear();
  queue.erase(queue.begin(), failure ? queue.end() : queue.begin() + static_cast<std::ptrdiff_t>(done));
  return failure ? failure : isReady ? cuda::success : cuda::notReady;
}

void Device::copy(const CopyRequest &request) {
  GlobalMemory &memory = globalMemory();
  if (!request.from) {
    std::memcpy(memory.contents(request.to), request.staged.data(), request.bytes);
    return memory.set(request.to, request.bytes, Written);
  }
  std::memmove(memory.contents(request.to), memory.contents(request.from), request.bytes);
  for (uint64_t i = 0; i < request.bytes; ++i)
    *memory.state(request.to + i) =
        (*memory.state(request.to + i) & ~Written) | (*memory.state(request.from + i) & Written);
}

const std::map<std::string, Counters> &Device::counters() {
  drain();
  return byKernel;
}

void Device::resetCounters() {
  drain();
  std::lock_guard<std::recursive_mutex> lock(mutex);
  byKernel.clear();
}
