//===- Gather.h - Pack the cached tokens ------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_CONVERSION_MLATOGPU_SM90_GATHER_H
#define MLA_CONVERSION_MLATOGPU_SM90_GATHER_H

#include "Rows.h"

#include "mla/Dialect/MLA/IR/MLA.h"

namespace mla::gpu {

/// latent[i] ‖ k_rope[i] = the cache's row of the i-th cached token, sequence after sequence, and the index of every
/// sequence's first token: cu_keys i32[batch + 1].
struct GatherShape {
  int64_t latent = 0; ///< L, a multiple of 8
  int64_t rope = 0;   ///< R, a multiple of 8 or 0
  int64_t page = 64;  ///< tokens
  CacheFormat format = CacheFormat::Standard;

  std::string name() const;
};

inline constexpr int64_t gatherTokens = 32; ///< of one sequence, per CTA
inline constexpr int64_t gatherThreads = 256;

/// Adds the kernel to the module, if it is not there. Arguments: pages, block_table, lengths,
/// latent [cached, L], k_rope [cached, R] (if R > 0), cu_keys; batch, entries per row of the block table, pages, cached
/// (rows of the results). Grid: (ceil((max_length + 1) / gatherTokens), batch). Rows in pages that do not exist are
/// zero.
void emitGather(mlir::gpu::GPUModuleOp module, const GatherShape &shape);

} // namespace mla::gpu

#endif // MLA_CONVERSION_MLATOGPU_SM90_GATHER_H
