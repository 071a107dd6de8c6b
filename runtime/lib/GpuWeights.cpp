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
#include <mutex>
#include <tuple>

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
  Error copyFile(const std::vector<const SafetensorsTensor *> &tensors, const FileOnDevice &file);
  Error finish();

private:
  Error copy(uint64_t to, const char *from, uint64_t bytes);
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

Error Uploader::copyFile(const std::vector<const SafetensorsTensor *> &tensors, const FileOnDevice &file) {
  for (const SafetensorsTensor *tensor : tensors)
    if (Error error =
            copy(file.arrays.at(tensor->name).address, static_cast<const char *>(tensor->data), tensor->bytes))
      return error;
  return {};
}

Error Uploader::finish() {
  if (cuda::Status status = driver.cuStreamSynchronize(stream))
    return driver.failed(where, "cuStreamSynchronize", status);
  progress.tell(all, all);
  return {};
}

//===----------------------------------------------------------------------===//
// Files that bundles share
//===----------------------------------------------------------------------===//

namespace {
/// The weights that a bundle needs of a file.
struct Placement {
  const SafetensorsFile *file = nullptr;
  std::map<std::string, DeviceArray> arrays; ///< Addresses are from the start of the buffer.
  std::vector<const SafetensorsTensor *> order;
  uint64_t total = 0, bytes = 0; ///< with and without gaps

  void place(const SafetensorsTensor &tensor) {
    if (!arrays.emplace(tensor.name, DeviceArray{total, tensor.bytes}).second)
      return;
    order.push_back(&tensor);
    bytes += tensor.bytes;
    total += (tensor.bytes + alignment - 1) / alignment * alignment; // the file holds them all: no overflow
  }
};

/// What is on a device of the files of all open bundles, by the file's identity.
class FilesOnDevices {
public:
  /// Returns the file, if all that is needed of it is there.
  std::shared_ptr<const FileOnDevice> find(const Placement &needed, const CudaContext &context);
  void add(const Placement &placement, const CudaContext &context, const std::shared_ptr<const FileOnDevice> &file);

private:
  using Key = std::tuple<uint64_t, uint64_t, cuda::ContextHandle>;
  static Key keyOf(const Placement &placement, const CudaContext &context) {
    auto [device, inode] = placement.file->identity();
    return {device, inode, context.handle};
  }
  std::mutex mutex;
  std::map<Key, std::weak_ptr<const FileOnDevice>> files;
};
} // namespace

std::shared_ptr<const FileOnDevice> FilesOnDevices::find(const Placement &needed, const CudaContext &context) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = files.find(keyOf(needed, context));
  std::shared_ptr<const FileOnDevice> file = found == files.end() ? nullptr : found->second.lock();
  bool hasAll = file && std::all_of(needed.arrays.begin(), needed.arrays.end(),
                                    [&](const auto &array) { return file->arrays.count(array.first); });
  return hasAll ? file : nullptr;
}

void FilesOnDevices::add(const Placement &placement, const CudaContext &context,
                         const std::shared_ptr<const FileOnDevice> &file) {
  std::lock_guard<std::mutex> lock(mutex);
  files[keyOf(placement, context)] = file;
}

/// Never destroyed: a bundle may be closed when the process ends.
static FilesOnDevices &filesOnDevices() {
  static FilesOnDevices &files = *new FilesOnDevices;
  return files;
}

//===----------------------------------------------------------------------===//
// Upload
//===----------------------------------------------------------------------===//

static Error make(const std::string &where, const std::shared_ptr<CudaContext> &context, const FileOnDevice &file,
                  const Placement &placement) {
  MadeWeights made(where, context);
  if (Error error = made.prepare())
    return error;
  for (const SafetensorsTensor *tensor : placement.order)
    if (Error error = made.fill(file.arrays.at(tensor->name).address, *tensor))
      return error;
  return made.finish();
}

