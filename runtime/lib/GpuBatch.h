//===- GpuBatch.h - Device memory of batches --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_GPUBATCH_H
#define MLA_RUNTIME_GPUBATCH_H

#include "Array.h"
#include "CudaContext.h"

namespace mla {

/// The arrays of a step and the workspace of its layers, reused between steps.
class GpuBatch {
public:
  static Result<std::unique_ptr<GpuBatch>> create(const char *where, std::shared_ptr<CudaContext> context);
  ~GpuBatch();

  /// Prepares a new step: waits until the layers of the last are done, and resets to the default stream.
  Error restart(const char *where);
  /// Copies the arrays to the device and waits for the copies.
  struct StepArrays {
    const Array<int32_t> *cuSeqlens, *lengths, *adapters, *blockTable;
  };
  Error upload(const char *where, const StepArrays &step);
  /// Returns at least that many bytes of scratch memory. A larger one replaces the last when its layers are done.
  Result<uint64_t> workspace(const char *where, uint64_t bytes);
  /// Returns an error if the stream is being captured, with a suggestion.
  Error refuseCapture(const char *where, const char *instead) const;
  /// Notes that the layers enqueued so far must be waited for.
  Error record(const char *where);
  /// Runs layers on another stream from now on, after those that ran before.
  Error setStream(const char *where, cuda::Stream other);
  cuda::Stream stream() const { return current; }

  uint64_t cuSeqlens() const { return arrays.address(); }
  uint64_t lengths() const { return arrays.address() + lengthsOffset; }
  uint64_t adapters() const { return arrays.address() + adaptersOffset; }
  uint64_t blockTable() const { return arrays.address() + blockTableOffset; }
  uint64_t workspaceBytes() const { return scratch.bytes(); }
  cuda::Event lastLayer() const { return done; }

private:
  std::shared_ptr<CudaContext> context;
  cuda::Stream current = nullptr; ///< the caller's
  bool ran = false;               ///< a layer, in this step
  cuda::Event done = nullptr;
  cuda::Stream uploads = nullptr;
  DeviceBuffer arrays, scratch;
  uint64_t lengthsOffset = 0, adaptersOffset = 0, blockTableOffset = 0;
  Array<int32_t> staging;

  explicit GpuBatch(std::shared_ptr<CudaContext> context) : context(std::move(context)) {}
  Error wait(const char *where);
};

} // namespace mla

#endif // MLA_RUNTIME_GPUBATCH_H
