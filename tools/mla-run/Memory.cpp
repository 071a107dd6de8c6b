//===- Memory.cpp - Arrays of host and device -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"

using namespace mla;
using namespace mla::run;

Error Array::resize(uint64_t size) {
  bytes.resize(size);
  if (!onDevice || size <= capacity)
    return {};
  mla_device_free(device);
  device = nullptr;
  capacity = 0;
  if (Error error = toError(mla_device_malloc(size, &device)))
    return error;
  capacity = size;
  return {};
}

Error Array::send() { return onDevice ? toError(mla_device_copy_in(device, bytes.data(), bytes.size())) : Error(); }

Error Array::fetch() {
  if (!onDevice)
    return {};
  if (Error error = toError(mla_device_synchronize()))
    return error;
  return toError(mla_device_copy_out(bytes.data(), device, bytes.size()));
}
