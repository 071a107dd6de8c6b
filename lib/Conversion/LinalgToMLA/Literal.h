//===- Literal.h - Numbers in constants -------------------------*- C++ -*-===//
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

/// A number's value; true is 1.
std::optional<double> numberOf(mlir::Attribute number);
/// The value of all elements, where it is one.
std::optional<double> splatOf(mlir::Attribute elements);
/// The element at a row-major position, of inline constants and of f32 and i1 resources.
std::optional<double> elementOf(mlir::Attribute elements, int64_t position);

} // namespace mla::raise

#endif // MLA_LIB_CONVERSION_LINALGTOMLA_LITERAL_H
