//===- GpuBatch.cpp - Device memory of batches ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuBatch.h"
#include "GpuComm.h"
#include "Status.h"

#include <algorithm>

using namespace mla;

Result<std::unique_ptr<GpuBatch>> GpuBatch::create(const char *where, std::shared_ptr<CudaContext> context) {
  ContextScope scope(*context);
  if (Error error = scope.error(where))
    return error;
  std::unique_ptr<GpuBatch> batch(new GpuBatch(context));
  if (cuda::Status status = context->driver.cuEventCreate(&batch->done, cuda::eventDisableTiming))
    return context->driver.failed(where, "cuEventCreate", status);
  if (cuda::Status status = context->driver.cuStreamCreate(&batch->uploads, cuda::streamNonBlocking))
    return context->driver.failed(where, "cuStreamCreate", status);
  return batch;
}

GpuBatch::~GpuBatch() {
  ContextScope scope(*context);
  if (done) {
    (void)waitForEvent("mla_cache_destroy", *context, done);
    context->driver.cuEventDestroy(done);
  }
  if (uploads)
    context->driver.cuStreamDestroy(uploads);
}

Error GpuBatch::wait(const char *where) {
  // Done at once if no layer was run yet.
  return waitForEvent(where, *context, done);
}

Error GpuBatch::restart(const char *where) {
  ContextScope scope(*context);
  if (Error error = scope.error(where))
    return error;
  current = nullptr;
  ran = false;
  return wait(where);
}

Error GpuBatch::upload(const char *where, const StepArrays &step) {
  constexpr size_t alignment = 64; // elements: every array starts at a multiple of 256 bytes
  auto end = [](size_t begin, const Array<int32_t> &array) {
    return (begin + array.size() + alignment - 1) / alignment * alignment;
  };
  size_t second = end(0, *step.cuSeqlens), third = end(second, *step.lengths), fourth = end(third, *step.adapters);
  if (!staging.assign(fourth + step.blockTable->size(), 0))
    return outOfMemory(where, "the arrays of the batch");
  std::copy(step.cuSeqlens->begin(), step.cuSeqlens->end(), staging.begin());
  std::copy(step.lengths->begin(), step.lengths->end(), staging.begin() + second);
  std::copy(step.adapters->begin(), step.adapters->end(), staging.begin() + third);
  std::copy(step.blockTable->begin(), step.blockTable->end(), staging.begin() + fourth);
  uint64_t bytes = staging.size() * sizeof(int32_t);
  ContextScope scope(*context);
  if (Error error = scope.error(where))
    return error;
  if (arrays.bytes() < bytes) {
    Result<DeviceBuffer> larger = DeviceBuffer::allocate(where, context, std::max(bytes, 2 * arrays.bytes()));
    if (!larger)
      return larger.error();
    arrays = std::move(*larger);
  }
  lengthsOffset = second * sizeof(int32_t);
  adaptersOffset = third * sizeof(int32_t);
  blockTableOffset = fourth * sizeof(int32_t);
  // From pageable memory a copy may return before the data has arrived.
  if (cuda::Status status = context->driver.cuMemcpyHtoDAsync(arrays.address(), staging.data(), bytes, uploads))
    return context->driver.failed(where, "cuMemcpyHtoDAsync", status);
  if (cuda::Status status = context->driver.cuStreamSynchronize(uploads))
    return context->driver.failed(where, "cuStreamSynchronize", status);
  return {};
}

Error GpuBatch::refuseCapture(const char *where, const char *instead) const {
  ContextScope scope(*context);
  if (Error error = scope.error(where))
    return error;
  return mla::refuseCapture(where, *context, current, instead);
}

Result<uint64_t> GpuBatch::workspace(const char *where, uint64_t bytes) {
  if (bytes <= scratch.bytes())
    return scratch.address();
  ContextScope scope(*context);
  if (Error error = scope.error(where))
    return error;
  if (Error error = wait(where))
    return error;
  scratch.free(); // first, since both may not fit together
  Result<DeviceBuffer> larger = DeviceBuffer::allocate(where, context, bytes);
  if (!larger)
    return larger.error();
  scratch = std::move(*larger);
  return scratch.address();
}

Error GpuBatch::record(const char *where) {
  ContextScope scope(*context);
  if (Error error = scope.error(where))
    return error;
  if (cuda::Status status = context->driver.cuEventRecord(done, current))
    return context->driver.failed(where, "cuEventRecord", status);
  ran = true;
  return {};
}

Error GpuBatch::setStream(const char *where, cuda::Stream other) {
  if (ran && other != current) {
    ContextScope scope(*context);
    if (Error error = scope.error(where))
      return error;
    if (cuda::Status status = context->driver.cuStreamWaitEvent(other, done, 0))
      return context->driver.failed(where, "cuStreamWaitEvent", status);
  }
  current = other;
  return {};
}
