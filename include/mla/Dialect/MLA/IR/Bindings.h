//===- Bindings.h - What launch lists ask their caller for ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rows of mla/launch_abi.def as types.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_IR_BINDINGS_H
#define MLA_DIALECT_MLA_IR_BINDINGS_H

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/launch_abi.h"

namespace mla {

/// The rows of a list, in the order of its function's arguments and results.
llvm::SmallVector<schema::Binding> bindingsOf(schema::List list);

/// The list that the launches are: an entry if they have a regime, else the core of their name; nothing if there is
/// none.
std::optional<schema::List> listOf(LaunchesOp launches);

/// The type of a row, for elements of `dtype` where the table leaves them open. `model` may be null for rows that no
/// number of a model is in.
mlir::RankedTensorType typeOf(const schema::Binding &binding, mlir::DictionaryAttr model, mlir::Type dtype);

/// The element type's row, if the table has it.
std::optional<schema::Element> elementOf(mlir::Type type);

} // namespace mla

#endif // MLA_DIALECT_MLA_IR_BINDINGS_H
