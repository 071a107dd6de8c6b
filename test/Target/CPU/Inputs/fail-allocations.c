/* fail-allocations BUNDLE: runs a prefill and a decode, and both again with each of their allocations failing in turn.
 * A layer must then say that there is no memory, and give the same as before when it is run again in the same batch. */
#define _GNU_SOURCE
#include "mla/runtime.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t calls, failing = -1;

/* Stands before that of the runtime, which is told of the failure by a size that no system has. */
void *mla_allocate(int64_t bytes) {
  void *(*next)(int64_t) = (void *(*)(int64_t))dlsym(RTLD_NEXT, "mla_allocate");
  return next(calls++ == failing ? INT64_MAX : bytes);
}

static void check(int good, const char *what) {
  if (good)
    return;
  fprintf(stderr, "%s, allocation %ld: %s\n", what, (long)failing, mla_last_error());
  exit(1);
}

static void step(const mla_bundle *bundle, mla_cache *cache, const mla_sequence *sequences, const int32_t *tokens,
                 mla_phase phase, const char *name) {
  const mla_bundle_info *info = mla_bundle_get_info(bundle);
  mla_batch *batch = NULL;
  check(mla_batch_begin(cache, sequences, tokens, 2, &batch) == MLA_OK, "begin");
  size_t count = (size_t)(mla_batch_tokens(batch) * info->hidden_size),
         bytes = count * (info->dtype == MLA_F32 ? 4 : 2);
  char *hidden = malloc(bytes), *expected = malloc(bytes), *out = malloc(bytes);
  for (size_t i = 0; i < count; ++i) {
    float value = (float)(i * 7 % 31) / 31 - 0.4f;
    memcpy(hidden + i * (bytes / count), (char *)&value + 4 - bytes / count, bytes / count);
  }
  calls = 0;
  check(mla_run_layer(bundle, info->layers[0], batch, phase, hidden, expected) == MLA_OK, "run");
  int64_t all = calls;
  for (failing = 0; failing < all; ++failing) {
    calls = 0;
    check(mla_run_layer(bundle, info->layers[0], batch, phase, hidden, out) == MLA_OUT_OF_MEMORY, "failing run");
    check(calls == failing + 1, "it went on");
    int64_t place = failing;
    failing = -1;
    memset(out, 0, bytes);
    check(mla_run_layer(bundle, info->layers[0], batch, phase, hidden, out) == MLA_OK, "run again");
    check(memcmp(out, expected, bytes) == 0, "another result");
    failing = place;
  }
  failing = -1;
  check(mla_batch_commit(batch) == MLA_OK, "commit");
  printf("%s: %ld allocations\n", name, (long)all);
  free(hidden), free(expected), free(out);
}

int main(int argc, char **argv) {
  mla_bundle *bundle = NULL;
  mla_cache *cache = NULL;
  mla_sequence sequences[2];
  check(argc == 2 && mla_bundle_open(argv[1], &bundle) == MLA_OK, "open");
  check(mla_cache_create(bundle, 16, &cache) == MLA_OK, "cache");
  for (int i = 0; i < 2; ++i)
    check(mla_sequence_create(cache, &sequences[i]) == MLA_OK, "sequence");
  step(bundle, cache, sequences, (const int32_t[]){37, 5}, MLA_PHASE_PREFILL, "prefill");
  step(bundle, cache, sequences, (const int32_t[]){1, 2}, MLA_PHASE_DECODE, "decode");
  mla_cache_destroy(cache);
  mla_bundle_close(bundle);
  return 0;
}
