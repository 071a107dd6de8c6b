//===- Weights.h - The weights that a compilation takes ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_PIPELINE_WEIGHTS_H
#define MLA_LIB_PIPELINE_WEIGHTS_H

#include "Source.h"
#include "mla/Import/ImportLayer.h"

namespace mla {

importer::ImportOptions importOptions(const CompileOptions &options, std::vector<int64_t> layers);

/// Specs of the layers' weights, each with what an adapter adds; the adapter's tensors join the source's checkpoint.
/// Weights from outside are looked at, element by element; made ones are not even made.
llvm::Expected<std::vector<importer::WeightSpec>> findWeights(Source &source, llvm::ArrayRef<int64_t> layers,
                                                              const CompileOptions &options);

} // namespace mla

#endif // MLA_LIB_PIPELINE_WEIGHTS_H
