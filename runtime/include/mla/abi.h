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
// MLA_BUNDLE_VERSION. Names, element types and limits of launch lists are rows
// of one table, launch_abi.def.
//
// A bundle is a directory:
//   manifest.json         the fields below, and the plan with its reasons
//   code.so               CPU target: native code (System V ABI)
//   kernels.ptx           h100: the kernels, as one PTX module
//   kernels.cubin         h100, perhaps: the same, assembled for the chip; PTX serves where a driver rejects it
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
#define MLA_BUNDLE_VERSION 3

#define MLA_MANIFEST_FILE "manifest.json"
#define MLA_CODE_FILE "code.so"
#define MLA_PTX_FILE "kernels.ptx"
#define MLA_CUBIN_FILE "kernels.cubin"
#define MLA_WEIGHTS_FILE "weights.safetensors"

/* manifest.json is one object:
 *   "magic"     MLA_BUNDLE_MAGIC          "version"   MLA_BUNDLE_VERSION
 *   "producer"  free text                 "target"    "cpu" | "h100"
 *   "isa"       what the processor must support: "x86-64-v2" | "x86-64-v3" | "x86-64-v4" | "aarch64",
 *               or the GPU be: "sm_90a"
 *   "dtype"     "f32" | "bf16": element type of hidden states and weights
 *   "page"      tokens per page             "cache"     {"format": "standard", "dtype": "f32"|"bf16"}
 *   "tensor_parallel", "rank"             this bundle holds heads rank*heads .. (rank+1)*heads - 1
 *   "model"     {"model_type", "hidden_size", "num_attention_heads" (of the whole model), "heads" (of this rank),
 *                "q_lora_rank" (0: none), "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim",
 *                "rms_norm_eps", "rope_theta", and "index_topk" if the model's attention is sparse in longer contexts}
 *   "layers"    [layer numbers]           "plan"      the #mla.plan, as text
 *   "entries"   [{"symbol", "phase": "prefill"|"decode", "q", "o": "naive"|"absorb"|"fold",
 *                 "tokens": [first, last]   the steps it serves, by query tokens (of the sequence with most), and
 *                 "context": [first, last]  by cached tokens (of the longest sequence, this step's included). Both
 *                                           ends belong to a range; last is -1 for no bound,
 *                 "weights": [names, in the order of the entry's arguments]}]
 *   "files"     {file name: its exact size in bytes}, for code.so and weights.safetensors;
 *               of an h100 bundle for kernels.ptx, weights.safetensors and, if there is one, kernels.cubin
 *   "certificates" [{"layer", "weight",                 one per tensor of weights.safetensors, layers.<layer>.<weight>;
 *                 "check": "elements" (each compared with what the checkpoint gives) | "probes" (a product of weights
 *                          or a sum of some, compared through random vectors before it was rounded),
 *                 "depth", "probes", "ratio"            of a product: its contracted size, vectors per tile, and the
 *                                                       largest residual over its bound, at most 1,
 *                 "max_rounding", "rms_rounding"        that storing cost: relative to the element, and to the norm}]
 *               The runtime does not need them, and older bundles have none; mla-run BUNDLE --certificate prints them
 *   "source"    {"weights", "adapter": absolute paths where mla-compile read them, left out where there were none,
 *                "config": the model's config.json}
 *               The runtime does not need it, and older bundles have none; mla-run --info and --self-check read it
 * An h100 bundle is bf16, its cache too. Its entries also have "bindings", "workspace" and "launches", and there may be
 *   "cores"     [{"name": "latent_attention" | "naive_attention" | "step_check", "bindings", "workspace", "launches"}],
 *               none twice:
 *               an attention kernel alone, for engines and benchmarks. Its floats are all the model's scale of scores
 *               times log2(e), in whose place the caller may have another. Or the check of a step's tables, below
 */

