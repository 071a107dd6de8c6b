/*===- tune.h - Which kernels steps of a size run ------------------*- C -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel of a bundle for a GPU may be of several classes, each for steps up to a size. mla-run --tune measures the
// classes and writes other limits beside the bundle, MLA_TUNED_FILE of abi.h. Part of runtime.h, whose conventions hold
// here.
//
//===----------------------------------------------------------------------===*/

#ifndef MLA_TUNE_H
#define MLA_TUNE_H

#include "mla/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A choice among the classes of a kernel. Class i is for steps of a size up to limits[i] that no class before it is
 * for, the last one for all others. */
typedef struct mla_choice_info {
  const char *list;        /* the entry or the core, "decode" */
  const char *kernel;      /* in it */
  int64_t num_limits;      /* one less than there are classes; at least 1 */
  const int64_t *limits;   /* in use, ascending */
  const int64_t *defaults; /* the compiler's */
  const int64_t *most;     /* that the limits may be */
} mla_choice_info;

/* Returns the number of choices: 0 for a CPU, and for bundles without classes. */
MLA_API int64_t mla_bundle_num_choices(const mla_bundle *bundle);

/* Returns choice `index`, 0 to the number less 1, or NULL beyond. The numbers of its limits change with
 * mla_bundle_set_limits. */
MLA_API const mla_choice_info *mla_bundle_get_choice(const mla_bundle *bundle, int64_t index);

/* Replaces the limits of a choice while the bundle is open: which kernels later calls launch, not what they compute.
 * Ascending, each 0, for never, to most[i]. No other call on the bundle may run at the same time. A captured graph
 * keeps its kernels; workspaces of steps may have other sizes. */
MLA_API mla_status mla_bundle_set_limits(mla_bundle *bundle, int64_t index, const int64_t *limits, int64_t num_limits);

/* Returns the version of the CUDA driver that runs a bundle for a GPU: 12040 is 12.4. */
MLA_API mla_status mla_bundle_driver_version(const mla_bundle *bundle, int32_t *version);

#ifdef __cplusplus
}
#endif
#endif /* MLA_TUNE_H */
