//===- adapters.h - Adapters that sequences choose ----------------*- C -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of bundles with several adapters, which info->adapters names. With an engine's
// own cache they are an array of mla_step. Part of runtime.h, whose conventions
// hold here.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_ADAPTERS_H
#define MLA_ADAPTERS_H

#include "mla/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets the adapter of the sequence's next tokens: a number of info->adapters, or -1 for none, as of a new sequence. A
 * copy has its original's. Keys and values of all of the sequence's tokens are then computed with this adapter. In a
 * cache made from a bundle with info->own_cache_rows, only a sequence without tokens may get another adapter: truncate
 * it first. Otherwise sequences with different adapters may share tokens (mla_sequence_fork). Rejected while an open
 * batch has it. mla_run_layer rejects numbers that its bundle does not have. */
MLA_API mla_status mla_sequence_set_adapter(mla_cache *cache, mla_sequence sequence, int32_t adapter);

#ifdef __cplusplus
}
#endif

#endif /* MLA_ADAPTERS_H */
