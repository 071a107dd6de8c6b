//===- Memory.cpp - Checks of available memory ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Memory.h"
#include "Text.h"

#include <sys/mman.h>

using namespace mla;

bool mla::hasMemory(uint64_t bytes) {
  constexpr uint64_t small = 1 << 20;
  if (bytes > UINT64_MAX - small)
    return false;
  // Not malloc: a compiler may remove an allocation that is freed at once.
  void *memory = mmap(nullptr, bytes + small, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  munmap(memory, bytes + small);
  return true;
}

Error mla::outOfMemory(const std::string &where, const std::string &what) {
  return Error(ErrorKind::OutOfMemory,
               where + ": the system gives no memory for " + what + "; free some, or raise the process's limit");
}

Error mla::systemError(const std::string &path, const char *what, int number, const char *advice) {
  bool memory = number == ENOMEM;
  return Error(memory ? ErrorKind::OutOfMemory : ErrorKind::IO,
               path + ": cannot " + what + ": " + errnoText(number) + "; " +
                   (memory ? "free memory, or raise the process's limit" : advice));
}
