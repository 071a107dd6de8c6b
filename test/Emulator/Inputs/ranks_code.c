/* The code of a bundle of RANKS ranks on a CPU, as make_ranks.py describes it. */
#include "mla/abi.h"

#include <string.h>

#define ENTRY __attribute__((visibility("default"))) void

typedef struct {
  void *allocated, *aligned;
  int64_t offset, shape[6]; /* sizes, then strides */
} memref;

static void scale(float *to, const float *from, float weight, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    to[i] = from[i] * weight;
}

ENTRY layer(void **d) {
  const memref *hidden = d[0], *out = d[7];
  float rank = *(const float *)((const memref *)d[5])->aligned, *result = out->aligned;
  int64_t count = hidden->shape[0] * hidden->shape[1], bytes = count * (int64_t)sizeof(float);
  float *own = mla_allocate(bytes), *all = mla_allocate(RANKS * bytes), *exchanged = mla_allocate(RANKS * bytes);
  if (mla_out_of_memory())
    return;
  scale(own, hidden->aligned, rank, count);
  mla_all_reduce(2, own, count, 0);
  mla_all_reduce(RANKS, own, count, 0);
  scale(own, own, rank, count);
  mla_all_gather(RANKS, own, all, bytes);
  mla_all_to_all(RANKS, all, exchanged, bytes);
  memcpy(result, exchanged + count, (size_t)bytes); /* block 1, from rank 1: the one of this rank's number */
  mla_all_reduce(1, result, count, 0);
  mla_all_reduce(RANKS, result, count, 0);
}

ENTRY embed(void **d) {
  const memref *ids = d[0], *out = d[1];
  for (int64_t i = 0; i < out->shape[0] * out->shape[1]; ++i)
    ((float *)out->aligned)[i] = (float)((const int32_t *)ids->aligned)[i / out->shape[1]];
}

ENTRY logits(void **d) {
  const memref *hidden = d[0], *out = d[1];
  for (int64_t row = 0; row < out->shape[0]; ++row)
    for (int64_t column = 0; column < out->shape[1]; ++column) {
      float off = ((const float *)hidden->aligned)[row * hidden->shape[1]] / FACTOR + 1 - (float)column;
      ((float *)out->aligned)[row * out->shape[1] + column] = -off * off;
    }
}
