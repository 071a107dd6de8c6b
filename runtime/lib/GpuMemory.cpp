//===- GpuMemory.cpp - The pages of caches on a device --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cache.h"
#include "GpuComm.h"

using namespace mla;

namespace {
class GpuMemory : public DeviceMemory {
public:
  explicit GpuMemory(std::shared_ptr<CudaContext> context) : context(std::move(context)) {}
  ~GpuMemory() override;
  Error prepare(const char *where);
  Result<void *> allocate(uint64_t bytes) override;
  void release(void *, uint64_t) override { pages.free(); }
  Error copy(const mla_cache &cache, void *to, const void *from, uint64_t bytes) override;
  Error finishCopies() override;

private:
  std::shared_ptr<CudaContext> context;
  cuda::Stream stream = nullptr;
  DeviceBuffer pages;
};
} // namespace

Error GpuMemory::prepare(const char *where) {
  ContextScope scope(*context);
  if (Error error = scope.error(where))
    return error;
  if (cuda::Status status = context->driver.cuStreamCreate(&stream, cuda::streamNonBlocking))
    return context->driver.failed(where, "cuStreamCreate", status);
  return {};
}

GpuMemory::~GpuMemory() {
  ContextScope scope(*context);
  if (stream)
    context->driver.cuStreamDestroy(stream);
}

Result<void *> GpuMemory::allocate(uint64_t bytes) {
  const char *where = "mla_cache_create";
  ContextScope scope(*context);
  if (Error error = scope.error(where))
    return error;
  Result<DeviceBuffer> memory = DeviceBuffer::allocate(where, context, bytes);
  if (!memory)
    return memory.error();
  pages = std::move(*memory);
  return reinterpret_cast<void *>(pages.address());
}

/// Rows may still be being written: layers run on the callers' streams.
Error GpuMemory::copy(const mla_cache &cache, void *to, const void *from, uint64_t bytes) {
  const char *where = "mla_batch_begin";
  const cuda::Driver &driver = context->driver;
  ContextScope scope(*context);
  if (Error error = scope.error(where))
    return error;
  for (const std::unique_ptr<mla_batch> &batch : cache.batches)
    if (batch->gpu)
      if (cuda::Status status = driver.cuStreamWaitEvent(stream, batch->gpu->lastLayer(), 0))
        return driver.failed(where, "cuStreamWaitEvent", status);
  if (cuda::Status status = driver.cuMemcpyDtoDAsync(reinterpret_cast<cuda::Address>(to),
                                                     reinterpret_cast<cuda::Address>(from), bytes, stream))
    return driver.failed(where, "cuMemcpyDtoDAsync", status);
  return {};
}

/// Shared last pages are rare, so this is kept simple.
Error GpuMemory::finishCopies() {
  const char *where = "mla_batch_begin";
  ContextScope scope(*context);
  if (Error error = scope.error(where))
    return error;
  return waitForStream(where, *context, stream);
}

Result<std::unique_ptr<DeviceMemory>> mla::makeGpuMemory(const char *where, std::shared_ptr<CudaContext> context) {
  auto memory = std::make_unique<GpuMemory>(std::move(context));
  if (Error error = memory->prepare(where))
    return error;
  return std::unique_ptr<DeviceMemory>(std::move(memory));
}
