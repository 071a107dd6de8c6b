//===- runtime.h - Running compiled MLA layers --------------------*- C -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The public API of libmla-runtime. mla-compile writes a bundle: attention
// layers as code, with their weights. This library opens bundles, manages the
// paged cache, and runs layers:
//
//   mla_bundle *bundle;  mla_bundle_open("layer0.mla", &bundle);
//   mla_cache *cache;    mla_cache_create(bundle, 1024, &cache);
//   mla_sequence s;      mla_sequence_create(cache, &s);
//   int32_t tokens = 33;                               // a prompt of 33 tokens
//   mla_batch *batch;    mla_batch_begin(cache, &s, &tokens, 1, &batch);
//   for (each layer)     mla_run_layer(bundle, layer, batch, MLA_PHASE_AUTO, hidden, out);
//   mla_batch_commit(batch);                           // now 33 tokens are cached
//
// A bundle for a GPU runs the same way, with hidden and out in device memory.
// Engines with their own cache, tables and streams use the functions under
// "Enqueueing", which only launch kernels.
//
// Conventions of every function
// - It returns MLA_OK, or a status after which nothing has changed; then
//   mla_last_error() says where, what, and what to do.
// - Arguments are checked: NULL, foreign or stale values give
//   MLA_INVALID_ARGUMENT. Closed bundles, destroyed caches, and invalid addresses
//   and streams cannot be recognised.
// - Lengths are in tokens, pages in pages, sizes in elements unless a name says
//   bytes. Arrays are row-major without gaps.
// - The caller keeps ownership of pointers passed in. A pointer returned by a
//   function belongs to the object it came from and lives as long.
// - Any number of threads may use a bundle at once. Functions on a cache and its
//   sequences and batches may be called from any thread and lock the cache for a
//   short time, never while they wait for a device; mla_run_layer does not lock
//   it, so batches of different sequences run at the same time. A batch may be
//   used by one thread at a time.
// - MLA_OUT_OF_MEMORY means that there is no memory for what a file or the
//   caller's sizes make large: a bundle, a cache, a step, or the intermediate
//   results of a CPU layer. After the last, the results and the rows of the new
//   tokens are undefined until the layer has run again. If small allocations fail,
//   the process ends.
// - A call needs 64 KiB of stack, plus what the dynamic loader or the CUDA driver
//   takes when a bundle is opened. A CPU layer needs up to 1 MiB: if the calling
//   thread has less left, the layer runs on a thread of the library while the
//   caller waits. A program that switches stacks itself, as coroutines do, must
//   provide the 1 MiB.
// - A child of fork() may use CPU bundles and their caches, except caches that
//   another thread was calling. If another thread was opening or closing a bundle,
//   the child can do neither. CUDA does not work in a child.
// - CUDA is loaded at run time: libcuda.so.1, or the library named by the
//   variable MLA_LIBCUDA. Without it everything but bundles for GPUs works.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_H
#define MLA_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MLA_API __attribute__((visibility("default")))

typedef enum mla_status {
  MLA_OK = 0,
  MLA_INVALID_ARGUMENT = 1, /* the call is wrong */
  MLA_IO_ERROR = 2,         /* the system failed to open, read or map a file */
  MLA_INVALID_FILE = 3,     /* a file of the bundle is damaged or contradicts another */
  MLA_UNSUPPORTED = 4,      /* another version, another machine, or a case the bundle has no code for */
  MLA_OUT_OF_MEMORY = 5,
  MLA_OUT_OF_PAGES = 6, /* the cache is full: free or truncate sequences, then try again */
  MLA_NO_DEVICE = 7,    /* no GPU, or no driver for one */
  MLA_DEVICE_ERROR = 8, /* the CUDA driver rejected a call, or a kernel failed */
  MLA_RANK_ERROR = 9    /* another rank failed or did not come: see comm.h */
} mla_status;

/* Returns the name of a status, such as "MLA_OUT_OF_PAGES"; never NULL. */
MLA_API const char *mla_status_name(mla_status status);

/* Returns the message of this thread's last failed call, as "WHERE: WHAT; what to do"; "" before any. The text is valid
 * until the thread's next failed call. */
MLA_API const char *mla_last_error(void);

/* Returns the release of this library, such as "0.1.0". */
MLA_API const char *mla_version(void);

