//===- Tokens.h - Positions of packed tokens --------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MLATOLINALG_TOKENS_H
#define MLA_LIB_CONVERSION_MLATOLINALG_TOKENS_H

#include "Emitter.h"

namespace mla {

/// The tokens of one sequence in this step: the first, their number, and the position of the first.
struct Span {
  mlir::Value first, count, position;
};

/// Compute the span of sequence `b` from cumulative counts `cu` and cached lengths `length`.
Span emitSpan(Emitter &e, mlir::Value cu, mlir::Value length, mlir::Value b);

/// Compute position and sequence of each of `tokens` packed tokens: tensor<?xi32>.
std::pair<mlir::Value, mlir::Value> emitPositions(Emitter &e, mlir::Value tokens, mlir::Value cu, mlir::Value lengths);

/// Return how many of a sequence's first `pages` pages the cache has.
mlir::Value emitOwnPages(Emitter &e, CacheType cache, mlir::Value pages);

/// Return the entry in the block table of page `index` of those of a sequence that the cache has.
mlir::Value emitEntry(Emitter &e, CacheType cache, mlir::Value index);

/// Return a tensor with rows of shape `shape` per token.
mlir::Value reshapeTokens(Emitter &e, mlir::Value tensor, llvm::ArrayRef<int64_t> shape);

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_TOKENS_H
