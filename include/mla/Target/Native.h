//===- Native.h - Machine code for the host ---------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TARGET_NATIVE_H
#define MLA_TARGET_NATIVE_H

#include "mla/Target/CPU/Level.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

namespace mlir {
class ExecutionEngine;
}

namespace mla {

/// Register the translation of the LLVM dialect and the host's code generator.
/// Call before the other functions.
void registerNativeTarget(mlir::DialectRegistry &registry);

/// Write a module of the LLVM dialect as a shared object that exports its
/// `mla_entry_*` functions and `compiledFor` (mla/abi.h), and needs the runtime.
/// Processors of the level run it.
llvm::Error emitSharedObject(mlir::ModuleOp module, const CPULevel &level, llvm::StringRef compiledFor,
                             llvm::StringRef path);

/// Compile a module of the LLVM dialect into this process, for this machine.
llvm::Expected<std::unique_ptr<mlir::ExecutionEngine>> compileInProcess(mlir::ModuleOp module);

} // namespace mla

#endif // MLA_TARGET_NATIVE_H
