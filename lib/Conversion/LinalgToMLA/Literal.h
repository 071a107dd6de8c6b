//===- Literal.h - Numbers in attributes ------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_CONVERSION_LINALGTOMLA_LITERAL_H
#define MLA_LIB_CONVERSION_LINALGTOMLA_LITERAL_H

#include "mlir/IR/BuiltinAttributes.h"
#include <optional>

namespace mla::raise {

/// Return a number's value; 1 for true.
std::optional<double> numberOf(mlir::Attribute number);
/// Return the value of all elements if they are equal.
std::optional<double> splatOf(mlir::Attribute elements);
/// Return the element at a row-major position of inline constants and of f32 and i1 resources.
std::optional<double> elementOf(mlir::Attribute elements, int64_t position);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_LITERAL_H
