/* The user's API must be C: this is compiled as strict C11, and run. */
#include "mla/runtime.h"

#include <stdio.h>
#include <string.h>

/* So must be the table that compiler and runtime share. */
static const char *const cores[] = {
#define MLA_CORE(Enumerator, name) name,
#include "mla/launch_abi.def"
};
static const char *const formats[] = {
#define MLA_CACHE_FORMAT(Enumerator, name) name,
#include "mla/launch_abi.def"
};
enum {
#define MLA_LIMIT(Enumerator, value) LIMIT_##Enumerator = (value) > 0,
#include "mla/launch_abi.def"
};

static int expect(int condition, const char *what) {
  if (!condition)
    fprintf(stderr, "failed: %s (%s)\n", what, mla_last_error());
  return !condition;
}

int main(void) {
  mla_bundle *bundle = NULL;
  int failures = 0;
  failures += expect(strcmp(mla_last_error(), "") == 0, "no error at first");
  failures += expect(mla_bundle_open("/nonexistent", &bundle) == MLA_IO_ERROR, "no such bundle");
  failures += expect(strstr(mla_last_error(), "/nonexistent/manifest.json") != NULL, "the message names the file");
  failures += expect(bundle == NULL, "nothing was opened");
  failures += expect(strcmp(mla_status_name(MLA_OK), "MLA_OK") == 0, "names of statuses");
  failures += expect(mla_num_threads() >= 1, "at least one thread");
  failures += expect(strlen(mla_version()) > 0, "a version");
  failures +=
      expect(strcmp(cores[0], "latent_attention") == 0 && LIMIT_Shared && LIMIT_MapDim, "the table of launch lists");
  mla_bundle_close(NULL);
  void *memory = NULL;
  mla_step step = {.size = sizeof(step), .layer = 0, .phase = MLA_PHASE_AUTO, .tokens = 1};
  mla_latent_attention latent = {.size = sizeof(latent)};
  mla_naive_attention naive = {.size = sizeof(naive)};
  failures += expect(mla_device_count() == 0, "no device, as the test's environment says");
  failures += expect(strstr(mla_last_error(), "no NVIDIA driver") != NULL, "the message says why");
  failures += expect(mla_device_malloc(1, &memory) == MLA_NO_DEVICE, "no memory of a device");
  failures += expect(mla_device_synchronize() == MLA_NO_DEVICE, "nothing to wait for");
  failures += expect(mla_enqueue_layer(NULL, &step) == MLA_INVALID_ARGUMENT, "no layer without a bundle");
  failures += expect(mla_enqueue_latent_attention(NULL, &latent) == MLA_INVALID_ARGUMENT, "no latent attention");
  failures += expect(mla_enqueue_naive_attention(NULL, &naive) == MLA_INVALID_ARGUMENT, "no naive attention");
  failures += expect(MLA_F32 == 0 && MLA_BF16 == 1 && MLA_I8 == 4, "types of elements");
  failures += expect(sizeof(((mla_bundle_info *)0)->cache_row) == 8, "elements per row of the cache");
  failures += expect(sizeof(((mla_bundle_info *)0)->products) == sizeof(const char *), "products of scaled weights");
  failures += expect(strcmp(formats[0], "standard") == 0 && strcmp(formats[2], "fp8_row") == 0, "formats of the cache");
  failures += expect(strcmp(mla_status_name(MLA_DEVICE_ERROR), "MLA_DEVICE_ERROR") == 0, "names of new statuses");
  return failures != 0;
}
