//===- Summary.h - What was compiled, in a line -----------------*- C++ -*-===//
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

/// "layers 0-3, cpu, e4m3 -> bf16, decode absorb, prefill naive, 12.3 MB". `bytes` were written.
std::string summarize(mlir::ModuleOp module, llvm::ArrayRef<importer::WeightSpec> weights, bool madeWeights,
                      const CompileOptions &options, uint64_t bytes);

/// Element types of the matrices: "e4m3", "bf16 and f32".
std::string nameTypes(llvm::ArrayRef<importer::WeightSpec> weights);

/// Of all files in a directory.
uint64_t sizeOfFiles(llvm::StringRef directory);

} // namespace mla

#endif // MLA_LIB_PIPELINE_SUMMARY_H
