//===- abi.h - The format of bundles and of calls to their code -*- C -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The contract between the compiler, which writes bundles, and the runtime,
// which reads them. Users include runtime.h, not this file. A change that an
// old reader would misread raises MLA_BUNDLE_VERSION. Names, element types and
// limits of launch lists are rows of one table, launch_abi.def.
//
// A bundle is a directory:
//   manifest.json         the fields below, and the plan with its reasons
//   code.so               CPU target: native code (System V ABI)
//   kernels.ptx           h100: the kernels, as one PTX module
//   kernels.cubin         h100, optional: the same, assembled for the chip; the PTX is used if a driver rejects it
//   weights.safetensors   prepared weights, named "layers.<layer>.<weight>"
//
// The bundles of several ranks are in one directory, as rank0, rank1, ..., beside
//   ranks.json            {"magic": MLA_RANKS_MAGIC, "version": MLA_RANKS_VERSION, "ranks": N}, written last
//
//===----------------------------------------------------------------------===//

#ifndef MLA_ABI_H
#define MLA_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLA_BUNDLE_MAGIC "mla-bundle"
#define MLA_RANKS_MAGIC "mla-ranks"
#define MLA_RANKS_VERSION 1
#define MLA_BUNDLE_VERSION 4
/* That of a bundle with "ranks". */
#define MLA_BUNDLE_VERSION_WITH_RANKS 5
/* That of a bundle without "adapters", which earlier releases read as well. */
#define MLA_BUNDLE_VERSION_WITHOUT_ADAPTERS 3

#define MLA_MANIFEST_FILE "manifest.json"
#define MLA_RANKS_FILE "ranks.json"
#define MLA_CODE_FILE "code.so"
#define MLA_PTX_FILE "kernels.ptx"
#define MLA_CUBIN_FILE "kernels.cubin"
#define MLA_WEIGHTS_FILE "weights.safetensors"
#define MLA_ADAPTER_FILE "adapter.safetensors" /* weights that differ from those of MLA_WEIGHTS_FILE, of a base */
#define MLA_TUNED_FILE "tuned.json"

