//===- HostMemory.cpp - Pages in host memory ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"

#include <cstring>
#include <sys/mman.h>

using namespace mla;

namespace {
class HostMemory : public DeviceMemory {
public:
  // mmap: untouched pages cost nothing, and exhausted memory is an error instead of an abort.
  Result<void *> allocate(uint64_t bytes) override {
    void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      return Error(ErrorKind::OutOfMemory, "the system does not give that much");
    // Decode reads scattered pages once each: small system pages would cost TLB misses.
    madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
  }
  void release(void *memory, uint64_t bytes) override { munmap(memory, bytes); }
  Error copy(const mla_cache &, void *to, const void *from, uint64_t bytes) override {
    std::memcpy(to, from, bytes);
    return {};
  }
  Error finishCopies() override { return {}; }
};
} // namespace

std::unique_ptr<DeviceMemory> mla::makeHostMemory() { return std::make_unique<HostMemory>(); }
