//===- Weights.cpp - The weights of a compilation -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Weights.h"
#include "mla/Import/Adapter.h"

#include "llvm/Support/raw_ostream.h"

using namespace mla;
using namespace mla::importer;

/// Return the specs of the layers' weights. Check every element of given weights; do not generate weights.
static llvm::Expected<std::vector<WeightSpec>> checkWeights(Source &source, llvm::ArrayRef<int64_t> layers,
                                                            const CompileOptions &options) {
  if (source.madeWeights)
    return announcedSpecs(source.config, layers.front());
  llvm::Expected<std::vector<WeightSpec>> specs = findSpecs(*source.checkpoint, source.config, layers);
  if (!specs)
    return specs;
  for (int64_t layer : layers) {
    options.progress("checking the weights of layer " + std::to_string(layer));
    llvm::Expected<std::vector<LayerWeight>> weights = findLayerWeights(*source.checkpoint, source.config, layer);
    if (!weights)
      return weights.takeError();
    if (llvm::Error error = checkFinite(*weights, source.checkpoint->where()))
      return error;
  }
  if (std::string remark = unusedScales(*source.checkpoint, layers); !remark.empty()) {
    options.progress("");
    llvm::errs() << "remark: " << remark << "\n";
  }
  return specs;
}

/// Add the adapter's updates to the specs, and its tensors to the checkpoint.
static llvm::Error addAdapter(Source &source, llvm::ArrayRef<int64_t> layers, std::vector<WeightSpec> &specs,
                              const CompileOptions &options) {
  llvm::Expected<Adapter> adapter = Adapter::open(options.adapter, source.config, source.checkpoint->prefixOfLayers());
  if (!adapter)
    return adapter.takeError();
  options.progress("checking the adapter");
  if (llvm::Error error = adapter->apply(layers, specs))
    return error;
  options.progress("");
  llvm::errs() << "remark: " << adapter->summary(layers, specs) << "\n";
  source.checkpoint = Adapter::addTo(std::move(source.checkpoint), std::move(*adapter));
  return llvm::Error::success();
}

ImportOptions mla::importOptions(const CompileOptions &options, std::vector<int64_t> layers) {
  ImportOptions import;
  import.layers = std::move(layers);
  import.dtype = options.dtype;
  import.cacheFormat = options.cacheFormat;
  import.tokenTerms = options.tokenTerms;
  import.page = options.page;
  import.tensorParallel = options.tensorParallel;
  import.rank = options.rank;
  return import;
}

llvm::Expected<std::vector<WeightSpec>> mla::findWeights(Source &source, llvm::ArrayRef<int64_t> layers,
                                                         const CompileOptions &options) {
  llvm::Expected<std::vector<WeightSpec>> specs = checkWeights(source, layers, options);
  if (!specs || options.adapter.empty())
    return specs;
  if (llvm::Error error = addAdapter(source, layers, *specs, options))
    return error;
  return specs;
}
