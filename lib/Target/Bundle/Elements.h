//===- Elements.h - What bytes mean -----------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The types of a checkpoint's elements by definition, in double precision, which
// holds all of them. Whole rows are widened and rounded in vectors.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_ELEMENTS_H
#define MLA_LIB_TARGET_BUNDLE_ELEMENTS_H

#include "mla/safetensors.h"

#include "mlir/IR/Types.h"
#include "llvm/ADT/ArrayRef.h"

namespace mla {

/// The values of elements `first` and on of `data`, which need not be aligned. Of a type without a definition here they
/// are NaN, which is equal to nothing.
void widenRow(DType dtype, const void *data, int64_t first, llvm::MutableArrayRef<double> row);

/// To the nearest values of a floating-point type, ties to even.
void roundRow(mlir::Type type, llvm::MutableArrayRef<double> row);

/// Element by element.
void multiplyRow(llvm::MutableArrayRef<double> row, llvm::ArrayRef<double> factors);

} // namespace mla

#endif // MLA_LIB_TARGET_BUNDLE_ELEMENTS_H
