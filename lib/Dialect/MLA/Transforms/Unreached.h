//===- Unreached.h - Blocks that are never executed -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_UNREACHED_H
#define MLA_DIALECT_MLA_TRANSFORMS_UNREACHED_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mla {

/// Erases blocks that nothing reaches. A value may depend on itself there, so that walks along operands would not end.
/// Whether there were any.
inline bool eraseUnreached(mlir::Operation *op) {
  mlir::IRRewriter rewriter(op->getContext());
  return mlir::succeeded(mlir::eraseUnreachableBlocks(rewriter, op->getRegions()));
}

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_UNREACHED_H
