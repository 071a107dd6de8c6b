//===- WriteOutput.h - The output of a compilation --------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_WRITEOUTPUT_H
#define MLA_LIB_PIPELINE_WRITEOUTPUT_H

#include "Source.h"
#include "mla/Import/WeightSpec.h"

#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// Write the output options.emit of a module at lastStage(options), and a summary to stderr. A bundle needs the weights
/// of `source`; other outputs need none.
llvm::Error writeOutput(mlir::ModuleOp module, Source *source, llvm::ArrayRef<importer::WeightSpec> specs,
                        const CompileOptions &options);

} // namespace mla

#endif // MLA_LIB_PIPELINE_WRITEOUTPUT_H
