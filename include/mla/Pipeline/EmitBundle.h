//===- EmitBundle.h - From a layer to a bundle ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_PIPELINE_EMITBUNDLE_H
#define MLA_PIPELINE_EMITBUNDLE_H

#include "mla/Import/Checkpoint.h"
#include "mla/Pipeline/CompileOptions.h"

#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// Write the bundle `out` of a module at Stage::Layout (CPU) or Stage::Kernels (GPU): run its `@prepare` functions on
/// the weights of every layer of `mla.layers`, and compile the rest. The weights must be checked. `configText`, the
/// model's config.json, is recorded in the bundle.
llvm::Error emitBundle(mlir::ModuleOp module, importer::Checkpoint &checkpoint, llvm::StringRef configText,
                       const CompileOptions &options, llvm::StringRef out);

} // namespace mla

#endif // MLA_PIPELINE_EMITBUNDLE_H
