//===- DriverMemory.cpp - Memory and tensor maps --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include <cstdlib>
#include <cstring>

using namespace mla;
using namespace mla::cuda;
using namespace mla::emulator;

static Status requireMemory(Address address, size_t bytes) {
  if (globalMemory().contains(address, bytes))
    return success;
  return explain(invalidValue, "a copy of " + std::to_string(bytes) + " bytes; " +
                                   globalMemory().describe(address + bytes - (bytes > 0)));
}

/// Of an allocation.
static constexpr size_t most = size_t(1) << 36;

/// Memory is that of the host, of which allocations take what they touch.
MLA_DRIVER cuMemGetInfo_v2(size_t *free, size_t *total) {
  MLA_REQUIRE_CONTEXT();
  *free = *total = most;
  return success;
}

MLA_DRIVER cuMemAlloc_v2(Address *address, size_t bytes) {
  MLA_REQUIRE_CONTEXT();
  if (Status status = device().error())
    return status;
  if (!bytes)
    return explain(invalidValue, "an allocation of 0 bytes");
  *address = bytes > most ? 0 : globalMemory().allocate(bytes);
  return *address ? success : outOfMemory;
}

MLA_DRIVER cuMemFree_v2(Address address) {
  MLA_REQUIRE_CONTEXT();
  Status status = device().drain();
  if (!globalMemory().free(address))
    return explain(invalidValue, "the address was not allocated, or freed before");
  return status;
}

MLA_DRIVER cuMemAllocHost_v2(void **memory, size_t bytes) {
  MLA_REQUIRE_CONTEXT();
  *memory = std::malloc(bytes ? bytes : 1);
  return *memory ? success : outOfMemory;
}

MLA_DRIVER cuMemFreeHost(void *memory) {
  MLA_REQUIRE_CONTEXT();
  Status status = device().drain();
  std::free(memory);
  return status;
}

/// Bytes of the host are staged when the call is made, as those of pageable memory are.
static Status enqueueCopy(Address to, Address from, const void *host, size_t bytes, Stream stream) {
  if (Status status = requireMemory(to, bytes))
    return status;
  if (Status status = host ? success : requireMemory(from, bytes))
    return status;
  CopyRequest copy{to, host ? 0 : from, bytes, {}};
  if (host)
    copy.staged.assign(static_cast<const uint8_t *>(host), static_cast<const uint8_t *>(host) + bytes);
  return device().enqueue({stream, std::move(copy)});
}

MLA_DRIVER cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t bytes, Stream stream) {
  MLA_REQUIRE_CONTEXT();
  return bytes ? enqueueCopy(to, 0, from, bytes, stream) : success;
}

MLA_DRIVER cuMemcpyHtoD_v2(Address to, const void *from, size_t bytes) {
  Status status = cuMemcpyHtoDAsync_v2(to, from, bytes, nullptr);
  return status ? status : device().drain();
}

MLA_DRIVER cuMemcpyDtoDAsync_v2(Address to, Address from, size_t bytes, Stream stream) {
  MLA_REQUIRE_CONTEXT();
  return bytes ? enqueueCopy(to, from, nullptr, bytes, stream) : success;
}

/// Uninitialized memory, and values that depend on it, are copied as 0xff: NaN.
MLA_DRIVER cuMemcpyDtoH_v2(void *to, Address from, size_t bytes) {
  MLA_REQUIRE_CONTEXT();
  if (Status status = device().drain())
    return status;
  if (Status status = requireMemory(from, bytes))
    return status;
  std::memcpy(to, globalMemory().contents(from), bytes);
  const uint8_t *state = globalMemory().state(from);
  for (size_t i = 0; i < bytes; ++i)
    if (!(state[i] & Written))
      static_cast<uint8_t *>(to)[i] = 0xff;
  return success;
}

MLA_DRIVER cuTensorMapEncodeTiled(cuda::TensorMap *map, int type, uint32_t rank, void *address, const uint64_t *dims,
                                  const uint64_t *strides, const uint32_t *box, const uint32_t *elementStrides,
                                  int interleave, int swizzle, int /*l2Promotion*/, int fill) {
  emulator::TensorMap encoded;
  std::string error = encodeTiled(encoded, type, rank, reinterpret_cast<uint64_t>(address), dims, strides, box,
                                  elementStrides, interleave, swizzle, fill);
  if (!error.empty())
    return explain(invalidValue, "cuTensorMapEncodeTiled: " + error);
  std::memset(map, 0, sizeof(*map));
  std::memcpy(map, &encoded, sizeof(encoded));
  return success;
}
