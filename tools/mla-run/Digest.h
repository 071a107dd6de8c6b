//===- Digest.h - Comparing the results of ranks ----------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All ranks compute the same results, bit by bit. Each keeps a checksum of what
// it computed, and at the end they are compared.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_DIGEST_H
#define MLA_RUN_DIGEST_H

#include "Options.h"

namespace mla::run {

/// Record the checksum of a result (FNV-1a), if the options ask for it.
inline void note(const Options &options, const std::string &result, const void *data, size_t bytes) {
  if (!options.digests)
    return;
  uint64_t sum = 0xcbf29ce484222325;
  for (size_t i = 0; i < bytes; ++i)
    sum = (sum ^ static_cast<const unsigned char *>(data)[i]) * 0x100000001b3;
  options.digests->push_back({result, sum});
}

} // namespace mla::run

#endif // MLA_RUN_DIGEST_H
