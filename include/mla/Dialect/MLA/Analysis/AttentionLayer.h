//===- AttentionLayer.h - The layer around an attention ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_ANALYSIS_ATTENTIONLAYER_H
#define MLA_DIALECT_MLA_ANALYSIS_ATTENTIONLAYER_H

#include "mla/Dialect/MLA/Analysis/CostModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mla {

/// The first naive attention of a function, or null.
AttentionOp findAttention(mlir::func::FuncOp function);

/// Sizes of the layer that a naive attention is part of, read off the operations around it: they are right on every
/// tensor-parallel rank and where no `mla.model` says them. What is not there is 0.
LayerShape findLayerShape(AttentionOp attention);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_ATTENTIONLAYER_H
