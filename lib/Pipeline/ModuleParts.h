//===- ModuleParts.h - Parts of a module for a bundle -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_MODULEPARTS_H
#define MLA_LIB_PIPELINE_MODULEPARTS_H

#include "Source.h"

#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// Return the layers of a module that becomes a bundle. Return an error if an attribute of an import is missing or
/// invalid.
llvm::Expected<std::vector<int64_t>> checkAttributes(mlir::ModuleOp module, const CompileOptions &options);

/// Check that the module and the weights are of the same model.
llvm::Error checkIsOfModel(mlir::ModuleOp module, const Source &source, const CompileOptions &options);

/// Check that every `@prepare` function computes a weight, which passes assume, and has products in e4m3 only if the
/// module has.
llvm::Error checkPrepares(mlir::ModuleOp module);

/// Check that every weight of the layer is computed by a `@prepare` function, and has elements that its code takes.
llvm::Error checkAreMade(mlir::ModuleOp module, const CompileOptions &options);

} // namespace mla

#endif // MLA_LIB_PIPELINE_MODULEPARTS_H