/* Returns the number of threads that run a layer, including the calling one: MLA_NUM_THREADS (1 to 1024), else one per
 * processor available to the process. Read once, at the first use. */
MLA_API int32_t mla_num_threads(void);

/*===-- Bundles ------------------------------------------------------------===*/

typedef struct mla_bundle mla_bundle;

typedef enum mla_dtype {
  MLA_F32 = 0,
  MLA_BF16 = 1,
  MLA_I8 = 4 /* a byte of a packed row of the cache; hidden states have no such type */
} mla_dtype;

typedef enum mla_phase {
  MLA_PHASE_AUTO = 0,    /* decode if no sequence of the batch has more than 8 query tokens, else prefill */
  MLA_PHASE_PREFILL = 1, /* any number of query tokens */
  MLA_PHASE_DECODE = 2   /* at most 8 query tokens per sequence */
} mla_phase;

/* The description of a bundle. Later releases add fields only at the end. */
typedef struct mla_bundle_info {
  const char *path;            /* as given to mla_bundle_open */
  const char *producer;        /* the compiler's name and release */
  const char *target;          /* "cpu" | "h100" */
  const char *isa;             /* the required processor */
  const char *model_type;      /* of the model's configuration */
  const char *cache_format;    /* "standard" | "fp8_tensor" | "fp8_row" */
  const char *plan;            /* the chosen forms, with reasons; several lines */
  mla_dtype dtype;             /* of hidden states */
  mla_dtype cache_dtype;       /* of the cache's rows; MLA_I8 of those of fp8_tensor and fp8_row */
  int64_t page;                /* tokens per page */
  int64_t tensor_parallel;     /* ranks that share the heads; if above 1, outputs are partial sums over the ranks */
  int64_t rank;                /* of this bundle, among these */
  int64_t hidden_size;         /* of the residual stream */
  int64_t num_attention_heads; /* of the whole model */
  int64_t heads;               /* of this rank */
  int64_t q_lora_rank;         /* 0: queries have no latent */
  int64_t kv_lora_rank;
  int64_t qk_nope_head_dim;
  int64_t qk_rope_head_dim;
  int64_t v_head_dim;
  double rms_norm_eps;
  double rope_theta;
  const int64_t *layers; /* num_layers layer numbers of the model, the ones mla_run_layer takes */
  int64_t num_layers;
  int64_t num_entries;
  int32_t device_memory;  /* 1: hidden states, results and pages are in device memory; 0: in host memory */
  const char *device;     /* the GPU's name; "" for a CPU, and if the bundle is only inspected */
  double code_seconds;    /* time to load the kernels; long if the driver had to compile them */
  double weights_seconds; /* time to copy the weights to the device */
  int64_t num_kernels;    /* of a bundle for a GPU; 0 for a CPU */
  int64_t cache_row;      /* elements of cache_dtype per token and layer */
  int64_t vocab_size;     /* of a whole model (model.h); 0 of layers alone */
  const char *products;   /* of scaled weights: "e4m3", "e4m3x2" with two terms per element of a token, "" if none */
  double cache_scale;     /* of fp8_tensor: latent and k_rope are the row's numbers times it */
  const int32_t *stop_tokens; /* [num_stop_tokens]: those that end a text, of the model's config */
  int64_t num_stop_tokens;
  int64_t max_context;   /* tokens of the longest text, of the model's config; 0: unknown */
  int64_t weights_bytes; /* of all layers and ends, as stored: what weights_seconds copied */
  int64_t streams;       /* rows of hidden_size of a token's hidden states: 1, or 2 where layers carry a row beside the
                            residual stream (LongCat-Flash) */
  const char *const *adapters; /* [num_adapters]: names of the adapters that sequences choose from, by number */
  int64_t num_adapters;        /* 0: adapters are merged, or there are none */
  int32_t own_cache_rows;      /* 1: a token's row in the cache depends on its sequence's adapter */
  int64_t ranks;               /* of the group that runs together, with a communicator (comm.h); 1: none */
  int64_t group_rank;          /* which of them this bundle is of */
  int64_t first_head;          /* the bundle holds heads first_head to first_head + heads - 1 */
  int64_t token_ranks;         /* ranks that share the tokens of a sequence: the cache of rank r holds only its pages p
                                  with p % token_ranks == r % token_ranks. 1: all */
} mla_bundle_info;

