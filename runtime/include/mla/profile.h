//===- profile.h - Where the time of a step goes ------------------*- C -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For measuring: runs a step and returns the time of each of its launches. Part
// of runtime.h, whose conventions hold here.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_PROFILE_H
#define MLA_PROFILE_H

#include "mla/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A launch of a kernel; on a CPU a call of an entry: of a layer, or of an end of a model. */
typedef struct mla_profile_item {
  const char *name; /* of the kernel, or of the entry; owned by the bundle */
  const char *part; /* of the step: "query side" | "attention" | "output side" | "MLP" | "experts" | "rest", as the
                       compiler divided it; "" if the bundle does not say, and of a layer on a CPU, whose code is not
                       divided */
  int64_t layer;    /* -1: an end of a model, or the choice of the next tokens */
  uint32_t grid[3]; /* CTAs; zeros on a CPU */
  int32_t reserved; /* 0 */
  double seconds;   /* negative if the device has no clock, like the emulated one */
  double bytes;     /* that any kernel for the operation has to move; at most so many where that depends on contents,
                       as on the experts that tokens choose. Negative if unknown */
  double flops;     /* operations of products; negative if unknown, as on a CPU */
  int64_t choice;   /* among the classes of the kernel, its number for mla_bundle_get_choice (tune.h); -1: none */
  int64_t size;     /* what that choice's limits are compared with; -1 without a choice */
} mla_profile_item;

/* Like mla_run_layer, but waits until the layer is done and returns the time of each launch: on a GPU by events before
 * and after it. Kernels begin when all are enqueued, so that the host's time is excluded; they do not overlap, so that
 * their sum exceeds the time of the layer. On a CPU there is one item.
 *   items      room for `capacity` items, in order; NULL if that is 0
 *   item_size  sizeof(mla_profile_item)
 *   count      the number of items, which may exceed the capacity: the rest is dropped */
MLA_API mla_status mla_profile_layer(const mla_bundle *bundle, int64_t layer, const mla_batch *batch, mla_phase phase,
                                     const void *hidden, void *out, mla_profile_item *items, size_t item_size,
                                     int64_t capacity, int64_t *count);

/* The same of a whole model, with the arguments of mla_run_model. On a GPU the choice of the likeliest tokens is part
 * of the step. */
MLA_API mla_status mla_profile_model(const mla_bundle *bundle, const mla_batch *batch, mla_phase phase,
                                     const int32_t *ids, mla_logits which, float *logits, mla_profile_item *items,
                                     size_t item_size, int64_t capacity, int64_t *count);

/*===-- Kernels alone ------------------------------------------------------===*/

/* A kernel launched by a layer. */
typedef struct mla_launch_time {
  const char *kernel; /* the name; owned by the bundle */
  uint32_t grid[3];   /* CTAs */
  double seconds;     /* on the device; negative if the device has no clock, like the emulated one */
} mla_launch_time;

/* For measuring: like mla_run_layer, but waits until the layer is done and returns the time of each kernel, by events
 * before and after it. Kernels begin when all are enqueued, so that the host's time is excluded. They do not overlap,
 * so that their sum exceeds the time of the layer. Up to `capacity` launches, in order, go to `times`; `count` is their
 * number. MLA_UNSUPPORTED for a CPU. */
MLA_API mla_status mla_time_layer(const mla_bundle *bundle, int64_t layer, const mla_batch *batch, mla_phase phase,
                                  const void *hidden, void *out, mla_launch_time *times, int64_t capacity,
                                  int64_t *count);

#ifdef __cplusplus
}
#endif
#endif /* MLA_PROFILE_H */