/* clang-format off */
/* manifest.json is one object:
 *   "magic"     MLA_BUNDLE_MAGIC          "version"   MLA_BUNDLE_VERSION, ..._WITHOUT_ADAPTERS or ..._WITH_RANKS
 *   "producer"  free text                 "target"    "cpu", or a row MLA_GPU_TARGET of launch_abi.def
 *   "isa"       required processor: "x86-64-v2" | "x86-64-v3" | "x86-64-v4" | "sapphirerapids" |
 *               "aarch64", or GPU: that row's
 *   "dtype"     "f32" | "bf16": element type of hidden states and weights
 *   "products"  "e4m3" if projections of scaled weights multiply e4m3, "e4m3x2" with two terms per element of a
 *               token, else absent
 *   "scope"     "layer" if entries are whole decoder layers: hidden is the residual stream, and so is out; "model" if all
 *               layers are there, and the ends: the entries "embed" and "logits"; absent if entries are attentions
 *   "page"      tokens per page           "cache"     {"format": "standard", "dtype": "f32"|"bf16"}
 *   "adapters"  {"names": [different names], "cache": "shared" | "own"}: adapters that are not merged, by number;
 *               with "own" a token's row in the cache depends on its sequence's adapter. Absent if there are none;
 *               only of attentions, from version 4 on
 *   "tensor_parallel", "rank"             of a part whose caller sums the results of all parts: it holds heads
 *               rank*heads .. (rank+1)*heads - 1
 *   "ranks"     {"count": N, "rank": K, "tokens": M}: one of N bundles that run together, with a communicator: hidden
 *               states are whole on all. M divides N; above 1, the cache holds only pages p of a sequence with
 *               p % M == K % M. Block tables have an entry of every page; those of pages of other ranks may hold
 *               anything. Absent if there is one rank; "tensor_parallel" is then 1; from version 5 on
 *   "model"     {"model_type", "hidden_size", "num_attention_heads" (of the whole model), "heads" (of this rank),
 *                "first_head" (of this rank; rank*heads if absent),
 *                "q_lora_rank" (0: none), "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim",
 *                "rms_norm_eps", "rope_theta", "streams" if a token has several rows of hidden_size between layers, and
 *                "index_topk" if the model's attention is sparse in longer contexts;
 *                of a model "vocab_size" and optionally "eos_token_id": [tokens that end a text],
 *                "max_position_embeddings": tokens of the longest text}
 *   "layers"    [layer numbers]           "plan"      the #mla.plan, as text
 *   "entries"   [{"symbol", "phase": "prefill"|"decode", "q", "o": "naive"|"absorb"|"fold",
 *                 "tokens": [first, last]   the steps it serves, by query tokens (of the sequence with most), and
 *                 "context": [first, last]  by cached tokens (of the longest sequence, including this step's). Both
 *                                           ends are inclusive; last is -1 for no bound,
 *                 "weights": [names, in the order of the entry's arguments],
 *                 "layers": [numbers] of the layers that it serves, if not all}]
 *               of a model also {"symbol", "phase": "embed"|"logits", "weights"}: names of tensors, without a layer; of
 *               a GPU with "bindings", "workspace" and "launches", of the kinds "embed" and "logits" of launch_abi.def
 *   "files"     {file name: its exact size in bytes}, for code.so, weights.safetensors and, if there is one,
 *               adapter.safetensors, whose tensors stand in the place of those of the same name;
 *               in an h100 bundle for kernels.ptx, weights.safetensors and, if present, kernels.cubin
 *   "certificates" [{"layer", "weight",                 one per tensor of weights.safetensors, layers.<layer>.<weight>;
 *                 "check": "elements" (each compared with the checkpoint's) | "probes" (a product of weights or a sum
 *                          of some, compared through random vectors before rounding),
 *                 "depth", "probes", "ratio"            of a product: its contracted size, vectors per tile, and the
 *                                                       largest residual over its bound, at most 1,
 *                 "max_rounding", "rms_rounding"        rounding errors of storing: relative to the element, and to
 *                                                       the norm}]
 *               Optional, not used by the runtime; mla-run BUNDLE --certificate prints them
 *   "source"    {"weights", "adapter": absolute paths that mla-compile read, if any; "adapters": [paths] of those that
 *                          are not merged,
 *                "config": the model's config.json,
 *                "device": of a GPU {"name", "read_bytes_per_second", "flops_per_second", "e4m3_flops_per_second"}, the
 *                          description that the plan was made for}
 *               Optional, not used by the runtime; mla-run --info and --self-check read it
 *   "made_weights" of a GPU, optional: weights.safetensors has only the header, of so many bytes of data. The runtime
 *               fills the device's memory with random numbers: such a bundle is for measurements
 * tuned.json, which mla-run --tune writes and mla-compile never, replaces limits of choices, described below, on devices
 * of that name:
 *   "device"    the name, as the driver gives it       "driver"   its version, "12.8"
 *   "date"      "2026-11-30T12:00:00Z"                 "unit"     of costs: "microseconds" | "thread instructions"
 *   "choices"   [{"list": symbol of the entry, or name of the core, "kernel", "limits": as in the manifest,
 *                 "sizes": [{"size", "costs": [of each class, or null]}]}]   the measurements
 * An h100 bundle is bf16, its cache too. Its entries also have "bindings", "workspace" and "launches". Optionally it has
 *   "cores"     [{"name": "latent_attention" | "naive_attention" | "step_check" | "row_check" | "next", "bindings",
 *                 "workspace", "launches"}],
 *               each name at most once: an attention kernel without its layer, for engines and benchmarks; a check of a
 *               step's tables or of its rows in a packed cache, below; or of a model the likeliest token of each row of
 *               logits. All floats of an attention core are the
 *               model's scale of scores times log2(e); the caller may replace them
 */