/* A compiled form of the layer. */
typedef struct mla_entry_info {
  const char *symbol;
  mla_phase phase;       /* MLA_PHASE_PREFILL or MLA_PHASE_DECODE */
  const char *q;         /* the form of the query side: "naive" | "absorb" | "fold" */
  const char *o;         /* the form of the output side */
  int64_t first_tokens;  /* range of the most query tokens of a sequence in the batch; */
  int64_t last_tokens;   /* last is -1 if there is no bound, here and below */
  int64_t first_context; /* range of the tokens of the longest sequence, */
  int64_t last_context;  /* including this step's */
  int64_t weight_bytes;  /* bytes of the weights it reads for one layer */
} mla_entry_info;

/* A kernel of a bundle for a GPU. Values from the driver are -1 if the bundle was only inspected, or if the device does
 * not report them, like the emulated one. */
typedef struct mla_kernel_info {
  const char *name;
  int32_t threads;        /* per CTA */
  int32_t dynamic_shared; /* bytes per CTA */
  int32_t static_shared;  /* additional bytes per CTA, from the driver */
  int32_t registers;      /* per thread, from the driver */
  int32_t local_bytes;    /* per thread, spilled from registers, from the driver */
  int32_t max_threads;    /* per CTA for which there are registers, from the driver */
} mla_kernel_info;

/* Opens the bundle in directory `path` and loads its code. Opening runs the code's initialisers: open only bundles that
 * you trust like programs. For a CPU, weights are mapped, not read.
 *
 * A bundle for a GPU belongs to the calling thread's current CUDA context, else to the primary context of device 0,
 * which is the one that PyTorch and the CUDA runtime use. A primary context is retained until the bundle and everything
 * created from it are gone; any other must live as long. The context is current only within this library's own calls.
 * All weights are copied to the device. Returns MLA_NO_DEVICE without a GPU or a driver, MLA_UNSUPPORTED for another
 * GPU than the bundle was compiled for, or a driver that is too old. */
MLA_API mla_status mla_bundle_open(const char *path, mla_bundle **bundle);

/* What else mla_bundle_open_with may be told. */
typedef struct mla_open_options {
  size_t size; /* sizeof(mla_open_options) */
  /* Called by the opening thread while weights are copied to a device, with the bytes copied so far, first 0 and at
   * last `total`. It must not call the library. NULL: nothing is called. */
  void (*progress)(void *context, uint64_t done, uint64_t total);
  void *context;
  /* Of a bundle with info->ranks above 1: the communicator of its rank, which must outlive the bundle. */
  struct mla_comm *comm;
} mla_open_options;

/* mla_bundle_open with options; NULL are none. */
MLA_API mla_status mla_bundle_open_with(const char *path, const mla_open_options *options, mla_bundle **bundle);

/* Like mla_bundle_open, but loads no code: use it to look at a bundle for another machine, or at one of several ranks
 * without a communicator. mla_run_layer rejects it. */
MLA_API mla_status mla_bundle_inspect(const char *path, mla_bundle **bundle);

/* Like mla_bundle_inspect. For a GPU, also loads the kernels temporarily to query the driver about them, but no
 * weights, and fails without a device like mla_bundle_open. */
MLA_API mla_status mla_bundle_inspect_on_device(const char *path, mla_bundle **bundle);

/* Closes a bundle that no running layer uses. Caches created from it live on. On a device, first waits for all work of
 * the context; graphs that captured the bundle's kernels must no longer be launched. NULL is allowed. */
MLA_API void mla_bundle_close(mla_bundle *bundle);

/* Returns the description; never NULL for an open bundle; NULL for NULL. */
MLA_API const mla_bundle_info *mla_bundle_get_info(const mla_bundle *bundle);

/* Returns entry `index`, 0 to num_entries - 1; NULL beyond. */
MLA_API const mla_entry_info *mla_bundle_get_entry(const mla_bundle *bundle, int64_t index);

/* Returns kernel `index`, 0 to num_kernels - 1, in the order of their names; NULL beyond. */
MLA_API const mla_kernel_info *mla_bundle_get_kernel(const mla_bundle *bundle, int64_t index);

/*===-- Caches and sequences -----------------------------------------------===*/