/// Allocates the memory of a file.
static Result<std::shared_ptr<FileOnDevice>> allocate(const std::string &where,
                                                      const std::shared_ptr<CudaContext> &context,
                                                      const Manifest &manifest, const Placement &placement) {
  auto file = std::make_shared<FileOnDevice>();
  file->arrays = placement.arrays;
  Result<DeviceBuffer> memory = DeviceBuffer::allocate(where, context, placement.total);
  if (!memory)
    return memory.error().kind() == ErrorKind::OutOfMemory ? weightsDoNotFit(where, *context, manifest, placement.total)
                                                           : memory.error();
  file->memory = std::move(*memory);
  for (auto &[name, array] : file->arrays)
    array.address += file->memory.address();
  return file;
}

/// Finds the weights that the manifest names in the files.
static std::vector<Placement> place(const Manifest &manifest, const WeightFiles &weights) {
  std::vector<Placement> placements(weights.files().size());
  auto add = [&](const std::string &name) {
    for (size_t i = 0; i < placements.size(); ++i)
      if (const SafetensorsTensor *tensor = weights.files()[i].find(name))
        return placements[i].place(*tensor);
  };
  for (size_t i = 0; i < placements.size(); ++i)
    placements[i].file = &weights.files()[i];
  for (int64_t layer : manifest.layers)
    for (const ManifestEntry &entry : manifest.entries)
      if (entry.serves(layer))
        for (const std::string &name : entry.weights)
          add("layers." + std::to_string(layer) + "." + name);
  for (const ManifestEnd &end : manifest.ends)
    for (const std::string &name : end.weights)
      add(name);
  return placements;
}

DeviceArray GpuWeights::find(const std::string &name) const {
  for (const std::shared_ptr<const FileOnDevice> &file : files)
    if (auto found = file->arrays.find(name); found != file->arrays.end())
      return found->second;
  return {};
}

/// Fills in the lists of entries and ends.
void GpuWeights::bind(const Manifest &manifest) {
  entries = manifest.entries.size();
  for (int64_t layer : manifest.layers)
    for (const ManifestEntry &entry : manifest.entries) {
      std::vector<DeviceArray> &arrays = bound.emplace_back();
      if (entry.serves(layer))
        for (const std::string &name : entry.weights)
          arrays.push_back(find("layers." + std::to_string(layer) + "." + name));
    }
  for (const ManifestEnd &end : manifest.ends) {
    std::vector<DeviceArray> &arrays = bound.emplace_back();
    for (const std::string &name : end.weights)
      arrays.push_back(find(name));
  }
}

Result<GpuWeights> GpuWeights::upload(const std::string &where, const std::shared_ptr<CudaContext> &context,
                                      const Manifest &manifest, const WeightFiles &weights,
                                      const LoadProgress &progress) {
  GpuWeights result;
  std::vector<Placement> placements = place(manifest, weights), copied;
  std::vector<std::shared_ptr<FileOnDevice>> fresh;
  uint64_t bytes = 0;
  for (Placement &placement : placements) {
    if (placement.total == 0)
      continue;
    std::shared_ptr<const FileOnDevice> there;
    if (!manifest.madeWeights)
      there = filesOnDevices().find(placement, *context);
    if (!there) {
      Result<std::shared_ptr<FileOnDevice>> file = allocate(where, context, manifest, placement);
      if (!file)
        return file.error();
      fresh.push_back(*file);
      bytes += placement.bytes;
      there = *file;
      copied.push_back(placement);
    }
    result.files.push_back(std::move(there));
  }
  Uploader uploader(where, context->driver, progress);
  if (Error error = manifest.madeWeights || copied.empty() ? Error() : uploader.prepare(bytes))
    return error;
  for (size_t i = 0; i < copied.size(); ++i) {
    Error error = manifest.madeWeights ? make(where, context, *fresh[i], copied[i])
                                       : uploader.copyFile(copied[i].order, *fresh[i]);
    if (error)
      return error;
  }
  if (Error error = manifest.madeWeights || copied.empty() ? Error() : uploader.finish())
    return error;
  if (!manifest.madeWeights)
    for (size_t i = 0; i < copied.size(); ++i)
      filesOnDevices().add(copied[i], *context, fresh[i]);
  result.bind(manifest);
  return result;
}
