/*===- arc4random.c - Random numbers of glibc 2.36 -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Debian's LLVM names temporary files by this function, the only one that it
// needs of a glibc newer than 2.35, which Ubuntu 22.04 has.
//
//===----------------------------------------------------------------------===*/

#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

uint32_t arc4random(void) {
  uint32_t value;
  if (getrandom(&value, sizeof(value), 0) != (ssize_t)sizeof(value)) /* up to 256 bytes come whole or not at all */
    abort();
  return value;
}