/* A pool of pages for all layers of a bundle. Page p of every layer belongs to the same tokens of the same sequence, so
 * one block table serves all layers. A row of info->cache_row elements of cache_dtype holds one token. By cache_format:
 *
 *   standard    the latent, kv_lora_rank elements, then k_rope, qk_rope_head_dim
 *   fp8_row     the latent in e4m3, an f32 scale per 128 columns (latent = e4m3 * scale), k_rope in bf16; 656 bytes
 *               where the widths are 512 and 64, as FlashMLA and vLLM (fp8_ds_mla) have them
 *   fp8_tensor  latent and k_rope, divided by cache_scale, in e4m3
 *
 * In the last two, k_rope begins and a row ends at a multiple of 16 bytes, and scales begin at a multiple of 4.
 * docs/fp8.md has offsets and rounding. */
typedef struct mla_cache mla_cache;

/* A sequence of a cache. Numbers are unique in a process: stale ones and those of another cache are recognised. */
typedef int64_t mla_sequence;

/* Creates a cache of `pages` pages, at least 1; a sequence takes one for every token_ranks * page tokens. Reserves its
 * memory now; the system provides it when first used:
 *   pages * page * cache_row * bytes of cache_dtype * num_layers.
 * For a GPU, the pages are in device memory. */
MLA_API mla_status mla_cache_create(const mla_bundle *bundle, int64_t pages, mla_cache **cache);

/* Frees the cache and its sequences. Rejected while a batch of it is open. NULL is allowed. */
MLA_API mla_status mla_cache_destroy(mla_cache *cache);

/* Return the total number of pages, and the number of free pages; 0 for NULL. */
MLA_API int64_t mla_cache_num_pages(const mla_cache *cache);
MLA_API int64_t mla_cache_free_pages(mla_cache *cache);

/* Shuffles the order in which free pages are handed out. Results do not depend on it. Tests and benchmarks use it to
 * get block tables as scattered as those of a long-running server. */
MLA_API mla_status mla_cache_shuffle(mla_cache *cache, uint64_t seed);

/* Returns the pages of one layer as kernels see them, an array [dims[0] pages, dims[1] tokens, dims[2] elements] of
 * `dtype`, for tests, benchmarks and for moving cached tokens elsewhere. Rows beyond a sequence's length are undefined.
 * On a device, `data` is a device address; pass it and the dims to mla_step as pages. */
MLA_API mla_status mla_cache_pages(mla_cache *cache, int64_t layer, void **data, int64_t dims[3], mla_dtype *dtype);

/* Creates an empty sequence. It holds no page. */
MLA_API mla_status mla_sequence_create(mla_cache *cache, mla_sequence *sequence);

/* Frees a sequence and the pages that no other shares. Rejected while an open batch has it. */
MLA_API mla_status mla_sequence_free(mla_cache *cache, mla_sequence sequence);

/* Creates `copy` with the same tokens, without copying: pages are shared, and a partial last page is copied by the
 * first of its sharers that appends (which then takes one free page more). Rejected while an open batch has it. */
MLA_API mla_status mla_sequence_fork(mla_cache *cache, mla_sequence sequence, mla_sequence *copy);

/* Drops all but the first `length` tokens: for rejected drafts, or to go back to a common prefix. Rejected while an
 * open batch has it. */
MLA_API mla_status mla_sequence_truncate(mla_cache *cache, mla_sequence sequence, int64_t length);

/* Returns the number of cached tokens. Those of an open batch do not count until it is committed. */
MLA_API mla_status mla_sequence_length(mla_cache *cache, mla_sequence sequence, int64_t *length);

/* Copies the page numbers of the sequence, in the order of its tokens, to `pages`, which has room for `capacity`, and
 * returns their number in `count`. With capacity 0 it only counts. Includes pages reserved by an open batch. Pages that
 * other ranks hold are -1. */
MLA_API mla_status mla_sequence_pages(mla_cache *cache, mla_sequence sequence, int32_t *pages, int64_t capacity,
                                      int64_t *count);

/*===-- Steps --------------------------------------------------------------===*/

/* One step of some sequences: pages are reserved for their new tokens, and the arrays that kernels read are built, once
 * for all layers. The pointer is a handle, not an address: handles of steps that have ended are recognised. */
typedef struct mla_batch mla_batch;

