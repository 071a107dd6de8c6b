/* A stand-in for the code of a bundle, small enough to know the right result by heart: the cache row of a token begins
 * with the first element of its hidden state, and out is weight[0] times the sum of what the token sees. It walks the
 * same arrays that generated code walks. */
#include "mla/abi.h"
#include "mla/runtime.h"

#include <string.h>

#define ENTRY __attribute__((visibility("default"))) void

typedef struct {
  void *allocated, *aligned;
  int64_t offset, shape[6]; /* sizes, then strides */
} memref;

typedef struct {
  memref *hidden, *cu_seqlens, *pages, *block_table, *lengths, *weight, *out;
  int narrow; /* hidden states are bf16 */
} step;

static float load(const step *s, int64_t index) {
  if (!s->narrow)
    return ((const float *)s->hidden->aligned)[index];
  uint32_t bits = (uint32_t)((const uint16_t *)s->hidden->aligned)[index] << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

static void store(const step *s, int64_t index, float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if (s->narrow)
    ((uint16_t *)s->out->aligned)[index] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  else
    ((float *)s->out->aligned)[index] = value;
}

static float *row(const step *s, int64_t sequence, int64_t token) {
  int64_t page = s->pages->shape[1], width = s->pages->shape[2];
  const int32_t *table = s->block_table->aligned;
  int64_t number = table[sequence * s->block_table->shape[1] + token / page];
  return (float *)s->pages->aligned + (number * page + token % page) * width;
}

static void run_sequence(void *context, int64_t b) {
  const step *s = context;
  const int32_t *cu = s->cu_seqlens->aligned, *lengths = s->lengths->aligned;
  int64_t width = s->hidden->shape[1], count = cu[b + 1] - cu[b];
  for (int64_t i = 0; i < count; ++i) {
    int64_t token = cu[b] + i, position = lengths[b] - count + i;
    *row(s, b, position) = load(s, token * width);
    float sum = 0;
    for (int64_t k = 0; k <= position; ++k)
      sum += *row(s, b, k);
    for (int64_t j = 0; j < width; ++j)
      store(s, token * width + j, sum * *(const float *)s->weight->aligned);
  }
}

static void run(void **d, int narrow) {
  step s = {d[0], d[1], d[2], d[3], d[4], d[5], d[6], narrow};
  mla_parallel_for(run_sequence, &s, s.lengths->shape[0]);
}

#if TEST_CODE_NUMBER == 2
/* The second compilation is large. */
__attribute__((visibility("default"))) const char test_code_room[8 << 20] = {1};
#endif

#if TEST_CODE_NUMBER == 3
/* The third says what it was compiled for. */
__attribute__((visibility("default"))) const char mla_compiled_for[] =
    "{\"dtype\": \"f32\", \"page\": 4, \"cache\": {\"format\": \"standard\", \"dtype\": \"f32\"}, \"rank\": 0,"
    " \"model\": {\"hidden_size\": 3, \"num_attention_heads\": 8, \"heads\": 8, \"v_head_dim\": 16, \"rope_theta\": "
    "10000,"
    " \"rms_norm_eps\": 1e-06},"
    " \"entries\": [{\"symbol\": \"sum_f32\", \"q\": \"fold\", \"o\": \"absorb\", \"weights\": [\"w\"]},"
    "  {\"symbol\": \"ones_f32\", \"weights\": []}],"
    " \"tensors\": {\"w\": {\"dtype\": \"F32\", \"shape\": [1]}, \"v\": {\"dtype\": \"F32\", \"shape\": [9]}}}";
#endif

ENTRY sum_f32(void **descriptors) { run(descriptors, 0); }
ENTRY sum_bf16(void **descriptors) { run(descriptors, 1); }

/* Writes 1 to all of out (2 in a second compilation): tells which entry was chosen. It takes no weight, so out comes
 * right after lengths. */
ENTRY ones_f32(void **descriptors) {
  const memref *out = descriptors[5];
  for (int64_t i = 0; i < out->shape[0] * out->shape[1]; ++i)
    ((float *)out->aligned)[i] = TEST_CODE_NUMBER;
}

/* Writes the number of each token's adapter to its row; takes a weight, as sum_f32. */
ENTRY adapters_f32(void **descriptors) {
  const memref *cu = descriptors[1], *adapters = descriptors[5], *out = descriptors[7];
  for (int64_t b = 0; b < adapters->shape[0]; ++b)
    for (int64_t i = ((const int32_t *)cu->aligned)[b]; i < ((const int32_t *)cu->aligned)[b + 1]; ++i)
      for (int64_t j = 0; j < out->shape[1]; ++j)
        ((float *)out->aligned)[i * out->shape[1] + j] = (float)((const int32_t *)adapters->aligned)[b];
}

/* The ends of a model: rows of the id, and a row's first element plus 0, 1, … */
ENTRY embed_f32(void **descriptors) {
  const memref *ids = descriptors[0], *out = descriptors[1];
  for (int64_t i = 0; i < out->shape[0] * out->shape[1]; ++i)
    ((float *)out->aligned)[i] = (float)((const int32_t *)ids->aligned)[i / out->shape[1]];
}

ENTRY logits_f32(void **descriptors) {
  const memref *hidden = descriptors[0], *out = descriptors[1];
  for (int64_t i = 0; i < out->shape[0] * out->shape[1]; ++i)
    ((float *)out->aligned)[i] =
        ((const float *)hidden->aligned)[i / out->shape[1] * hidden->shape[1]] + (float)(i % out->shape[1]);
}

/* As ones_f32, but with a buffer on the stack of the size that generated code may have. */
ENTRY deep_f32(void **descriptors) {
  volatile char buffer[512 << 10];
  for (int64_t i = 0; i < (int64_t)sizeof(buffer); i += 1024)
    buffer[i] = 1;
  ones_f32(descriptors);
}

/* Leaves out as it is. */
ENTRY nothing_f32(void **descriptors) { (void)descriptors; }

/* As ones_f32, by way of 8 MiB a token, in pieces of which each is written to. */
ENTRY large_f32(void **descriptors) {
  const memref *hidden = descriptors[0];
  for (int64_t i = 0; i < 8 * hidden->shape[0]; ++i) {
    char *piece = mla_allocate(1 << 20);
    if (!piece)
      return;
    memset(piece, (int)i, 1 << 20);
  }
  ones_f32(descriptors);
}

/* Asks for what no system has. */
ENTRY huge_f32(void **descriptors) {
  if (!mla_allocate(INT64_MAX) || !mla_allocate(-1))
    return;
  ones_f32(descriptors);
}

/* Copies what it was given to out, if the whole ABI is as documented; else leaves out alone. */
ENTRY descriptors_f32(void **descriptors) {
  const memref *hidden = descriptors[0], *cu = descriptors[1], *pages = descriptors[2], *table = descriptors[3];
  const memref *weight = descriptors[5], *out = descriptors[6];
  int good = hidden->offset == 0 && hidden->shape[2] == hidden->shape[1] && hidden->shape[3] == 1;
  good &= cu->shape[1] == 1 && table->shape[2] == table->shape[1] && table->shape[3] == 1;
  good &= pages->shape[3] == pages->shape[1] * pages->shape[2] && pages->shape[4] == pages->shape[2];
  good &= pages->shape[5] == 1 && weight->shape[0] == 1 && weight->shape[1] == 1;
  if (good)
    memcpy(out->aligned, hidden->aligned, (size_t)(hidden->shape[0] * hidden->shape[1]) * sizeof(float));
}

/* The sum of hidden over as many ranks as the weight says. */
ENTRY ranks_f32(void **descriptors) {
  const memref *hidden = descriptors[0], *weight = descriptors[5], *out = descriptors[6];
  int64_t count = hidden->shape[0] * hidden->shape[1];
  memcpy(out->aligned, hidden->aligned, (size_t)count * sizeof(float));
  mla_all_reduce((int64_t)*(const float *)weight->aligned, out->aligned, count, 0);
}

/* As sum_f32, of two ranks that share the tokens: this one adds up those of its own pages. */
static void run_shared(void **d, int64_t rank) {
  step s = {d[0], d[1], d[2], d[3], d[4], d[5], d[6], 0};
  const int32_t *cu = s.cu_seqlens->aligned, *lengths = s.lengths->aligned;
  int64_t width = s.hidden->shape[1], page = s.pages->shape[1];
  for (int64_t b = 0; b < s.lengths->shape[0]; ++b)
    for (int64_t i = 0, count = cu[b + 1] - cu[b]; i < count; ++i) {
      int64_t token = cu[b] + i, position = lengths[b] - count + i;
      float sum = 0;
      if (position / page % 2 == rank)
        *row(&s, b, position) = load(&s, token * width);
      for (int64_t k = 0; k <= position; ++k)
        if (k / page % 2 == rank)
          sum += *row(&s, b, k);
      for (int64_t j = 0; j < width; ++j)
        store(&s, token * width + j, sum * *(const float *)s.weight->aligned);
    }
  mla_all_reduce(2, s.out->aligned, s.hidden->shape[0] * width, 0);
}
ENTRY shared0_f32(void **descriptors) { run_shared(descriptors, 0); }
ENTRY shared1_f32(void **descriptors) { run_shared(descriptors, 1); }

/* As ranks_f32 of two, but what it adds to the sum the others do not. */
ENTRY differing_f32(void **descriptors) {
  ranks_f32(descriptors);
  *(float *)((const memref *)descriptors[6])->aligned += 1;
}

/* The threads that run the entry's loops. */
ENTRY threads_f32(void **descriptors) {
  const memref *out = descriptors[6];
  for (int64_t i = 0; i < out->shape[0] * out->shape[1]; ++i)
    ((float *)out->aligned)[i] = (float)mla_num_threads();
}
