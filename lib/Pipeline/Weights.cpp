//===- Weights.cpp - The weights of a compilation -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Weights.h"
#include "mla/Import/Adapter.h"
#include "mla/Import/DecoderConfig.h"
#include "mla/Import/UnmergedAdapters.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;
using namespace mla::importer;

static void printRemark(llvm::StringRef remark, const CompileOptions &options) {
  if (remark.empty())
    return;
  options.progress("");
  llvm::errs() << "remark: " << remark << "\n";
}

/// Reject elements that are no numbers. Those of a packed weight are in memory one weight at a time.
static llvm::Error checkElements(Checkpoint &checkpoint, llvm::ArrayRef<LayerWeight> weights) {
  for (LayerWeight weight : weights) {
    llvm::Expected<TensorHandle> tensor = checkpoint.read(weight.expected.name);
    if (!tensor)
      return tensor.takeError();
    weight.tensor = tensor->get();
    if (llvm::Error error = checkFinite(weight, checkpoint.where()))
      return error;
  }
  return llvm::Error::success();
}

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
    if (llvm::Error error = checkElements(*source.checkpoint, *weights))
      return error;
  }
  printRemark(unusedScales(*source.checkpoint, source.config, layers), options);
  return specs;
}

/// Add the adapter's updates to the specs, and its tensors to the checkpoint.
static llvm::Error addAdapter(Source &source, llvm::ArrayRef<int64_t> layers, std::vector<WeightSpec> &specs,
                              const CompileOptions &options) {
  llvm::Expected<Adapter> adapter =
      Adapter::open(options.adapters.front(), source.config, source.checkpoint->prefixOfLayers());
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

/// Return whether an update changes what is cached.
static bool changesCache(const WeightSpec &weight) {
  return weight.updates && weight.expected.role == WeightRole::WDKV;
}

/// Add the updates of all adapters to the specs, and their tensors to the checkpoint.
static llvm::Expected<AdapterNames> addUnmerged(Source &source, llvm::ArrayRef<int64_t> layers,
                                                std::vector<WeightSpec> &specs, const CompileOptions &options) {
  llvm::Expected<UnmergedAdapters> adapters =
      UnmergedAdapters::open(options.adapters, source.config, source.checkpoint->prefixOfLayers());
  if (!adapters)
    return adapters.takeError();
  options.progress("checking the adapters");
  if (llvm::Error error = adapters->apply(layers, specs))
    return error;
  printRemark(adapters->summary(specs), options);
  AdapterNames names = {adapters->names().vec(), llvm::any_of(specs, changesCache)};
  auto added = UnmergedAdapters::addTo(std::move(source.checkpoint), std::move(*adapters), layers, specs);
  if (!added)
    return added.takeError();
  source.checkpoint = std::move(*added);
  return names;
}

ImportOptions mla::importOptions(const CompileOptions &options, std::vector<int64_t> layers) {
  ImportOptions import;
  import.layers = std::move(layers);
  import.dtype = options.dtype;
  import.cacheFormat = options.cacheFormat;
  import.cacheScale = options.cacheScale;
  import.tokenTerms = options.tokenTerms;
  import.page = options.page;
  import.hasEnds = options.scope == Scope::Model;
  return import;
}

/// Divide layers by kind, in the order of their first.
static std::vector<LayerGroup> groupLayers(const AttentionConfig &config, llvm::ArrayRef<int64_t> layers) {
  std::vector<LayerGroup> groups;
  for (int64_t layer : layers) {
    auto group = llvm::find_if(groups, [&](const LayerGroup &group) {
      return !config.decoder || config.decoder->hasExperts(group.layers.front()) == config.decoder->hasExperts(layer);
    });
    if (group == groups.end())
      group = groups.insert(groups.end(), LayerGroup());
    group->layers.push_back(layer);
  }
  return groups;
}

/// Return the specs of a model's ends. Check every element of given weights.
static llvm::Expected<std::vector<WeightSpec>> checkEnds(Source &source, const CompileOptions &options) {
  std::vector<WeightSpec> specs;
  if (source.madeWeights) {
    for (ExpectedWeight &weight : endWeights(source.config))
      specs.push_back({weight, announcedDType(source.config, weight)});
    return specs;
  }
  options.progress("checking the weights of embedding and logits");
  llvm::Expected<std::vector<LayerWeight>> weights = findEndWeights(*source.checkpoint, source.config);
  if (!weights)
    return weights.takeError();
  if (llvm::Error error = checkElements(*source.checkpoint, *weights))
    return error;
  for (const LayerWeight &weight : *weights)
    specs.push_back(makeSpec(*source.checkpoint, weight));
  printRemark(furtherLayers(*source.checkpoint, source.config), options);
  return specs;
}

std::vector<WeightSpec> FoundWeights::all() const {
  std::vector<WeightSpec> specs = ends;
  for (const LayerGroup &group : groups)
    llvm::append_range(specs, group.weights);
  return specs;
}

llvm::Expected<FoundWeights> mla::findWeights(Source &source, llvm::ArrayRef<int64_t> layers,
                                              const CompileOptions &options) {
  FoundWeights found;
  found.groups = groupLayers(source.config, layers);
  for (LayerGroup &group : found.groups) {
    llvm::Expected<std::vector<WeightSpec>> specs = checkWeights(source, group.layers, options);
    if (!specs)
      return specs.takeError();
    group.weights = std::move(*specs);
  }
  std::vector<WeightSpec> &first = found.groups.front().weights;
  if (options.isUnmerged) {
    if (llvm::Error error = addUnmerged(source, layers, first, options).moveInto(found.adapters))
      return error;
  } else if (!options.adapters.empty()) {
    if (llvm::Error error = addAdapter(source, layers, first, options))
      return error;
  }
  if (options.scope != Scope::Model)
    return found;
  llvm::Expected<std::vector<WeightSpec>> ends = checkEnds(source, options);
  if (!ends)
    return ends.takeError();
  found.ends = std::move(*ends);
  return found;
}

CompileOptions mla::settleProducts(const CompileOptions &options, llvm::ArrayRef<WeightSpec> specs) {
  if (!options.tokenTerms || llvm::any_of(specs, [](const WeightSpec &spec) { return spec.isScaled(); }))
    return options;
  CompileOptions settled = options;
  settled.tokenTerms = 0;
  options.progress("");
  llvm::errs() << "remark: --dtype=fp8: no weight is in e4m3, so that it means --dtype=bf16"
               << " --cache-dtype=" << (isPacked(options.cacheFormat) ? nameOf(options.cacheFormat) : "bf16") << "\n";
  return settled;
}