/* The launch list of an entry or a core of an h100 bundle contains everything needed to run it:
 *   "bindings"   [{"name": B, "dtype": an element type of MLA_ELEMENT, "shape": [E, …]}, …]
 *                buffers passed by the caller, each at most once: buffers of MLA_BINDING in launch_abi.def, with the
 *                types there, row-major; the last E may be wider than the used part. Bundles of earlier releases lack
 *                the field, and bind all buffers
 *   "choices"    [{"kernel": a name, each once,
 *                  "size": E, without limits,
 *                  "limits": [n, …], "most": [n, …]}, …]
 *                optional: kernels with several classes of launches. Class i is for steps of a size up to limits[i] that
 *                no class before it is for, the last one for all others. Limits ascend, from 0, for never, to most[i],
 *                up to which sizes the launches of a class are right. E below name the limits of all choices, in order,
 *                "limit0", "limit1", …
 *   "workspace"  [{"name": "temp:0", "bytes": E}, …]
 *                scratch buffers, each at most once, aligned to 256 bytes
 *   "launches"   [{"kernel": name of an .entry of the module,
 *                  "grid": [E, E, E],      CTAs; a launch with a 0 among them is skipped
 *                  "threads": 1 to 1024    per CTA,
 *                  "shared": 0 to 232448   bytes of dynamic shared memory,
 *                  "overlap": true | false may start while the previous kernel ends (programmatic stream
 *                                          serialisation): every CTA calls griddepcontrol.wait before it reads or
 *                                          writes memory of other kernels. Default false,
 *                  "args": [A, …],         the parameters of the kernel, in order, of exactly these types
 *                  "choice": n,            if the launch is of the kernel of a choice: its number, from 0
 *                  "part": a name of launch_part.h, "bytes": E, "flops": E}, …]
 *                                          optional, for profiles: the part of the step; bytes that any kernel for the
 *                                          operation has to move, at most so many where that depends on contents; and
 *                                          operations of products
 *                or, in bundles with "ranks",
 *                {"collective": a row MLA_COLLECTIVE of launch_abi.def,
 *                 "ranks": n             of a group of consecutive ranks, as of mla_all_reduce,
 *                 "in", "out": {"pointer": B, "offset": bytes},
 *                 "count": E             elements of a block; of the whole for all_reduce, where in may be out,
 *                 "dtype": "f32" | "bf16", "part", "bytes"}
 *                run in that order on one stream; no kernel overlaps a collective. A is one of
 *                {"pointer": B, "offset": bytes}        .u64: an address
 *                {"i32": E}                             .u32
 *                {"f32": number}                        .f32
 *                {"map": {"buffer": B, "offset": bytes, "dims": [E, …], "strides": [E, …], "box": [n, …],
 *                         "swizzle": 128 | 0,           .b8[128], by value: a tensor map of elements of "dtype", a
 *                         "dtype": "bf16" | …}}         type of MLA_ELEMENT and "bf16" by default, innermost dimension
 *                                                       first: up to 5 dims in elements, each 1 to 2^32; strides in
 *                                                       bytes between neighbours of all dims but the innermost,
 *                                                       multiples of 16 below 2^40; box of 1 to 256 per dimension, the
 *                                                       innermost a multiple of 16 bytes and at most 128 if swizzled;
 *                                                       offset a multiple of 16. Elements outside dims read as zero
 *                                                       and are not written. L2 promotion is 256 bytes
 *     "offset" is relative to the buffer's start, default 0. No map reaches beyond its buffer.
 *   B is a buffer's name: "temp:…" of the workspace, "weight:<one of the entry's weights>", or a bound one.
 *     Buffers of an entry are described below, those of attentions in runtime.h; "out" of step_check is [batch]
 *     mla_step_verdict, of row_check [batch] mla_row_verdict
 *   E is an integer, the name of a size or of a limit, or [operator, E, E] of at most 128 parts; operators are "+", "*", "//"
 *     (division rounding down), "ceil/" (rounding up) and "%" (never negative). Divisors must be positive, and values
 *     must fit 64 bits. Sizes are the rows MLA_SIZE of launch_abi.def.
 * "tokens" of the lists of logits and of next tokens is the number of rows.
 * Only sizes are known when a list is enqueued. Kernels read lengths and tables on the device, so that a captured graph
 * serves others within the same bounds.
 *
 * A module may have a kernel mla_probe(.u64 out), which writes to out, as .u32, the address at which its dynamic shared
 * memory starts in the shared window. The runtime runs it once, with 1024 bytes, and rejects the bundle unless that is
 * 1024: kernels use constant addresses there. Kernels never trap.
 */
