//===- GpuCode.h - The loaded kernels of a bundle ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_GPUCODE_H
#define MLA_RUNTIME_GPUCODE_H

#include "GpuComm.h"
#include "GpuWeights.h"
#include "LaunchTimer.h"
#include "Manifest.h"

namespace mla {

/// Scratch buffers start at multiples of this, and so must the workspace.
constexpr uint64_t workspaceAlignment = schema::Limit::WorkspaceAlignment;

/// The bindings of a launch list.
struct LaunchBindings {
  uint64_t given[schema::numBuffers] = {}; ///< addresses by Buffer; 0 if the caller passes none
  const DeviceArray *weights = nullptr;
  DeviceArray workspace;
  Sizes sizes; ///< Processors is filled in by GpuCode.
  cuda::Stream stream = nullptr;
  /// Whether the first launch may begin before earlier work on the stream has ended.
  bool overlapsOthers = true;
  /// Of a core: replaces its floats, if not 0.
  double scaleLog2e = 0;
  /// Called at every launch, none of which then overlaps another; may be null.
  LaunchTimer *timer = nullptr;

  void give(Buffer buffer, const void *address) { give(buffer, reinterpret_cast<uint64_t>(address)); }
  void give(Buffer buffer, uint64_t address) { given[static_cast<unsigned>(buffer)] = address; }
  uint64_t operator[](Buffer buffer) const { return given[static_cast<unsigned>(buffer)]; }
};

/// Returns the bytes of all scratch buffers of a list; the sizes include the processors.
Result<uint64_t> workspaceBytes(const char *where, const LaunchList &list, const Sizes &sizes);

/// Module, kernels and weights of an open bundle. Immutable, so that threads may share it.
class GpuCode {
public:
  /// Loads the bundle at `path` into the context that mla_bundle_open documents. The file must have all weights that
  /// the manifest names; null leaves the weights out. Collectives use the communicator; null: of one rank.
  static Result<std::unique_ptr<GpuCode>> load(const std::string &path, const Manifest &manifest,
                                               const WeightFiles *weights, const LoadProgress &progress = {},
                                               std::shared_ptr<GpuComm> comm = nullptr);
  ~GpuCode();

  const std::shared_ptr<CudaContext> &context() const { return cudaContext; }
  const DeviceArray *weights(size_t layerIndex, size_t entry) const { return deviceWeights.of(layerIndex, entry); }
  const DeviceArray *weights(End end) const { return deviceWeights.of(end); }
  const char *kernelName(uint32_t number) const { return names[number].c_str(); }
  /// Returns the communicator of several ranks, or null.
  const std::shared_ptr<GpuComm> &ranks() const { return comm; }
  double codeSeconds() const { return secondsForCode; }
  double weightsSeconds() const { return secondsForWeights; }

  /// Fills in the driver's facts about a kernel, by its number in the manifest.
  void describeKernel(uint32_t number, mla_kernel_info &info) const;

  /// Returns the bytes of all scratch buffers of the list.
  Result<uint64_t> workspaceBytes(const char *where, const LaunchList &list, Sizes sizes) const;

  /// Launches the list. Allocates no device memory and does not wait.
  Error enqueue(const char *where, const LaunchList &list, const LaunchBindings &bindings) const;

private:
  std::shared_ptr<CudaContext> cudaContext;
  std::shared_ptr<GpuComm> comm;
  cuda::Module module = nullptr;
  std::vector<cuda::Function> functions; ///< by the numbers of the manifest's kernels
  std::vector<std::string> names;        ///< likewise
  GpuWeights deviceWeights;
  double secondsForCode = 0, secondsForWeights = 0;

  explicit GpuCode(std::shared_ptr<CudaContext> context) : cudaContext(std::move(context)) {}
  Error loadModule(const std::string &bundlePath, const Manifest &manifest);
  Error loadPtx(const std::string &path);
  Error findFunctions(const std::string &path, const Manifest &manifest);
  Error checkLaunches(const std::string &path, const LaunchList &list, std::vector<uint32_t> &shared) const;
  Error checkParameters(const std::string &path, const Launch &launch) const;
  Error allowShared(const std::string &path, const std::vector<uint32_t> &shared) const;
  Error probe(const std::string &path) const;
  Error prepareCollectives(const std::string &path, const Manifest &manifest) const;
  Error enqueueLocked(const char *where, const LaunchList &list, const LaunchBindings &bindings) const;
  Error runProbe(const std::string &path, cuda::Function function, uint32_t &base) const;
};

} // namespace mla

#endif // MLA_RUNTIME_GPUCODE_H
