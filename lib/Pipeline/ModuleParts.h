//===- ModuleParts.h - What a bundle needs of a module ----------*- C++ -*-===//
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

/// The layers of a module that is to become a bundle. An error says which of the attributes of an import is missing, or
/// is none.
llvm::Expected<std::vector<int64_t>> checkAttributes(mlir::ModuleOp module, const CompileOptions &options);

/// Whether the module is of the model that the weights are of.
llvm::Error checkIsOfModel(mlir::ModuleOp module, const Source &source, const CompileOptions &options);

/// Whether all `@prepare` functions make a weight, which passes take for granted.
llvm::Error checkPrepares(mlir::ModuleOp module);

/// Whether every weight of the layer is made by one.
llvm::Error checkAreMade(mlir::ModuleOp module);

} // namespace mla

#endif // MLA_LIB_PIPELINE_MODULEPARTS_H
