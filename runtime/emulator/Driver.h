//===- Driver.h - What the driver's functions share -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of the CUDA driver API that the runtime and captured graphs need
// (CUDA Driver API 12.4), on the emulated device. Cuda.h declares the types.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_DRIVER_H
#define MLA_EMULATOR_DRIVER_H

#include "Device.h"

#define MLA_DRIVER extern "C" __attribute__((visibility("default"))) mla::cuda::Status

namespace mla::emulator {

/// Checks that a context is current in this thread: returns 0 if so.
cuda::Status requireContext();
/// Returns the number of the device of the thread's current context; 0 if there is none.
int currentOrdinal();
/// Keeps text for cuGetErrorString(status): what was wrong with a call.
cuda::Status explain(cuda::Status status, const std::string &what);

} // namespace mla::emulator

#define MLA_REQUIRE_CONTEXT()                                                                                          \
  if (mla::cuda::Status status = mla::emulator::requireContext())                                                      \
  return status

#endif // MLA_EMULATOR_DRIVER_H
