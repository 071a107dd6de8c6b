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
  // Straight from the system: untouched pages cost nothing, and too much is a null instead of an abort.
  void *allocate(uint64_t bytes) override {
    void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      return nullptr;
    // Decode reads scattered pages once each: with small pages of the system, TLB misses would show.
    madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
  }
  void release(void *memory, uint64_t bytes) override { munmap(memory, bytes); }
  void copy(void *to, const void *from, uint64_t bytes) override { std::memcpy(to, from, bytes); }
};
} // namespace

DeviceMemory &mla::hostMemory() {
  static HostMemory memory;
  return memory;
}
