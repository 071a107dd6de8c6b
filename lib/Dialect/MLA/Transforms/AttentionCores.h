//===- AttentionCores.h - The attention alone -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_DIALECT_MLA_TRANSFORMS_ATTENTIONCORES_H
#define MLA_LIB_DIALECT_MLA_TRANSFORMS_ATTENTIONCORES_H

#include "mla/Dialect/MLA/Transforms/Passes.h"

namespace mla {

/// Adds `@latent_attention` and `@naive_attention`, functions with nothing but the attention of the model, for engines
/// that do the rest themselves. Without `mla.model` or an attention there is nothing to make them of.
void addAttentionCores(mlir::ModuleOp module);

} // namespace mla

#endif // MLA_LIB_DIALECT_MLA_TRANSFORMS_ATTENTIONCORES_H
