//===- abi.h - What a bundle holds and how its code is called ---*- C -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The contract between the compiler, which writes bundles, and the runtime,
// which reads them. It is apart from the user's API (runtime.h): a user never
// includes it. Any change that an old reader would misread raises
// MLA_BUNDLE_VERSION.
//
// A bundle is a directory:
//   manifest.json         the fields below, and the plan with its reasons
//   code.so               CPU target: native code (System V ABI)
//   weights.safetensors   prepared weights, named "layers.<layer>.<weight>"
//
//===----------------------------------------------------------------------===//

#ifndef MLA_ABI_H
#define MLA_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLA_BUNDLE_MAGIC "mla-bundle"
#define MLA_BUNDLE_VERSION 1

#define MLA_MANIFEST_FILE "manifest.json"
#define MLA_CODE_FILE "code.so"
#define MLA_WEIGHTS_FILE "weights.safetensors"

/* manifest.json is one object:
 *   "magic"     MLA_BUNDLE_MAGIC          "version"   MLA_BUNDLE_VERSION
 *   "producer"  free text                 "target"    "cpu" | "h100"
 *   "isa"       what the processor must support: "x86-64-v2" | "x86-64-v3" | "x86-64-v4" | "aarch64"
 *   "dtype"     "f32" | "bf16": element type of hidden states and weights
 *   "page"      tokens a page             "cache"     {"format": "standard"|"private", "dtype": "f32"|"bf16"}
 *   "tensor_parallel", "rank"             this bundle holds heads rank*heads .. (rank+1)*heads - 1
 *   "model"     {"model_type", "hidden_size", "num_attention_heads" (of the whole model), "heads" (of this rank),
 *                "q_lora_rank" (0: none), "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim",
 *                "rms_norm_eps", "rope_theta"}
 *   "layers"    [layer numbers]           "plan"      the #mla.plan, as text
 *   "entries"   [{"symbol", "phase": "prefill"|"decode", "q", "o": "naive"|"absorb"|"fold",
 *                 "context": [first, last]  cached tokens (the longest sequence of the batch) it serves, both included;
 *                                           last is -1 for no bound,
 *                 "weights": [names, in the order of the entry's arguments]}]
 *   "files"     {file name: its exact size in bytes}, for code.so and weights.safetensors
 */

/* An entry of code.so. Its only argument is an array of pointers, each to a
 * ranked memref descriptor as MLIR lays it out:
 *   struct { T *allocated, *aligned; int64_t offset; int64_t sizes[rank], strides[rank]; }
 * with sizes and strides in elements, row-major, offset 0. In order:
 *   0  hidden       [tokens, hidden_size]                 dtype    in
 *   1  cu_seqlens   [batch + 1]                           int32    in: first token of each sequence, then tokens
 *   2  pages        [pages, page, kv_lora_rank + qk_rope_head_dim]  cache dtype  in and out
 *   3  block_table  [batch, max pages of a sequence]      int32    in: page numbers; rows end in zeros
 *   4  lengths      [batch]                               int32    in: cached tokens, this step's included
 *   5… the entry's weights, each of the shape and element type it has in weights.safetensors
 *   last  out       [tokens, hidden_size]                 dtype    out
 * Rows of pages that no token was written to hold anything, NaN too: an entry must not use them, not even times zero.
 * Of pages, an entry writes only the rows of its tokens. hidden and out do not overlap.
 * Entries keep no state and may run at the same time on different caches. */
typedef void (*mla_entry_fn)(void **descriptors);

/* Decode serves up to this many query tokens a sequence. */
#define MLA_MAX_DECODE_QUERIES 8

/* Called by an entry: runs body(context, i) for every i in [0, count) on the
 * runtime's thread team and returns when all are done. May be called from any
 * thread; nested calls run in the caller. Exported by libmla-runtime. */
void mla_parallel_for(void (*body)(void *context, int64_t index), void *context, int64_t count);

#ifdef __cplusplus
}
#endif
#endif /* MLA_ABI_H */
