//===- FakeCuda.h - A CUDA driver for tests ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library with the driver's functions, on host memory: device addresses are
// host addresses. It checks its arguments, records allocations and launches, and
// fails when a test requests it. A module is text, one line per kernel:
//   kernel NAME MOST_THREADS BYTES_OF_PARAMETER…
// Some kernels are executed; see FakeKernels.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_FAKECUDA_H
#define MLA_TEST_FAKECUDA_H

#include "Cuda.h"

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

struct FakeMap {
  uint64_t address = 0;
  std::vector<uint64_t> dims, strides;
  std::vector<uint32_t> box;
  int type = 0, swizzle = 0, l2Promotion = 0;
};

struct FakeLaunch {
  std::string kernel;
  unsigned grid[3], block[3], shared;
  bool overlap;
  mla::cuda::Stream stream;
  std::vector<std::string> arguments; ///< the bytes of each

  template <typename T> T as(size_t index) const {
    T value;
    std::memcpy(&value, arguments.at(index).data(), sizeof(T));
    return value;
  }
  uint64_t pointer(size_t index) const { return as<uint64_t>(index); }
  int32_t integer(size_t index) const { return as<int32_t>(index); }
  float number(size_t index) const { return as<float>(index); }
};

/// The objects of the driver's handles.
namespace mla::cuda {
struct FunctionTag {
  std::string name;
  int mostThreads = 0, mostShared = 0;
  std::vector<size_t> parameters;
};
struct ModuleTag {
  std::map<std::string, FunctionTag> functions;
};
struct StreamTag {};
struct EventTag {};
struct GraphTag {
  std::vector<FakeLaunch> launches;
};
struct GraphExecTag : GraphTag {};
} // namespace mla::cuda

struct FakeCuda {
  // Set by tests.
  int version = 12040, devices = 1, major = 9, minor = 0, processors = 132;
  uint32_t sharedBase = 1024;
  bool refusesCubin = false, capturing = false, clockless = false;
  std::map<std::string, int> failures;                ///< the status that a function gives from now on
  std::map<std::string, int> passes;                  ///< after so many calls that work
  std::map<std::string, std::function<void()>> hooks; ///< what happens when a function is called

  // Read by tests.
  std::vector<FakeLaunch> launches;
  std::vector<std::string> calls;
  std::vector<std::string> complaints; ///< what the runtime did wrong
  std::map<uint64_t, size_t> memory;   ///< live allocations of the device
  size_t freeBytes = 100;              ///< as the driver says, whatever is allocated
  std::set<mla::cuda::Module> modules;
  std::set<mla::cuda::Stream> streams;
  std::set<mla::cuda::Event> events;
  std::set<mla::cuda::Graph> graphs;
  std::set<mla::cuda::GraphExec> executables;
  std::vector<FakeLaunch> captured; ///< while `capturing`
  std::set<void *> pinned;
  int retained = 0; ///< of the primary context
  std::vector<FakeMap> maps;
  std::mutex mutex;

  /// The contents of a parameter of 128 bytes.
  const FakeMap &map(const FakeLaunch &launch, size_t index) const { return maps.at(launch.pointer(index)); }
  bool nothingLives() const {
    return memory.empty() && modules.empty() && streams.empty() && events.empty() && graphs.empty() &&
           executables.empty() && pinned.empty() && retained == 0;
  }
};

/// Executes the launch, if it is of a kernel that the library knows.
void runFakeKernel(const FakeLaunch &launch);

/// The instance of the library that tests load.
FakeCuda &fakeCuda();
/// Makes a context of the caller current: 0 for none, 1 for the primary one, 2 for another.
void enterContext(int kind);

#endif // MLA_TEST_FAKECUDA_H
