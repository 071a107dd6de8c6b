//===- StoredElements.h - Element types between kernels ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_TRANSFORMS_STOREDELEMENTS_H
#define MLA_DIALECT_MLA_TRANSFORMS_STOREDELEMENTS_H

#include "mla/Dialect/MLA/IR/KernelKind.h"

namespace mla {

/// Return whether the f32 elements of a value are stored as they are, not rounded to bf16: an end of a model returns
/// it, or a kernel reads it in f32, such as a router its logits.
bool isStoredInFloat(mlir::Value value, const KernelTarget &target);

} // namespace mla

#endif // MLA_DIALECT_MLA_TRANSFORMS_STOREDELEMENTS_H
