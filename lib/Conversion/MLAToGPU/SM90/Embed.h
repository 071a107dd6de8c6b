//===- Embed.h - Rows of a table --------------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_EMBED_H
#define MLA_CONVERSION_MLATOGPU_SM90_EMBED_H

#include "Rows.h"

namespace mla::gpu {

/// y[t] = table[ids[t]], rows of bf16; zeros for an id that is no row.
struct EmbedShape {
  int64_t rows = 0;  ///< of the table
  int64_t width = 0; ///< a multiple of 8

  std::string name() const;
};

inline constexpr int64_t embedThreads = 128;
/// Columns of a CTA.
inline constexpr int64_t embedColumns = embedThreads * laneElements;

/// Adds the kernel to the module, if it is not there. Arguments: ids i32, table, y. Grid: tokens, ceil(width /
/// embedColumns).
void emitEmbed(mlir::gpu::GPUModuleOp module, const EmbedShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_EMBED_H
