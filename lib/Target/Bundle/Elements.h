//===- Elements.h - Elements by definition ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The element types of checkpoints by definition, in double precision, which
// represents all of them. Whole rows are widened and rounded in vectors.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_ELEMENTS_H
#define MLA_LIB_TARGET_BUNDLE_ELEMENTS_H

#include "mla/safetensors.h"

#include "mlir/IR/Types.h"
#include "llvm/ADT/ArrayRef.h"

namespace mla {

/// Widen the elements of `data` from `first` on; the data may be unaligned. Elements of an unsupported type become NaN,
/// which compares unequal to everything.
void widenRow(DType dtype, const void *data, int64_t first, llvm::MutableArrayRef<double> row);

/// Round to the nearest values of a floating-point type, ties to even.
void roundRow(mlir::Type type, llvm::MutableArrayRef<double> row);

/// Multiply element by element.
void multiplyRow(llvm::MutableArrayRef<double> row, llvm::ArrayRef<double> factors);

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_ELEMENTS_H
