//===- Merge.h - Merge partial attentions -----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_MLATOLINALG_MERGE_H
#define MLA_LIB_CONVERSION_MLATOLINALG_MERGE_H

#include "Emitter.h"

namespace mla {

/// Compute the attention [T, H, V] and its LSE [T, H] from partials [S, T, H, V] with LSEs [S, T, H], and sinks [H] or
/// null; elements of the attention are stored as `outputElement`.
llvm::SmallVector<mlir::Value> emitMerge(Emitter &e, mlir::Value partials, mlir::Value lses, mlir::Value sinks,
                                         mlir::Type outputElement);

} // namespace mla

#endif // MLA_LIB_CONVERSION_MLATOLINALG_MERGE_H
