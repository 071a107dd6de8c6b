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

/// Parse and verify the text at `path`; "-" is standard input. Locations of values are their names in the text, as in
/// an import. Return the first error, with its location.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> readModule(llvm::StringRef path, mlir::MLIRContext &context);

} // namespace mla

#endif // MLA_LIB_PIPELINE_READMODULE_H
