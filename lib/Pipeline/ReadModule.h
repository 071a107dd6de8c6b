//===- ReadModule.h - A module from a file ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_READMODULE_H
#define MLA_LIB_PIPELINE_READMODULE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

namespace mla {

/// Parses and verifies the text at `path`; "-" is standard input. Values are called in their locations what they are
/// called in the text, as those of an import are. The error is the first one, with its location.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> readModule(llvm::StringRef path, mlir::MLIRContext &context);

} // namespace mla

#endif // MLA_LIB_PIPELINE_READMODULE_H
