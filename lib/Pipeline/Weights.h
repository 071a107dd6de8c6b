//===- Weights.h - The weights of a compilation -----------------*- C++ -*-===//
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

/// The specs of the weights of a compilation.
struct FoundWeights {
  std::vector<importer::LayerGroup> groups; ///< By kind of layer; attentions are all of one.
  std::vector<importer::WeightSpec> ends;   ///< Of a model.
  importer::AdapterNames adapters;          ///< That are not merged.

  std::vector<importer::WeightSpec> all() const;
};

/// Return the specs of the layers' weights, including updates of adapters, whose tensors are added to the source's
/// checkpoint. Check every element of given weights; do not generate weights.
llvm::Expected<FoundWeights> findWeights(Source &source, llvm::ArrayRef<int64_t> layers, const CompileOptions &options);

/// Without a weight in e4m3 there are no products in e4m3: return --dtype=fp8 as --dtype=bf16, with a remark.
CompileOptions settleProducts(const CompileOptions &options, llvm::ArrayRef<importer::WeightSpec> specs);

} // namespace mla

#endif // MLA_LIB_PIPELINE_WEIGHTS_H
