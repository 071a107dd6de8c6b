//===- GlobalMemory.cpp - The memory of the emulated device ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GlobalMemory.h"
#include "Fault.h"

#include <cstring>
#include <sys/mman.h>

using namespace mla::emulator;

static void *reserveRange(uint64_t bytes, int protection) {
  void *range = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return range == MAP_FAILED ? nullptr : range;
}

bool GlobalMemory::reserve() {
  std::lock_guard<std::mutex> lock(mutex);
  if (base)
    return true;
  void *addresses = reserveRange(size, PROT_NONE);
  data = static_cast<uint8_t *>(reserveRange(size, PROT_READ | PROT_WRITE));
  states = static_cast<uint8_t *>(reserveRange(size, PROT_READ | PROT_WRITE));
  if (!addresses || !data || !states)
    return false;
  base = reinterpret_cast<DeviceAddress>(addresses);
  return true;
}

DeviceAddress GlobalMemory::allocate(uint64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex);
  uint64_t room = (bytes + alignment - 1) / alignment * alignment + alignment; // unallocated behind it
  if (room < bytes || room > size - next)
    return 0;
  DeviceAddress address = base + next;
  next += room;
  allocations[address] = bytes;
  std::memset(contents(address), 0xff, bytes);
  std::memset(state(address), Allocated, bytes);
  return address;
}

bool GlobalMemory::free(DeviceAddress address) {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = allocations.find(address);
  if (found == allocations.end())
    return false;
  uint64_t bytes = found->second;
  allocations.erase(found);
  // Whole pages go back to the system; addresses are not used again.
  std::memset(state(address), 0, bytes);
  uint64_t page = 4096, first = (address - base + page - 1) / page * page, end = (address - base + bytes) / page * page;
  if (first < end) {
    madvise(data + first, end - first, MADV_DONTNEED);
    madvise(states + first, end - first, MADV_DONTNEED);
  }
  return true;
}

std::string GlobalMemory::describe(DeviceAddress address) const {
  std::lock_guard<std::mutex> lock(mutex);
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin())
    return hex(address) + " is in no allocation";
  auto [start, bytes] = *--after;
  std::string allocation = "an allocation of " + std::to_string(bytes) + " bytes at " + hex(start);
  if (address - start < bytes)
    return hex(address) + " is byte " + std::to_string(address - start) + " of " + allocation;
  return hex(address) + " is " + std::to_string(address - start - bytes) + " bytes behind the end of " + allocation;
}

GlobalMemory &mla::emulator::globalMemory() {
  static GlobalMemory *memory = new GlobalMemory; // never destroyed: programs free memory at exit
  return *memory;
}

void Marks::add(DeviceAddress address, uint32_t bytes, uint8_t bits, unsigned warp, uint32_t time) {
  if (!marks.empty()) {
    Mark &last = marks.back();
    if (last.address + last.bytes == address && last.bits == bits && last.warp == warp && last.time == time) {
      last.bytes += bytes;
      return;
    }
  }
  marks.push_back({address, bytes, bits, warp, time});
}

void Marks::setAgain() const {
  for (const Mark &mark : marks)
    globalMemory().set(mark.address, mark.bytes, mark.bits);
}
