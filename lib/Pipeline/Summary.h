//===- Summary.h - One-line summary of a compilation ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_SUMMARY_H
#define MLA_LIB_PIPELINE_SUMMARY_H

#include "mla/Import/WeightSpec.h"
#include "mla/Pipeline/CompileOptions.h"

#include "mlir/IR/BuiltinOps.h"

namespace mla {

/// Return "layers 0-3, cpu, e4m3 -> bf16, decode absorb, prefill naive, 12.3 MB". `bytes` is the size of the output.
std::string summarize(mlir::ModuleOp module, llvm::ArrayRef<importer::WeightSpec> weights, bool madeWeights,
                      const CompileOptions &options, uint64_t bytes);

/// Return the element types of the matrices: "e4m3", "bf16 and f32".
std::string nameTypes(llvm::ArrayRef<importer::WeightSpec> weights);

/// Return the total size of all files in a directory.
uint64_t sizeOfFiles(llvm::StringRef directory);

} // namespace mla

#endif // MLA_LIB_PIPELINE_SUMMARY_H