/* clang-format on */

/* An entry of code.so. Its only argument is an array of pointers, each to a
 * ranked memref descriptor as MLIR lays it out:
 *   struct { T *allocated, *aligned; int64_t offset; int64_t sizes[rank], strides[rank]; }
 * with sizes and strides in elements, row-major, offset 0. The width is hidden_size times streams. In order:
 *   0  hidden       [tokens, width]                       dtype    in
 *   1  cu_seqlens   [batch + 1]                           int32    in: first token of each sequence, then tokens
 *   2  pages        [pages, page, cache_row]                        cache dtype  in and out
 *   3  block_table  [batch, max pages of a sequence]      int32    in: page numbers; rows end in zeros
 *   4  lengths      [batch]                               int32    in: cached tokens, including this step's
 *   5  adapters     [batch]                               int32    in: numbers of adapters; any other number is none.
 *                                                                  Only of bundles with adapters
 *   …  the entry's weights, each of the shape and element type it has in weights.safetensors
 *   last  out       [tokens, width]                       dtype    out
 * Rows of pages without a token hold anything, including NaN: an entry must not use them, not even times zero. An entry
 * writes only the rows of its tokens to pages. hidden and out do not overlap.
 * Entries keep no state and may run at the same time on different caches. An entry that gets no memory returns at once:
 * out is then undefined, and the same call may be repeated. */
typedef void (*mla_entry_fn)(void **descriptors);

/* The ends of a model are entries with three kinds of arguments: ids [tokens] int32 of "embed", hidden [rows,
 * width] of dtype of "logits"; weights; last, hidden [tokens, width] of "embed", logits [rows, vocab_size]
 * f32 of "logits". An id that is no row of the embedding gives zeros. Certificates of their weights have layer -1. */

/* Code for a CPU exports this array of char: JSON text that ends in NUL, an object of what the code was compiled for.
 * Bundles are opened only if their other files agree; code of earlier releases lacks it.
 *   "target", "isa", "dtype", "products", "scope", "page", "cache", "adapters", "tensor_parallel", "rank", "ranks",
 *   "model"     as there
 *   "entries"   those of the manifest, without "context"
 *   "tensors"   {weight: {"dtype": "F32" | "BF16", "shape": [n, …]}}, of each weight of an entry */
#define MLA_COMPILED_FOR "mla_compiled_for"

/* Calls an entry with a workspace for its intermediate results. Returns 0, or 1 if there was no memory for it. May be
 * called from any thread. Workspaces are reused, so that later steps allocate nothing. Exported by libmla-runtime, like
 * all functions below. */
int32_t mla_call_entry(mla_entry_fn entry, void **descriptors);

/* Called by an entry, outside of its parallel loops. Returns `bytes` bytes of the workspace, aligned to 64, valid until
 * the entry has returned, or NULL if memory is exhausted. In code not called by mla_call_entry, the memory is valid
 * until mla_release. */
