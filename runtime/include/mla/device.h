//===- device.h - Memory of a device ------------------------------*- C -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For programs without CUDA's headers. Part of runtime.h, whose conventions hold
// here.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DEVICE_H
#define MLA_DEVICE_H

#include "mla/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* These use the calling thread's current context, else the primary context of
 * device 0, like mla_bundle_open. Memory from other allocators, such as PyTorch's, works as well. */

/* Returns the number of GPUs that the driver shows; if 0, mla_last_error() says why. */
MLA_API int32_t mla_device_count(void);
/* Makes the primary context of a device current for the calling thread: bundles that it opens, and memory that it
 * allocates, are then on that device. `device` is less than mla_device_count(). */
MLA_API mla_status mla_device_use(int32_t device);
/* Allocate `bytes` bytes, at least 1, aligned to 256; free them, when work that uses them is done. NULL is allowed. */
MLA_API mla_status mla_device_malloc(uint64_t bytes, void **memory);
MLA_API mla_status mla_device_free(void *memory);
/* Copy, wait for the legacy default stream, and return when done. Synchronise other streams first. */
MLA_API mla_status mla_device_copy_in(void *device, const void *host, uint64_t bytes);
MLA_API mla_status mla_device_copy_out(void *host, const void *device, uint64_t bytes);
/* Waits for all work of the context, and reports whether a kernel failed. */
MLA_API mla_status mla_device_synchronize(void);

#ifdef __cplusplus
}
#endif

#endif /* MLA_DEVICE_H */
