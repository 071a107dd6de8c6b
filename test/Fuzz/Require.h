//===- Require.h - What a fuzz target holds to be true ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_FUZZ_REQUIRE_H
#define MLA_TEST_FUZZ_REQUIRE_H

#include <cstdio>
#include <cstdlib>

/// Checks in every build, unlike assert().
#define REQUIRE(condition)                                                                                             \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                                   \
      std::abort();                                                                                                    \
    }                                                                                                                  \
  } while (false)

/// Set by a target if an input passed all checks: a corpus without such an input tests nothing.
inline bool inputAccepted = false;

#endif // MLA_TEST_FUZZ_REQUIRE_H