void *mla_allocate(int64_t bytes);
void mla_release(void *memory);

/* Returns whether mla_allocate has returned NULL to this thread since it began to run the entry. A function that
 * allocates then returns early with undefined results; its caller must check this. */
int32_t mla_out_of_memory(void);

/* The first fault of sequence s of a step. Its queries are cu_seqlens[s + 1] - cu_seqlens[s]. */
typedef enum mla_step_fault {
  MLA_STEP_RIGHT = 0,
  MLA_STEP_BEGIN = 1,         /* cu_seqlens[s] is negative, or not 0 and s is 0 */
  MLA_STEP_FALLING = 2,       /* cu_seqlens[s + 1] is less than the one before */
  MLA_STEP_BEYOND_TOKENS = 3, /* cu_seqlens[s + 1] is more than tokens */
  MLA_STEP_QUERIES = 4,       /* queries, the value, exceed max_queries */
  MLA_STEP_SHORT = 5,         /* lengths[s] is less than queries */
  MLA_STEP_LONG = 6,          /* lengths[s] is more than max_length */
  MLA_STEP_PAGE = 7,          /* block_table[s][entry], of the first ceil(lengths[s] / page), is no page */
  MLA_STEP_UNCOVERED = 8      /* s is the last, and cu_seqlens[s + 1] is less than tokens */
} mla_step_fault;

/* The result of step_check for one sequence, aligned to 16 bytes. */
typedef struct mla_step_verdict {
  int32_t fault;  /* an mla_step_fault */
  int32_t entry;  /* index in cu_seqlens, lengths, or the sequence's row of block_table; 0 without fault */
  int32_t value;  /* the wrong value; 0 without fault */
  int32_t length; /* lengths[s], to compute the sum */
} mla_step_verdict;

/* The result of row_check for one sequence, aligned to 16 bytes: its new tokens whose row of a packed cache has a
 * number that schema::limitsOf (cache_format.h) names. */
typedef struct mla_row_verdict {
  int32_t tokens;   /* their count */
  int32_t position; /* of the first; 0 if there is none, like all below */
  int32_t offset;   /* in its row: of the first four bytes with such a number */
  uint32_t word;    /* these bytes, little-endian */
} mla_row_verdict;

/* Decode serves up to this many query tokens per sequence. */
#define MLA_MAX_DECODE_QUERIES 8

/* Called by an entry: runs body(context, i) for every i in [0, count) on the
 * runtime's thread team and returns when all are done. May be called from any
 * thread; nested calls run in the caller. */
void mla_parallel_for(void (*body)(void *context, int64_t index), void *context, int64_t count);

/* Called by such a body. Returns the number of the current thread, 0 to mla_num_threads() - 1 (runtime.h). Bodies of
 * one call that run at the same time get different numbers. */
int64_t mla_thread(void);

/* Called by an entry of a bundle with "ranks", outside of its parallel loops, by all ranks in the same order with the
 * same sizes. `ranks` is the size of a group of consecutive ranks: the caller's is rank / ranks * ranks and those after
 * it. The communicator is the bundle's. If a rank fails, these return at once, data is undefined, and so is the result
 * of the entry, whose call then fails.
 *   all_reduce  in place; element 0 is f32, 1 is bf16, summed in f32 and rounded once. Sums are in the order of ranks:
 *               all ranks get the same bits
 *   all_gather  out: a block of `bytes` bytes of each rank of the group, by rank; in may be the own one of them
 *   all_to_all  block i of in goes to rank i of the group; block i of out comes from it. in and out do not overlap */
void mla_all_reduce(int64_t ranks, void *data, int64_t count, int32_t element);
void mla_all_gather(int64_t ranks, const void *in, void *out, int64_t bytes);
void mla_all_to_all(int64_t ranks, const void *in, void *out, int64_t bytes);

#ifdef __cplusplus
}
#endif
#endif /* MLA_ABI_H */
