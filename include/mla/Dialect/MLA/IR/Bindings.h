//===- Bindings.h - Buffers bound by launch lists ---------------*- C++ -*-===//
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

#include "mlir/Interfaces/FunctionInterfaces.h"

namespace mla {

/// Return the rows of a list, in the order of its function's arguments and results.
llvm::SmallVector<schema::Binding> bindingsOf(schema::List list);

/// Return the rows that functions of the list have as arguments, or as results, in order. A cache is one argument, in
/// the place of its first part.
llvm::SmallVector<const schema::Binding *> argumentsOf(schema::List list);
llvm::SmallVector<const schema::Binding *> resultsOf(schema::List list);

/// Return the name of the row's argument or result: its buffer's, or "cache".
llvm::StringRef argumentNameOf(const schema::Binding &binding);

/// Return whether a value of the type can be the row's argument or result. Extents may differ.
bool matches(const schema::Binding &binding, mlir::Type type);

/// Return the row of each type; rows are in the order of `rows`, of which some may be left out. Null if none matches.
llvm::SmallVector<const schema::Binding *> matchInOrder(llvm::ArrayRef<const schema::Binding *> rows,
                                                        mlir::TypeRange types);

/// Return the list of the core of that name, or nothing.
std::optional<schema::List> findCoreList(llvm::StringRef name);

/// Return the list of the launches: an entry if they have a regime, else the core of their name, or nothing.
std::optional<schema::List> listOf(LaunchesOp launches);

/// Return the type of a row, with elements of `dtype` where the table leaves them open. `model` may be null for rows
/// without numbers of a model.
mlir::RankedTensorType typeOf(const schema::Binding &binding, mlir::DictionaryAttr model, mlir::Type dtype);

/// Return the element type's row, if the table has it.
std::optional<schema::Element> elementOf(mlir::Type type);

/// Return whether the function is an attention core: each argument states its buffer, as mla-attention-cores does.
bool isCore(mlir::FunctionOpInterface function);

} // namespace mla

#endif // MLA_DIALECT_MLA_IR_BINDINGS_H
