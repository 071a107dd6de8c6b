//===- MadeWeights.cpp - Random weights for measurements ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MadeWeights.h"
#include "Array.h"
#include "Float.h"
#include "Memory.h"

#include <algorithm>
#include <cstring>

using namespace mla;

/// Elements of a table, and its bytes, whatever the elements are.
static constexpr uint64_t tableBytes = 16 << 20;
static constexpr float deviation = 0.02f;

/// The finalizer of SplitMix64, on a counter.
static uint64_t mix(uint64_t counter) {
  uint64_t z = (counter + 1) * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

/// Returns a sum of four uniform numbers of deviation 1, which is close to a normal one.
static float normal(uint64_t counter) {
  uint64_t bits = mix(counter);
  int32_t sum = -2 * 65535;
  for (int i = 0; i < 4; ++i)
    sum += static_cast<int32_t>(bits >> (16 * i) & 0xffff);
  return static_cast<float>(sum) / 37837.0f; // sqrt(4 / 12) * 65536
}

MadeWeights::MadeWeights(const std::string &where, std::shared_ptr<CudaContext> context)
    : where(where), context(std::move(context)) {}

MadeWeights::~MadeWeights() {
  if (!stream)
    return;
  context->driver.cuStreamSynchronize(stream);
  context->driver.cuStreamDestroy(stream);
}

Error MadeWeights::prepare() {
  if (cuda::Status status = context->driver.cuStreamCreate(&stream, cuda::streamNonBlocking))
    return context->driver.failed(where, "cuStreamCreate", status);
  Array<char> table;
  if (!table.assign(tableBytes, 0))
    return outOfMemory(where, "a table of random numbers");
  for (int kind = 0; kind < numKinds; ++kind) {
    for (uint64_t i = 0; i < tableBytes / 4; ++i) {
      float value = deviation * normal(i), gamma = 1 + value;
      uint16_t narrow[2] = {roundToBF16(value), roundToBF16(deviation * normal(~i))};
      uint32_t bytes = (mix(i) & 0x9f9f9f9f) | 0x20202020; // of e4m3: 2^-3 to 2^1
      const void *from = kind == Gammas ? static_cast<void *>(&gamma) : kind == Floats ? &value : nullptr;
      if (!from)
        from = kind == BFloats ? static_cast<void *>(narrow) : &bytes;
      std::memcpy(table.data() + 4 * i, from, 4);
    }
    Result<DeviceBuffer> buffer = DeviceBuffer::allocate(where, context, tableBytes);
    if (!buffer)
      return buffer.error();
    tables[kind] = std::move(*buffer);
    if (cuda::Status status = context->driver.cuMemcpyHtoD(tables[kind].address(), table.data(), tableBytes))
      return context->driver.failed(where, "cuMemcpyHtoD", status);
  }
  return {};
}

Error MadeWeights::fill(uint64_t address, const SafetensorsTensor &tensor) {
  Kind kind = tensor.dtype == DType::BF16  ? BFloats
              : tensor.dtype != DType::F32 ? Bytes
              : tensor.shape.size() == 1   ? Gammas
                                           : Floats;
  // Multiples of the largest element.
  uint64_t start = mix(filled++) % tableBytes / 16 * 16;
  for (uint64_t done = 0, count; done < tensor.bytes; done += count, start = 0) {
    count = std::min(tensor.bytes - done, tableBytes - start);
    if (cuda::Status status =
            context->driver.cuMemcpyDtoDAsync(address + done, tables[kind].address() + start, count, stream))
      return context->driver.failed(where, "cuMemcpyDtoDAsync", status);
  }
  return {};
}

Error MadeWeights::finish() {
  if (cuda::Status status = context->driver.cuStreamSynchronize(stream))
    return context->driver.failed(where, "cuStreamSynchronize", status);
  return {};
}
