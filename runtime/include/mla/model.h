//===- model.h - Running compiled models --------------------------*- C -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions on bundles of whole models (--scope=model; info->vocab_size is not
// 0): token ids go in, logits or the next tokens come out. Part of runtime.h,
// whose conventions hold here.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_MODEL_H
#define MLA_MODEL_H

#include "mla/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mla_logits {
  MLA_LOGITS_LAST = 1, /* of the last query token of every sequence: [sequences, vocab_size] */
  MLA_LOGITS_ALL = 2   /* of every query token: [tokens, vocab_size] */
} mla_logits;

/* Runs a whole model on the batch: embeds the tokens, runs all layers, and computes logits.
 *   ids     [mla_batch_tokens] token numbers, 0 to vocab_size - 1: those of sequences[0], then of [1], …
 *   logits  as `which` says, of MLA_F32: the larger, the likelier is the token as the next one
 * Both are in host memory, also for a GPU: there the model runs on the batch's stream, and the call waits for it. A
 * stream that is being captured is rejected: use mla_enqueue_model there. Commit the batch afterwards, as with layers.
 */
MLA_API mla_status mla_run_model(const mla_bundle *bundle, const mla_batch *batch, mla_phase phase, const int32_t *ids,
                                 mla_logits which, float *logits);

/* A step of a whole model on a GPU, on the caller's memory. Fields are as in mla_step unless stated otherwise; all
 * pointers but that to `pages` itself are of the device. */
typedef struct mla_model_step {
  size_t size;      /* sizeof(mla_model_step) */
  mla_phase phase;  /* AUTO and the choice of the entries use max_queries and max_length */
  mla_logits which; /* the rows of logits and next. LAST needs one query token of every sequence, tokens = batch, or a
                       single sequence: the host does not know where others end */
  int64_t tokens;
  int64_t batch;
  int64_t max_queries;
  int64_t max_length;
  int64_t cached;
  int64_t num_pages;
  int64_t table_width;
  const int32_t *ids; /* [tokens]: token numbers; the embedding of one that the model does not have is 0 */
  const int32_t *cu_seqlens;
  void *const *pages; /* [num_layers], on the host: the pages of each layer, in the order of info->layers. Read
                         before the call returns */
  const int32_t *block_table;
  const int32_t *lengths;
  float *logits; /* [rows, vocab_size], aligned to 16; NULL if they are not wanted */
  int32_t *next; /* [rows]: the number of the largest logit, of equal ones the first; -1 if one is NaN. NULL
                    if they are not wanted. May be `ids`: the next step then continues from them */
  void *workspace;
  uint64_t workspace_bytes; /* at least mla_model_workspace for these sizes */
  void *stream;
} mla_model_step;

/* Returns the workspace for a step of these sizes, of hidden states, logits and kernels; pointers are ignored. If the
 * bundle was only inspected, assumes a device as mla_step_workspace does. */
MLA_API mla_status mla_model_workspace(const mla_bundle *bundle, const mla_model_step *step, uint64_t *bytes);

/* Enqueues the embedding, all layers, the logits and the next tokens. Only launches kernels, as under "Enqueueing" in
 * runtime.h: one captured graph is a whole decode step. Between its launches, write the new lengths, table rows and,
 * unless `next` is `ids`, token numbers. MLA_UNSUPPORTED for a CPU, where mla_run_model serves. */
MLA_API mla_status mla_enqueue_model(const mla_bundle *bundle, const mla_model_step *step);

/* A captured step, for programs without CUDA's headers. */
typedef struct mla_graph mla_graph;

/* Captures mla_enqueue_model of the step, whose `stream` is ignored. Bundle and arrays must outlive the graph. */
MLA_API mla_status mla_model_graph_create(const mla_bundle *bundle, const mla_model_step *step, mla_graph **graph);

/* Launches the step on a stream of the bundle's context, after the work enqueued there; does not wait. One launch of a
 * graph may run at a time. */
MLA_API mla_status mla_graph_launch(mla_graph *graph, void *stream);

/* Frees a graph whose launches are done. NULL is allowed. */
MLA_API void mla_graph_destroy(mla_graph *graph);