/* The launch list of an entry or a core of an h100 bundle says all that is needed to run it:
 *   "bindings"   [{"name": B, "dtype": "bf16" | "f32" | "i32", "shape": [E, …]}, …]   what the caller gives, none
 * twice: buffers of MLA_BINDING in launch_abi.def, of the types there, row-major, the last E perhaps wider than what is
 * used. Bundles of earlier releases lack the field, and bind all buffers "workspace"  [{"name": "temp:0", "bytes": E},
 * …]    scratch buffers, none twice, each aligned to 256 bytes "launches"   [{"kernel": name of an .entry of the
 * module, "grid": [E, E, E],                   blocks; a launch with a 0 among them is left out "threads": 1 to 1024,
 * a block "shared": 0 to 232448,               bytes of dynamic shared memory "overlap": true | false,             may
 * start while the kernel before it ends (programmatic stream serialisation): it calls griddepcontrol.wait before it
 * reads or writes what others made, in every block. Default false "args": [A, …]}, …]                  the parameters
 * of the kernel, in order, of just these types run in that order on one stream, where A is one of  {"pointer": B,
 * "offset": bytes}        .u64: an address
 *                {"i32": E}                             .u32
 *                {"f32": number}                        .f32
 *                {"map": {"buffer": B, "offset": bytes, "dims": [E, …], "strides": [E, …], "box": [n, …],
 *                         "swizzle": 128 | 0}}          .b8[128], by value: a tensor map of bf16, innermost dimension
 *                                                       first: up to 5 dims in elements, each 1 to 2^32; strides in
 *                                                       bytes between neighbours of all dims but the innermost,
 *                                                       multiples of 16 below 2^40; box of 1 to 256 a dimension, the
 *                                                       innermost a multiple of 8 and at most 64 where swizzled; offset
 *                                                       a multiple of 16. What lies outside dims reads as zero and is
 *                                                       not written. L2 promotion is 256 bytes
 *     "offset" counts from the buffer's start and is 0 if left out. No map reaches beyond its buffer.
 *   B is a buffer's name: "temp:…" of the workspace, "weight:<one of the entry's weights>", or one that is bound.
 *     Buffers of an entry are described below, those of attentions in runtime.h; "out" of step_check is [batch]
 *     mla_step_verdict
 *   E is an integer, the name of a size, or [operator, E, E] of at most 128 parts; operators are "+", "*", "//"
 *     (division rounding down), "ceil/" (rounding up) and "%" (never negative). Divisors must be positive, and nothing
 *     may exceed 64 bits. Sizes are the rows MLA_SIZE of launch_abi.def.
 * Only sizes are known when a list is enqueued. Lengths and tables are read on the device, so that a captured graph
 * serves others within the same bounds.
 *
 * A module may have a kernel mla_probe(.u64 out), which writes to out, as .u32, the address at which its dynamic shared
 * memory starts in the shared window. The runtime runs it once, with 1024 bytes, and rejects the bundle unless that is
 * 1024: kernels use constant addresses there. Kernels never trap.
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
 * Of pages, per entry writes only the rows of its tokens. hidden and out do not overlap.
 * Entries keep no state and may run at the same time on different caches. Where it gets no memory an entry returns at
 * once: out then holds anything, and the same call may be made again. */
typedef void (*mla_entry_fn)(void **descriptors);

/* Calls an entry with a workspace for what it computes on its way: 0, or 1 if there was no memory for that. May be
 * called from any thread. Workspaces are used again, so that steps soon ask the system for nothing. Exported by
 * libmla-runtime, as is all that follows. */
int32_t mla_call_entry(mla_entry_fn entry, void **descriptors);

/* Called by an entry, outside of its parallel loops: `bytes` bytes of the workspace, aligned to 64, until the entry has
 * returned; NULL if the system gives no more. Code that mla_call_entry did not call gets memory until mla_release. */
void *mla_allocate(int64_t bytes);
void mla_release(void *memory);

/* Whether mla_allocate has given NULL to this thread since it began to run the entry. A function that allocates returns
 * early then, with anything for results; who called it asks this. */
int32_t mla_out_of_memory(void);

/* What is wrong with sequence s of a step, the first that holds. Its queries are cu_seqlens[s + 1] - cu_seqlens[s]. */
typedef enum mla_step_fault {
  MLA_STEP_RIGHT = 0,
  MLA_STEP_BEGIN = 1,         /* cu_seqlens[s] is negative, or not 0 and s is 0 */
  MLA_STEP_FALLING = 2,       /* cu_seqlens[s + 1] is less than the one before */
  MLA_STEP_BEYOND_TOKENS = 3, /* cu_seqlens[s + 1] is more than tokens */
  MLA_STEP_QUERIES = 4,       /* queries, the value, are more than max_queries */
  MLA_STEP_SHORT = 5,         /* lengths[s] is less than queries */
  MLA_STEP_LONG = 6,          /* lengths[s] is more than max_length */
  MLA_STEP_PAGE = 7,          /* block_table[s][entry], of the first ceil(lengths[s] / page), is no page */
  MLA_STEP_UNCOVERED = 8      /* s is the last, and cu_seqlens[s + 1] is less than tokens */
} mla_step_fault;

/* What step_check writes for a sequence, aligned to 16 bytes. */
typedef struct mla_step_verdict {
  int32_t fault;  /* an mla_step_fault */
  int32_t entry;  /* of cu_seqlens, of lengths, or of the sequence's row of block_table; 0 if all is right */
  int32_t value;  /* what is wrong; 0 if all is right */
  int32_t length; /* lengths[s], for their sum */
} mla_step_verdict;

/* Decode serves up to this many query tokens per sequence. */
#define MLA_MAX_DECODE_QUERIES 8

/* Called by an entry: runs body(context, i) for every i in [0, count) on the
 * runtime's thread team and returns when all are done. May be called from any
 * thread; nested calls run in the caller. */
void mla_parallel_for(void (*body)(void *context, int64_t index), void *context, int64_t count);

/* Called by such a body: the number of the thread that runs it, 0 to mla_num_threads() - 1 (runtime.h). Of the bodies
 * of one call, those that run at the same time have different ones. */
int64_t mla_thread(void);

#ifdef __cplusplus
}
#endif
#endif /* MLA_ABI_H */
