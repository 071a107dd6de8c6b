//===- GpuWeights.cpp - Weights in device memory --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loading should take only as long as the copy to the device. A copy from a
// mapping takes its page faults one by one; here all threads take them, into one
// of two pinned buffers, while the other is being copied.
//
//===----------------------------------------------------------------------===//

#include "GpuWeights.h"
#include "DoesNotFit.h"
#include "MadeWeights.h"

#include "mla/abi.h"

#include <algorithm>
#include <cstring>

using namespace mla;

static constexpr uint64_t alignment = 256, chunkBytes = 32 << 20, grainBytes = 1 << 20;

namespace {
/// Copies host memory to a device through two pinned buffers.
class Uploader {
public:
  Uploader(const std::string &where, const cuda::Driver &driver, const LoadProgress &progress)
      : where(where), driver(driver), progress(progress) {}
  ~Uploader();
  Error prepare(uint64_t total);
  Error copy(uint64_t to, const char *from, uint64_t bytes);
  Error finish();

private:
  struct Slot {
    void *memory = nullptr;
    cuda::Event sent = nullptr;
  };
  const std::string &where;
  const cuda::Driver &driver;
  const LoadProgress &progress;
  cuda::Stream stream = nullptr;
  Slot slots[2];
  uint64_t slotBytes = 0, copied = 0, all = 0;
  unsigned next = 0;
};

struct HostCopy {
  char *to;
  const char *from;
  uint64_t bytes;
};
} // namespace

Error Uploader::prepare(uint64_t total) {
  slotBytes = std::min(total, chunkBytes);
  all = total;
  progress.tell(0, all);
  if (cuda::Status status = driver.cuStreamCreate(&stream, cuda::streamNonBlocking))
    return driver.failed(where, "cuStreamCreate", status);
  for (Slot &slot : slots) {
    if (cuda::Status status = driver.cuMemAllocHost(&slot.memory, slotBytes))
      return driver.failed(where, "cuMemAllocHost", status);
    if (cuda::Status status = driver.cuEventCreate(&slot.sent, cuda::eventDisableTiming))
      return driver.failed(where, "cuEventCreate", status);
  }
  return {};
}

Uploader::~Uploader() {
  if (stream) {
    driver.cuStreamSynchronize(stream);
    driver.cuStreamDestroy(stream);
  }
  for (Slot &slot : slots) {
    if (slot.sent)
      driver.cuEventDestroy(slot.sent);
    if (slot.memory)
      driver.cuMemFreeHost(slot.memory);
  }
}

static void copyGrain(void *context, int64_t index) {
  const HostCopy &copy = *static_cast<const HostCopy *>(context);
  uint64_t start = index * grainBytes;
  std::memcpy(copy.to + start, copy.from + start, std::min(grainBytes, copy.bytes - start));
}

Error Uploader::copy(uint64_t to, const char *from, uint64_t bytes) {
  for (uint64_t done = 0, count; done < bytes; done += count) {
    Slot &slot = slots[next++ % 2];
    count = std::min(bytes - done, slotBytes);
    if (cuda::Status status = driver.cuEventSynchronize(slot.sent))
      return driver.failed(where, "cuEventSynchronize", status);
    HostCopy copy = {static_cast<char *>(slot.memory), from + done, count};
    mla_parallel_for(copyGrain, &copy, static_cast<int64_t>((count + grainBytes - 1) / grainBytes));
    if (cuda::Status status = driver.cuMemcpyHtoDAsync(to + done, slot.memory, count, stream))
      return driver.failed(where, "cuMemcpyHtoDAsync", status);
    if (cuda::Status status = driver.cuEventRecord(slot.sent, stream))
      return driver.failed(where, "cuEventRecord", status);
    if (copied += count; copied < all)
      progress.tell(copied, all);
  }
  return {};
}

Error Uploader::finish() {
  if (cuda::Status status = driver.cuStreamSynchronize(stream))
    return driver.failed(where, "cuStreamSynchronize", status);
  progress.tell(all, all);
  return {};
}

namespace {
/// The destination of each tensor.
struct Placement {
  std::map<const SafetensorsTensor *, uint64_t> offsets;
  std::vector<const SafetensorsTensor *> order;
  uint64_t total = 0, bytes = 0; ///< with and without gaps

  /// Returns the tensor's place from the start of the buffer.
  DeviceArray place(const SafetensorsTensor *tensor) {
    auto [found, isNew] = offsets.emplace(tensor, total);
    if (isNew) {
      order.push_back(tensor);
      bytes += tensor->bytes;
      total += (tensor->bytes + alignment - 1) / alignment * alignment; // the file holds them all: no overflow
    }
    return {found->second, tensor->bytes};
  }
};
} // namespace

static Error copyAll(const std::string &where, const cuda::Driver &driver, uint64_t memory, const Placement &placement,
                     const LoadProgress &progress) {
  Uploader uploader(where, driver, progress);
  if (Error error = uploader.prepare(placement.bytes))
    return error;
  for (const SafetensorsTensor *tensor : placement.order)
    if (Error error = uploader.copy(memory + placement.offsets.at(tensor), static_cast<const char *>(tensor->data),
                                    tensor->bytes))
      return error;
  return uploader.finish();
}

static Error make(const std::string &where, const std::shared_ptr<CudaContext> &context, uint64_t memory,
                  const Placement &placement) {
  MadeWeights made(where, context);
  if (Error error = made.prepare())
    return error;
  for (const SafetensorsTensor *tensor : placement.order)
    if (Error error = made.fill(memory + placement.offsets.at(tensor), *tensor))
      return error;
  return made.finish();
}

Result<GpuWeights> GpuWeights::upload(const std::string &where, const std::shared_ptr<CudaContext> &context,
                                      const Manifest &manifest, const SafetensorsFile &file,
                                      const LoadProgress &progress) {
  GpuWeights weights;
  Placement placement;
  weights.entries = manifest.entries.size();
  for (int64_t layer : manifest.layers)
    for (const ManifestEntry &entry : manifest.entries) {
      std::vector<DeviceArray> &arrays = weights.bound.emplace_back();
      if (entry.serves(layer))
        for (const std::string &name : entry.weights)
          arrays.push_back(placement.place(file.find("layers." + std::to_string(layer) + "." + name)));
    }
  for (const ManifestEnd &end : manifest.ends) {
    std::vector<DeviceArray> &arrays = weights.bound.emplace_back();
    for (const std::string &name : end.weights)
      arrays.push_back(placement.place(file.find(name)));
  }
  if (placement.total == 0)
    return weights;
  Result<DeviceBuffer> memory = DeviceBuffer::allocate(where, context, placement.total);
  if (!memory)
    return memory.error().kind() == ErrorKind::OutOfMemory ? weightsDoNotFit(where, *context, manifest, placement.total)
                                                           : memory.error();
  weights.memory = std::move(*memory);
  for (std::vector<DeviceArray> &arrays : weights.bound)
    for (DeviceArray &array : arrays)
      array.address += weights.memory.address();
  Error error = manifest.madeWeights ? make(where, context, weights.memory.address(), placement)
                                     : copyAll(where, context->driver, weights.memory.address(), placement, progress);
  if (error)
    return error;
  return weights;
}
