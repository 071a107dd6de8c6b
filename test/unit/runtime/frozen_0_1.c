/* A program of release 0.1: it sees the header of that release, and runs with today's library. */
#include "Inputs/runtime-0.1.h"

#include <string.h>

const char *frozen_0_1(const char *path);

/* All that the release had is still there to link with. */
static void (*const functions[])(void) = {
#define FUNCTION(name) (void (*)(void)) name
    FUNCTION(mla_status_name),
    FUNCTION(mla_last_error),
    FUNCTION(mla_version),
    FUNCTION(mla_num_threads),
    FUNCTION(mla_bundle_open),
    FUNCTION(mla_bundle_inspect),
    FUNCTION(mla_bundle_close),
    FUNCTION(mla_bundle_get_info),
    FUNCTION(mla_bundle_get_entry),
    FUNCTION(mla_cache_create),
    FUNCTION(mla_cache_destroy),
    FUNCTION(mla_cache_num_pages),
    FUNCTION(mla_cache_free_pages),
    FUNCTION(mla_cache_shuffle),
    FUNCTION(mla_cache_pages),
    FUNCTION(mla_sequence_create),
    FUNCTION(mla_sequence_free),
    FUNCTION(mla_sequence_fork),
    FUNCTION(mla_sequence_truncate),
    FUNCTION(mla_sequence_length),
    FUNCTION(mla_sequence_pages),
    FUNCTION(mla_batch_begin),
    FUNCTION(mla_batch_set_stream),
    FUNCTION(mla_batch_commit),
    FUNCTION(mla_batch_abort),
    FUNCTION(mla_batch_tokens),
    FUNCTION(mla_batch_max_length),
    FUNCTION(mla_run_layer),
    FUNCTION(mla_select_entry),
    FUNCTION(mla_step_workspace),
    FUNCTION(mla_enqueue_layer),
    FUNCTION(mla_step_check),
    FUNCTION(mla_latent_attention_workspace),
    FUNCTION(mla_enqueue_latent_attention),
    FUNCTION(mla_naive_attention_workspace),
    FUNCTION(mla_enqueue_naive_attention),
    FUNCTION(mla_device_count),
    FUNCTION(mla_device_malloc),
    FUNCTION(mla_device_free),
    FUNCTION(mla_device_copy_in),
    FUNCTION(mla_device_copy_out),
    FUNCTION(mla_device_synchronize)};

#define REQUIRE(condition)                                                                                             \
  if (!(condition))                                                                                                    \
  return #condition

/* Two tokens, 1 and 2, through the runtime's cache: the test's layer gives running sums, times its weight. */
static const char *run_batch(const mla_bundle *bundle, mla_cache *cache) {
  float hidden[6] = {1, 0, 0, 2, 0, 0}, out[6] = {0};
  int32_t tokens = 2;
  int64_t length = 0;
  mla_sequence sequence = 0;
  mla_batch *batch = NULL;
  REQUIRE(mla_sequence_create(cache, &sequence) == MLA_OK);
  REQUIRE(mla_batch_begin(cache, &sequence, &tokens, 1, &batch) == MLA_OK);
  REQUIRE(mla_batch_tokens(batch) == 2);
  REQUIRE(mla_run_layer(bundle, mla_bundle_get_info(bundle)->layers[0], batch, MLA_PHASE_AUTO, hidden, out) == MLA_OK);
  REQUIRE(mla_batch_commit(batch) == MLA_OK);
  REQUIRE(mla_sequence_length(cache, sequence, &length) == MLA_OK && length == 2);
  REQUIRE(out[0] == 2 && out[3] == 6);
  return NULL;
}

/* The same on memory of its own. */
static const char *run_step(const mla_bundle *bundle) {
  float hidden[6] = {1, 0, 0, 2, 0, 0}, out[6] = {0}, pages[4 * 4] = {0};
  int32_t cu_seqlens[2] = {0, 2}, lengths[1] = {2}, block_table[1] = {0};
  mla_step step;
  memset(&step, 0, sizeof(step));
  step.size = sizeof(step);
  step.layer = mla_bundle_get_info(bundle)->layers[0];
  step.tokens = step.max_queries = step.max_length = 2;
  step.batch = step.num_pages = step.table_width = 1;
  step.hidden = hidden;
  step.cu_seqlens = cu_seqlens;
  step.pages = pages;
  step.block_table = block_table;
  step.lengths = lengths;
  step.out = out;
  REQUIRE(mla_enqueue_layer(bundle, &step) == MLA_OK);
  REQUIRE(out[0] == 2 && out[3] == 6);
  return NULL;
}

/* What went wrong; NULL if nothing did. */
const char *frozen_0_1(const char *path) {
  mla_bundle *bundle = NULL;
  mla_cache *cache = NULL;
  for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); ++i)
    REQUIRE(functions[i]);
  REQUIRE(mla_bundle_open("/nonexistent", &bundle) == MLA_IO_ERROR && *mla_last_error());
  REQUIRE(mla_bundle_open(path, &bundle) == MLA_OK);
  const mla_bundle_info *info = mla_bundle_get_info(bundle);
  REQUIRE(strcmp(info->path, path) == 0 && info->dtype == MLA_F32 && info->hidden_size == 3 && info->num_layers == 2);
  REQUIRE(mla_bundle_get_entry(bundle, 0) && !mla_bundle_get_entry(bundle, info->num_entries));
  REQUIRE(mla_cache_create(bundle, 4, &cache) == MLA_OK && mla_cache_num_pages(cache) == 4);
  const char *wrong = run_batch(bundle, cache);
  if (!wrong)
    wrong = run_step(bundle);
  REQUIRE(mla_cache_destroy(cache) == MLA_OK);
  mla_bundle_close(bundle);
  return wrong;
}
