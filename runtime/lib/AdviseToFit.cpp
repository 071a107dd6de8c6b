//===- AdviseToFit.cpp - What would fit a device --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DoesNotFit.h"

using namespace mla;

/// Returns the fewest ranks among which the weights would fit, a power of two that divides the heads; 0: none. Weights
/// of heads are nearly all.
static int64_t ranksThatFit(const Manifest &manifest, uint64_t bytes, uint64_t free) {
  for (int64_t ranks = 2; manifest.heads % ranks == 0; ranks *= 2)
    if (bytes / ranks <= free)
      return ranks * manifest.tensorParallel;
  return 0;
}

/// Returns the option that compiles as many layers as fit; "" if not even one does, or there is only one.
static std::string layersThatFit(const Manifest &manifest, uint64_t bytes, uint64_t free) {
  auto layers = static_cast<int64_t>(manifest.layers.size());
  auto fitting =
      static_cast<int64_t>(static_cast<double>(free) / static_cast<double>(bytes) * static_cast<double>(layers));
  if (fitting < 1 || fitting >= layers)
    return "";
  std::string option = manifest.scope.empty() ? "--layers=" : "--scope=layer --layers=";
  return option + std::to_string(manifest.layers.front()) + "-" + std::to_string(manifest.layers[fitting - 1]);
}

std::string mla::adviseToFit(const Manifest &manifest, uint64_t bytes, uint64_t free) {
  std::vector<std::string> options;
  bool isAttention = manifest.scope.empty(); // whole layers are not divided, nor in fp8
  if (int64_t ranks = isAttention ? ranksThatFit(manifest, bytes, free) : 0)
    options.push_back("--tp=" + std::to_string(ranks));
  if (isAttention && manifest.products.empty() && bytes / 2 <= free)
    options.push_back("--dtype=fp8");
  if (std::string layers = layersThatFit(manifest, bytes, free); !layers.empty())
    options.push_back(layers);
  if (options.empty())
    return "free memory, or take a larger device";
  std::string text = "free memory, take a larger device, or compile with " + options.front();
  for (size_t i = 1; i < options.size(); ++i)
    text += (i + 1 == options.size() ? " or " : ", ") + options[i];
  return text;
}