/* Begins a step in which sequences[i] gets query_tokens[i] new tokens, at least 1; `count` sequences, none twice, none
 * in another open batch. If there are not enough pages for all, returns MLA_OUT_OF_PAGES, and nothing has changed. The
 * arrays are copied.
 * On a device, an ended batch is reused, with its device arrays and its workspace: beginning waits until the layers
 * that ran on it are done. Beginning also uploads the arrays and waits for that, on a stream of the cache. Pages
 * released by a sequence may be reused while layers that read them still run: run the steps of a cache on one stream,
 * or order their streams. */
MLA_API mla_status mla_batch_begin(mla_cache *cache, const mla_sequence *sequences, const int32_t *query_tokens,
                                   int64_t count, mla_batch **batch);

/* Sets the CUDA stream (a CUstream or cudaStream_t) on which mla_run_layer runs the batch from now on. The initial
 * stream is NULL, the legacy default stream; on a CPU there is no other. */
MLA_API mla_status mla_batch_set_stream(mla_batch *batch, void *stream);

/* Ends a step and adds the new tokens to the sequences. Call it after all layers ran; on a device, after they were
 * enqueued. */
MLA_API mla_status mla_batch_commit(mla_batch *batch);

/* Ends a step as if it had not begun: lengths are restored, and the new pages are free again. NULL is allowed. (A
 * shared last page that the step had to copy stays copied.) */
MLA_API mla_status mla_batch_abort(mla_batch *batch);

/* Return the sum of the query tokens, and the length of the longest sequence with this step's tokens; 0 for NULL. */
MLA_API int64_t mla_batch_tokens(const mla_batch *batch);
MLA_API int64_t mla_batch_max_length(const mla_batch *batch);

/* Runs a layer on the batch: appends the new tokens to the layer's cache and computes their attention.
 *   layer   a number of info->layers
 *   phase   AUTO unless you measure; uses the first entry of that phase whose contexts include the longest sequence
 *   hidden  [mla_batch_tokens, streams * hidden_size] of the bundle's dtype: the tokens of sequences[0], then of [1], …
 *   out     the same shape; must not overlap `hidden`
 * Both must be aligned for their elements. Query token i of n of a sequence of (new) length l has position l - n + i
 * and sees the tokens up to itself. Running a layer again in the same batch writes the same rows again.
 * On a device both are device addresses, aligned to 16 bytes. The layer is enqueued on the batch's stream and runs
 * after the call returns: synchronise before you read `out`, and leave both unchanged until then. The batch has a
 * workspace and grows it when a layer needs more, which waits for the device. Therefore a stream that is being captured
 * is rejected: use mla_enqueue_layer there. */
MLA_API mla_status mla_run_layer(const mla_bundle *bundle, int64_t layer, const mla_batch *batch, mla_phase phase,
                                 const void *hidden, void *out);

/* Returns the entry that mla_run_layer would use: an index for mla_bundle_get_entry. */
MLA_API mla_status mla_select_entry(const mla_bundle *bundle, const mla_batch *batch, mla_phase phase, int64_t *entry);

/*===-- Enqueueing ---------------------------------------------------------===*/

/* For engines with their own cache, block tables and streams: these functions work on the caller's memory and stream.
 * For a GPU:
 * - An enqueue only launches kernels: it allocates nothing, copies nothing and waits for nothing. It may therefore be
 *   captured in a CUDA graph, also as the first use of the bundle.
 * - The host knows sizes; kernels read lengths, tables and tokens on the device when they run. A captured graph may be
 *   launched again after these changed, as long as the sizes still bound them. Sizes determine the entry, the grids and
 *   the workspace: capture with the largest that you will need.
 * - Any number of threads may enqueue at once, on any streams of the bundle's context. Calls that may run at the same
 *   time need one workspace each.
 * - If a call fails at a kernel in the middle, those before it have been launched.
 * - Arrays of bf16 are aligned to 16 bytes, int32_t and float to 4, the workspace to 256. Row-major, no gaps, except
 * between heads of queries. Contents are not checked (but see mla_step_check): page numbers of a sequence's own tokens
 * must be 0 to num_pages - 1, lengths at most max_length, cumulative lengths not decreasing, from 0 to tokens. Block
 * table entries beyond a sequence's pages, and rows of pages beyond its length, may hold anything.
 * - Set `size` to sizeof the struct and zero unused fields: later releases add fields at the end. Fields that a struct
 * of an earlier release lacks read as zero; the first release's structs end with `stream`. A struct of a later release
 * is accepted if its new fields are zero, and is MLA_UNSUPPORTED otherwise.
 * A CPU supports only whole layers, mla_enqueue_layer: on host memory, aligned for its elements, without a workspace,
 * with NULL for a stream. The layer has run when the call returns, and contents are checked as by mla_step_check. Calls
 * on different pages may run at the same time. */

