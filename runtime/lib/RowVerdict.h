//===- RowVerdict.h - Numbers that a packed cache cannot hold ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_ROWVERDICT_H
#define MLA_RUNTIME_ROWVERDICT_H

#include "StepVerdict.h"

#include "mla/cache_format.h"
#include "mla/runtime.h"

namespace mla {

/// The rows of a packed cache, in host memory or as sizes alone.
struct PackedRows {
  const void *pages = nullptr;
  int64_t rowBytes = 0;
  schema::RowLimits limits;
};
PackedRows packedRows(schema::CacheFormat format, int64_t latent, int64_t rope);

/// Computes the verdict of the kernel row_check for the sequence. The tables are right.
mla_row_verdict judgeRows(const StepTables &tables, const PackedRows &rows, int64_t sequence);

/// Returns the place and value of the first number in the verdict of a sequence.
mla_saturation firstOf(const mla_row_verdict &verdict, int64_t sequence, const PackedRows &rows);

} // namespace mla

#endif // MLA_RUNTIME_ROWVERDICT_H