/*===-- Choosing tokens ----------------------------------------------------===*/

/* How the next token is chosen from logits. All zeros: the likeliest, of equal ones the first. */
typedef struct mla_sampling {
  size_t size;        /* sizeof(mla_sampling) */
  double temperature; /* at random, with probabilities of logits divided by this; 0: the likeliest */
  int64_t top_k;      /* among so many likeliest tokens, of equal ones the first; 0: all */
  double top_p;       /* and of those among the fewest whose probabilities sum to this, up to 1; 0: all */
  uint64_t seed;
} mla_sampling;

/* Chooses a token from a row of `count` logits in host memory. The choice depends only on the arguments: `sequence` and
 * `position` with the seed make the random number, so that it does not matter with which others a sequence runs, nor
 * where the logits were computed. Give each sequence another number, and each of its tokens its own position, such as
 * the number of tokens before it. MLA_INVALID_ARGUMENT if a logit is NaN. */
MLA_API mla_status mla_sample(const mla_sampling *sampling, const float *logits, int64_t count, uint64_t sequence,
                              uint64_t position, int32_t *token);

/*===-- Generation ---------------------------------------------------------===*/

/* Continues prompts, as many at once as there is room for. Sequences that end make room for waiting prompts between
 * steps. A prompt runs alone, by the same entry as without others; then all running sequences get one token a step, on
 * a GPU by one graph. So the tokens of a sequence do not depend on when others join or end, bit by bit if its decode
 * steps are by the same entry (mla_select_entry) and, on a GPU, of the same class of schedule. One thread at a time may
 * use a generator. */
typedef struct mla_generator mla_generator;

typedef struct mla_generator_options {
  size_t size;                  /* sizeof(mla_generator_options) */
  mla_cache *cache;             /* of the bundle; must outlive the generator, which frees its sequences in it */
  int64_t max_sequences;        /* that run at once, at least 1 */
  const mla_sampling *sampling; /* copied; NULL: the likeliest tokens */
  const int32_t *stop;          /* [num_stop]: tokens that end a sequence; copied. info->stop_tokens are the model's */
  int64_t num_stop;
} mla_generator_options;

/* A token of a sequence. */
typedef enum mla_finish {
  MLA_RUNNING = 0,
  MLA_FINISHED_STOP = 1,  /* the token is one of `stop` */
  MLA_FINISHED_LENGTH = 2 /* it is the last of max_new_tokens */
} mla_finish;
typedef struct mla_generated {
  int64_t sequence; /* as given to mla_generator_add */
  int32_t token;
  mla_finish finish; /* whether the sequence ends with the token */
} mla_generated;

/* The bundle must outlive the generator. */
MLA_API mla_status mla_generator_create(const mla_bundle *bundle, const mla_generator_options *options,
                                        mla_generator **generator);

/* Adds a prompt of `count` token numbers, at least 1, which are copied. It waits until sequences and pages are free,
 * for prompts added before it too. `sequence` is its number in results and for the choice of its tokens (mla_sample;
 * the position is the number of tokens before); no other that waits or runs may have it. MLA_INVALID_ARGUMENT for a
 * token outside the vocabulary, and if prompt and new tokens exceed info->max_context or the pages of the cache. */
MLA_API mla_status mla_generator_add(mla_generator *generator, int64_t sequence, const int32_t *prompt, int64_t count,
                                     int64_t max_new_tokens);

/* Runs the waiting prompts that there is room for; if there is none, one step of all running sequences. Returns the new
 * tokens, one of each sequence that ran, in the order of joining; `count` is 0 if nothing waits or runs. `capacity`
 * must be at least max_sequences. MLA_OUT_OF_PAGES if others hold the pages that the next prompt needs: free some and
 * call again. After another error, the generator can only be destroyed. */
MLA_API mla_status mla_generator_step(mla_generator *generator, mla_generated *made, int64_t capacity, int64_t *count);

/* Frees the generator and its sequences. NULL is allowed. */
MLA_API void mla_generator_destroy(mla_generator *generator);

#ifdef __cplusplus
}
#endif
#endif /* MLA_MODEL_H */
