//===- StoredElements.cpp - Element types between kernels -------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StoredElements.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;

bool mla::isStoredInFloat(Value value, const KernelTarget &target) {
  if (!getElementTypeOrSelf(value.getType()).isF32())
    return false;
  return llvm::any_of(value.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isa<tensor::ExtractSliceOp, tensor::ExpandShapeOp>(user)) // read through strides
      return isStoredInFloat(user->getResult(0), target);
    // Entries return bf16, the logits of a model are f32.
    if (isa<func::ReturnOp>(user))
      return user->getParentOp()->hasAttr(kEndAttr);
    const KernelKind *kind = target.findTaking(user);
    return kind && kind->readsFloat(use);
  });
}
