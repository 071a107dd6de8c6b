//===- WeightSpec.cpp - Weights without data ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/WeightSpec.h"
#include "Json.h"
#include "TensorErrors.h"

#include "llvm/ADT/STLExtras.h"

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;

DType mla::importer::announcedDType(const AttentionConfig &config, const ExpectedWeight &weight) {
  if (weight.scale)
    return DType::F8_E4M3;
  return config.checkpointDType == CheckpointDType::BF16 ? DType::BF16 : DType::F32;
}

std::vector<WeightSpec> mla::importer::announcedSpecs(const AttentionConfig &config, int64_t layer) {
  std::vector<WeightSpec> specs;
  for (ExpectedWeight &weight : expectedWeights(config, layer)) {
    DType dtype = announcedDType(config, weight);
    specs.push_back({std::move(weight), dtype});
  }
  return specs;
}

WeightSpec mla::importer::makeSpec(Checkpoint &checkpoint, const LayerWeight &weight) {
  return {weight.expected, weight.tensor->dtype, checkpoint.formOf(weight.expected.name)};
}

/// Return "weight_scale_inv F32 [3, 2] of blocks of [128, 128]".
static std::string describeScale(const WeightScale &scale) {
  return (StringRef(scale.name).rsplit('.').second + " " + dtypeName(scale.dtype) + " " + shapeText(scale.shape) +
          " of blocks of " + shapeText(scale.block))
      .str();
}

/// Check that `weight` and its scales are stored like those of the first layer.
static llvm::Error checkAgrees(const Checkpoint &checkpoint, const LayerWeight &weight, const WeightSpec &first) {
  auto differ = [&](const Twine &own, const Twine &other) {
    return fail(checkpoint.where() + ": tensor " + weight.expected.name + ": " + own + ", but " + first.expected.name +
                " " + other +
                ", and layers compiled together share code; compile these layers separately with --layers");
  };
  if (weight.tensor->dtype != first.dtype)
    return differ(Twine("is ") + weight.tensor->typeName(), Twine("is ") + dtypeName(first.dtype));
  if (!first.isScaled())
    return llvm::Error::success();
  std::string own = describeScale(*weight.expected.scale), other = describeScale(*first.expected.scale);
  return own == other ? llvm::Error::success() : differ("has " + own, "has " + other);
}

llvm::Expected<std::vector<WeightSpec>> mla::importer::findSpecs(Checkpoint &checkpoint, const AttentionConfig &config,
                                                                 llvm::ArrayRef<int64_t> layers) {
  std::vector<WeightSpec> specs;
  for (int64_t layer : layers) {
    llvm::Expected<std::vector<LayerWeight>> weights = findLayerWeights(checkpoint, config, layer);
    if (!weights)
      return weights.takeError();
    if (specs.empty()) {
      for (const LayerWeight &weight : *weights)
        specs.push_back(makeSpec(checkpoint, weight));
      continue;
    }
    // Both are in the order of WeightRole; the config determines all but the last.
    if (weights->size() != specs.size())
      return fail(checkpoint.where() + ": layers " + Twine(layers.front()) + " and " + Twine(layer) +
                  ": only one has a bias of kv_b_proj, and layers compiled together share code; compile them "
                  "separately with --layers");
    for (auto [weight, first] : llvm::zip_equal(*weights, specs))
      if (llvm::Error error = checkAgrees(checkpoint, weight, first))
        return error;
  }
  return specs;
}
