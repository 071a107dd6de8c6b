/* The user's API must be C: this is compiled as strict C11, and run. */
#include "mla/runtime.h"

#include <stdio.h>
#include <string.h>

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
  mla_bundle_close(NULL);
  return failures != 0;
}
