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

/// Return the first naive attention of a function that can be executed, or null.
AttentionOp findAttention(mlir::func::FuncOp function);

/// Derives the sizes of the layer around a naive attention from its operations: they are correct on every
/// tensor-parallel rank and without `mla.model`. Missing sizes are 0.
///
/// If the module's products are e4m3, scaled weights have that format. `forKernels`: false for the CPU, which has no
/// such products and holds all weights in f32 then.
LayerShape findLayerShape(AttentionOp attention, bool forKernels);

} // namespace mla

#endif // MLA_DIALECT_MLA_ANALYSIS_ATTENTIONLAYER_H
