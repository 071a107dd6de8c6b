//===- EmitPTX.h - The code of a GPU bundle   -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINE_EMITPTX_H
#define MLA_PIPELINE_EMITPTX_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>

namespace mla {

/// Return the PTX of a module at Stage::NVVM.
llvm::Expected<std::string> emitPTX(mlir::ModuleOp module);

/// Return the path of ptxas in $CUDA_HOME/bin or in PATH, or "" if there is none.
std::string findPtxas();

/// Assemble `ptx` to `cubin`. Warnings go to stderr.
llvm::Error assemble(llvm::StringRef ptxas, llvm::StringRef chip, llvm::StringRef ptx, llvm::StringRef cubin);

} // namespace mla

#endif // MLA_PIPELINE_EMITPTX_H
