//===- Assembly.h - Parts of the operations' assembly -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The `custom<…>` of assembly formats in MLALaunchOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_DIALECT_MLA_IR_ASSEMBLY_H
#define MLA_LIB_DIALECT_MLA_IR_ASSEMBLY_H

#include "mlir/IR/OpImplementation.h"

namespace mla {

/// Parses `(expression, …)` over the sizes of a step.
mlir::ParseResult parseExpressions(mlir::AsmParser &parser, mlir::AffineMapAttr &expressions);
void printExpressions(mlir::AsmPrinter &printer, mlir::Operation *op, mlir::AffineMapAttr expressions);

/// Parses `[attribute, …]`, one per line.
mlir::ParseResult parseArguments(mlir::OpAsmParser &parser, mlir::ArrayAttr &arguments);
void printArguments(mlir::OpAsmPrinter &printer, mlir::Operation *op, mlir::ArrayAttr arguments);

} // namespace mla

#endif // MLA_LIB_DIALECT_MLA_IR_ASSEMBLY_H
