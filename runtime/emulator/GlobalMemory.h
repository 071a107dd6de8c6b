//===- GlobalMemory.h - The memory of the emulated device -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Device addresses lie in a range of the process's address space that is
// reserved and never mapped, so that a host that dereferences one fails. The
// contents lie elsewhere, with a state byte per byte: whether it is allocated,
// whether somebody wrote it, and what grids did to it that are not complete.
// Between two allocations there is always unallocated memory, and addresses are
// not used again.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_GLOBALMEMORY_H
#define MLA_EMULATOR_GLOBALMEMORY_H

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace mla::emulator {

using DeviceAddress = uint64_t;

/// Bits of a state byte.
enum MemoryState : uint8_t {
  Allocated = 1,
  Written = 2,      ///< By the host or a kernel.
  ReadEarly = 4,    ///< Read by a grid before its griddepcontrol.wait, while its predecessor is not complete.
  WrittenEarly = 8, ///< The same, written.
  Generic = 16,     ///< Written by the generic proxy in a grid that is not complete.
};

class GlobalMemory {
public:
  static constexpr uint64_t alignment = 256;

  /// Reserves the address ranges. Returns false if the system refuses.
  bool reserve();

  /// Allocates `bytes` bytes, at least 1; 0 if there is no room. Contents are 0xff and not Written.
  DeviceAddress allocate(uint64_t bytes);
  /// Returns false if `address` is no start of an allocation.
  bool free(DeviceAddress address);

  /// Returns whether all bytes are allocated.
  bool contains(DeviceAddress address, uint64_t bytes) const {
    if (address < base || address - base >= size || bytes > size - (address - base))
      return false;
    return allHave(address, bytes, Allocated);
  }
  bool allHave(DeviceAddress address, uint64_t bytes, uint8_t bits) const {
    const uint8_t *s = state(address);
    uint8_t all = bits;
    for (uint64_t i = 0; i < bytes; ++i)
      all &= s[i];
    return all == bits;
  }
  bool anyHas(DeviceAddress address, uint64_t bytes, uint8_t bits) const {
    const uint8_t *s = state(address);
    uint8_t all = 0;
    for (uint64_t i = 0; i < bytes; ++i)
      all |= s[i];
    return all & bits;
  }

  uint8_t *contents(DeviceAddress address) const { return data + (address - base); }
  uint8_t *state(DeviceAddress address) const { return states + (address - base); }
  /// Sets bits that stay.
  void set(DeviceAddress address, uint64_t bytes, uint8_t bits) {
    uint8_t *s = state(address);
    for (uint64_t i = 0; i < bytes; ++i)
      s[i] |= bits;
  }
  void clear(DeviceAddress address, uint64_t bytes, uint8_t bits) {
    uint8_t *s = state(address);
    for (uint64_t i = 0; i < bytes; ++i)
      s[i] &= ~bits;
  }

  /// Returns, for example, "0x… is 4 bytes behind the end of an allocation of 256 bytes at 0x…".
  std::string describe(DeviceAddress address) const;

private:
  static constexpr uint64_t size = uint64_t(1) << 38;
  DeviceAddress base = 0;
  uint8_t *data = nullptr, *states = nullptr;
  uint64_t next = 0; ///< Offset of the memory that was never allocated.
  mutable std::mutex mutex;
  std::map<DeviceAddress, uint64_t> allocations;
};

/// The device's memory.
GlobalMemory &globalMemory();

/// The bits that a CTA set, to clear exactly these.
class Marks {
public:
  /// By a warp, at a time of its clock.
  void add(DeviceAddress address, uint32_t bytes, uint8_t bits, unsigned warp, uint32_t time);
  /// Clears bits of the marks of which ordered(warp, time) holds, and forgets what has none left.
  template <typename Ordered> void clear(uint8_t bits, Ordered ordered);
  void clear(uint8_t bits) {
    clear(bits, [](unsigned, uint32_t) { return true; });
  }
  /// Sets bits again that another grid's marks on the same bytes have cleared.
  void setAgain() const;

private:
  struct Mark {
    DeviceAddress address;
    uint64_t bytes;
    uint8_t bits;
    unsigned warp;
    uint32_t time;
  };
  std::vector<Mark> marks;
};

template <typename Ordered> void Marks::clear(uint8_t bits, Ordered ordered) {
  for (Mark &mark : marks)
    if (mark.bits & bits && ordered(mark.warp, mark.time)) {
      globalMemory().clear(mark.address, mark.bytes, mark.bits & bits);
      mark.bits &= ~bits;
    }
  std::erase_if(marks, [](const Mark &mark) { return !mark.bits; });
}

} // namespace mla::emulator

#endif // MLA_EMULATOR_GLOBALMEMORY_H
