//===- ThreadCount.cpp - The number of threads ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadCount.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <sched.h>
#include <unistd.h>

using namespace mla;

int mla::parseThreadCount(const char *text) {
  char *end = nullptr;
  errno = 0;
  long value = std::strtol(text, &end, 10);
  return errno == 0 && end != text && *end == 0 && value >= 1 && value <= maxThreads ? static_cast<int>(value) : 0;
}

int mla::defaultThreadCount() {
  if (const char *text = std::getenv("MLA_NUM_THREADS"))
    if (int count = parseThreadCount(text))
      return count;
  cpu_set_t allowed;
  int count = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? CPU_COUNT(&allowed)
                                                                   : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  return std::min(std::max(count, 1), maxThreads);
}
