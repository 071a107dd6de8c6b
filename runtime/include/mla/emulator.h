/*===- emulator.h - Counters of the emulated device ---------------*- C -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// libmla-emulated-cuda.so is a CUDA driver whose device is the CPU. To use it,
// set MLA_LIBCUDA, or load it instead of libcuda.so.1. It exports the driver's
// functions and these. The environment variable MLA_EMULATOR has its settings;
// see docs/emulator.md.
//
//===----------------------------------------------------------------------===*/

#ifndef MLA_EMULATOR_H
#define MLA_EMULATOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All launches of one kernel since the last reset, on all devices. Bytes count requests of threads and copies, not
 * cache lines. Later releases add fields only at the end. */
typedef struct mla_emulator_counters {
  const char *kernel; /* the library's; valid until counters are reset */
  uint64_t launches;
  uint64_t blocks;
  uint64_t thread_instructions; /* instructions times active lanes */
  /* Instructions of warps, by class. */
  uint64_t integer, floating, moves, control, global, shared, warp, barriers, copies, products, other;
  uint64_t product_flops;   /* of wgmma: 2 m n k each */
  uint64_t global_read;     /* bytes, by loads and atomics */
  uint64_t global_written;  /* bytes, by stores and atomics */
  uint64_t copied_in;       /* bytes, by asynchronous copies to shared memory */
  uint64_t copied_out;      /* bytes, by asynchronous copies from shared memory */
  uint64_t shared_read;     /* bytes, by loads */
  uint64_t shared_written;  /* bytes, by stores */
  uint64_t shared_accesses; /* loads and stores of a warp */
  uint64_t bank_conflicts;  /* passes over shared memory beyond the minimum */
  uint64_t largest_block;   /* thread_instructions of the CTA that executed most */
} mla_emulator_counters;

/* Waits for enqueued work. Fills at most `capacity` entries, in the order of the kernels' names, and returns the number
 * of kernels. `counters` may be NULL if capacity is 0. */
int64_t mla_emulator_get_counters(mla_emulator_counters *counters, int64_t capacity);
void mla_emulator_reset_counters(void);

/* Work on a stream that is no kernel, for libraries such as libmla-emulated-nccl: begin(op) is called when its turn has
 * come, and poll of what that returned until it is not 0. Graphs capture it, and begin it at every launch. */
typedef struct mla_emulator_work {
  void *(*begin)(void *op);
  int (*poll)(void *running);
  void *op;
} mla_emulator_work;

/* Enqueues work on a stream of the thread's current context. Returns a CUresult. */
int mla_emulator_launch(void *stream, const mla_emulator_work *work);

/* Returns where the host finds memory of a device, or NULL if the bytes are not of one allocation or, unless they are
 * `written` now, nothing has written them. */
void *mla_emulator_memory(uint64_t address, uint64_t bytes, int written);

#ifdef __cplusplus
}
#endif
#endif /* MLA_EMULATOR_H */