/* A whole attention layer. */
typedef struct mla_step {
  size_t size;         /* sizeof(mla_step) */
  int64_t layer;       /* a number of info->layers */
  mla_phase phase;     /* as for mla_run_layer; AUTO and the choice of the entry use max_queries and max_length */
  int32_t reserved;    /* 0 */
  int64_t tokens;      /* query tokens of all sequences: rows of hidden and out */
  int64_t batch;       /* sequences */
  int64_t max_queries; /* maximum query tokens of a sequence */
  int64_t max_length;  /* maximum length of a sequence, including this step's tokens; at most table_width * page */
  int64_t cached;      /* maximum sum of all lengths; 0: batch * max_length. Determines naive workspaces */
  int64_t num_pages;   /* pages of the layer's cache */
  int64_t table_width; /* entries per row of block_table */
  const void *hidden;  /* [tokens, streams * hidden_size] */
  const int32_t *cu_seqlens;  /* [batch + 1]: the first token of each sequence, then tokens */
  void *pages;                /* [num_pages, page, cache_row]: the new tokens' rows are written */
  const int32_t *block_table; /* [batch, table_width]: page numbers */
  const int32_t *lengths;     /* [batch]: cached tokens, including this step's */
  void *out;                  /* [tokens, streams * hidden_size]; must not overlap hidden */
  void *workspace;            /* scratch memory; NULL if none is needed */
  uint64_t workspace_bytes;   /* at least mla_step_workspace for these sizes */
  void *stream;               /* CUstream or cudaStream_t; NULL: the legacy default stream */
  const int32_t *adapters;    /* [batch]: numbers of info->adapters, -1 for none; NULL if the bundle has no adapters */
} mla_step;

/* Returns the workspace for a step of these sizes, 0 for a CPU; pointers are ignored. If a bundle for a GPU was only
 * inspected, assumes a device of 132 SMs, like the H100 SXM and the H200. */
MLA_API mla_status mla_step_workspace(const mla_bundle *bundle, const mla_step *step, uint64_t *bytes);

/* Appends the new tokens to the layer's pages and computes their attention, like mla_run_layer. */
MLA_API mla_status mla_enqueue_layer(const mla_bundle *bundle, const mla_step *step);

/* For debugging: checks the contents of a step's cu_seqlens, lengths and block_table. Returns MLA_INVALID_ARGUMENT if
 * they violate a bound of the step; mla_last_error() then names the first wrong sequence, the entry and its value:
 *   cu_seqlens   the first is 0, the last is `tokens`, and none less than the one before or more than max_queries apart
 *   lengths      at least the sequence's query tokens, at most max_length, and all together at most `cached`
 *   block_table  the entries of a sequence's own tokens, the first ceil(length / page), are 0 to num_pages - 1
 * hidden, pages, out and the workspace are ignored and may be NULL. On a GPU no other call runs the check.
 * For a GPU, a kernel of the bundle checks after the work on the stream, and the call waits: a stream that is being
 * captured is rejected. MLA_UNSUPPORTED if the bundle has no such kernel. For a CPU the arrays are in host memory. */
MLA_API mla_status mla_step_check(const mla_bundle *bundle, const mla_step *step);

/* For debugging: counts the tokens of a step, after the layer ran, that a packed cache does not hold: in fp8_tensor
 * those with 448 or -448, to which values from 432 on are rounded; always those with an infinity or NaN, also in a
 * scale. Of the first: the sequence's number in the step, the position in it, the column (from kv_lora_rank on of
 * k_rope; its group's first for a scale) and the value. Waits, and fails, as mla_step_check does. */
typedef struct mla_saturation {
  int64_t tokens, sequence, position, column;
  double value;
} mla_saturation;
MLA_API mla_status mla_step_saturation(const mla_bundle *bundle, const mla_step *step, mla_saturation *result);
MLA_API mla_status mla_batch_saturation(const mla_bundle *bundle, int64_t layer, const mla_batch *batch,
                                        mla_saturation *result);

