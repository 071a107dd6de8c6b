//===- Request.h - Inputs of a compilation ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_REQUEST_H
#define MLA_LIB_PIPELINE_REQUEST_H

#include "mla/Pipeline/CompileOptions.h"

#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// Return a text that is equal for two compilations only if their bundles are equal. It contains the compiler (and its
/// file), the host's instruction set, the module, which depends on config and options, and size and time of the files
/// of checkpoint and adapter.
std::string describeRequest(mlir::ModuleOp module, const CompileOptions &options);

/// Return names, sizes and times of all files of a directory.
std::string identifyFiles(llvm::StringRef directory);

} // namespace mla

#endif // MLA_LIB_PIPELINE_REQUEST_H