/* The attention of absorbed queries over the latent, without its layer: out = softmax(scale * q . row) . latent for
 * each query token and head, where a row is a cached token's latent and k_rope, and scale is the model's. Query token i
 * of n of a sequence of length l sees the first l - n + i + 1 tokens, if causal. If none, out is 0 and lse is -inf. */
typedef struct mla_latent_attention {
  size_t size;    /* sizeof(mla_latent_attention) */
  int64_t tokens; /* as in mla_step */
  int64_t batch;
  int64_t max_queries; /* at most 8 */
  int64_t max_length;
  int64_t cached;
  int64_t num_pages;
  int64_t table_width;
  int64_t q_stride;           /* elements from one head to the next, a multiple of 8 */
  const void *q_latent;       /* [tokens, heads, kv_lora_rank], heads q_stride apart */
  const void *q_rope;         /* [tokens, heads, qk_rope_head_dim], heads q_rope_stride apart; NULL if that is 0 */
  const void *pages;          /* [num_pages, page, cache_row] */
  const int32_t *block_table; /* [batch, table_width] */
  const int32_t *lengths;     /* [batch] */
  const int32_t *cu_seqlens;  /* [batch + 1] */
  void *out;                  /* [tokens, heads, kv_lora_rank] */
  float *lse;                 /* [tokens, heads]: natural logarithm of the sum of exponentials */
  void *workspace;
  uint64_t workspace_bytes;
  void *stream;
  /* Nonzero promises that cu_seqlens, block_table and lengths were complete before the previously enqueued work on the
   * stream began, as when an engine writes them once per step: the kernel then reads them while that work ends. */
  int64_t indices_settled;
  double scale; /* of scores before the softmax; 0 for the model's */
  /* [heads]: unscaled logits that join the softmax's denominators, not in lse; for bundles with sinks, else NULL. */
  const float *sinks;
  int64_t q_rope_stride; /* as q_stride; 0 for q_stride itself */
} mla_latent_attention;
MLA_API mla_status mla_latent_attention_workspace(const mla_bundle *bundle, const mla_latent_attention *attention,
                                                  uint64_t *bytes);
MLA_API mla_status mla_enqueue_latent_attention(const mla_bundle *bundle, const mla_latent_attention *attention);

/* The naive attention without its layer, on keys and values that are already up-projected. Query token i of n of a
 * sequence of l keys sees keys 0 to l - n + i, or what else the bundle's mask says. */
typedef struct mla_naive_attention {
  size_t size;               /* sizeof(mla_naive_attention) */
  int64_t tokens;            /* query tokens of all sequences */
  int64_t batch;             /* sequences */
  int64_t max_queries;       /* maximum query tokens of a sequence */
  int64_t max_length;        /* maximum keys of a sequence */
  int64_t cached;            /* keys of all sequences: rows of k_nope, k_rope and v */
  int64_t q_stride;          /* elements from one head to the next, a multiple of 8 */
  const void *q_nope;        /* [tokens, heads, qk_nope_head_dim], heads q_stride apart */
  const void *q_rope;        /* [tokens, heads, qk_rope_head_dim], heads q_rope_stride apart; NULL if that is 0 */
  const void *k_nope;        /* [cached, heads, qk_nope_head_dim] */
  const void *k_rope;        /* [cached, qk_rope_head_dim]; NULL if that is 0 */
  const void *v;             /* [cached, heads, v_head_dim] */
  const int32_t *cu_seqlens; /* [batch + 1]: the first query token of each sequence, then tokens */
  const int32_t *cu_keys;    /* [batch + 1]: the first key of each sequence, then cached */
  void *out;                 /* [tokens, heads, v_head_dim] */
  void *workspace;
  uint64_t workspace_bytes;
  void *stream;
  double scale;          /* of scores before the softmax; 0 for the model's */
  const float *sinks;    /* as in mla_latent_attention */
  int64_t q_rope_stride; /* as q_stride; 0 for q_stride itself */
} mla_naive_attention;
MLA_API mla_status mla_naive_attention_workspace(const mla_bundle *bundle, const mla_naive_attention *attention,
                                                 uint64_t *bytes);
MLA_API mla_status mla_enqueue_naive_attention(const mla_bundle *bundle, const mla_naive_attention *attention);

#ifdef __cplusplus
}
#endif

#include "mla/adapters.h"
#include "mla/comm.h"
#include "mla/device.h"
#include "mla/model.h"
#include "mla/profile.h"

#endif /* MLA_RUNTIME_H */
