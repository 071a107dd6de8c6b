//===- BundleWeights.cpp - The weights of a bundle's entries --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bundle.h"
#include "Memory.h"
#include "Text.h"

#include "mla/abi.h"

using namespace mla;

static Error invalid(const mla_bundle &bundle, const std::string &name, const std::string &what) {
  return Error(ErrorKind::InvalidFile,
               bundle.weights->path() + ": tensor " + quoted(name) + " " + what + "; compile the bundle again");
}

/// Accepts the manifest's type, f32 for small tables and scales in a bf16 bundle, and e4m3 for kernels.
static bool plausible(DType dtype, const Manifest &manifest) {
  return dtype == DType::F32 || (dtype == DType::BF16 && manifest.dtype == MLA_BF16) ||
         (dtype == DType::F8_E4M3 && manifest.hasKernels());
}

static Error checkWeight(const mla_bundle &bundle, const std::string &name, const SafetensorsTensor *tensor) {
  if (!tensor)
    return invalid(bundle, name, "is missing");
  if (!plausible(tensor->dtype, bundle.manifest))
    return invalid(bundle, name,
                   std::string("has dtype ") + dtypeName(tensor->dtype) +
                       ", which an entry of this bundle cannot take");
  if (tensor->shape.size() > Tensor::maxRank)
    return invalid(bundle, name,
                   "has " + std::to_string(tensor->shape.size()) + " dimensions, more than " +
                       std::to_string(Tensor::maxRank));
  if (!tensor->isAligned())
    return invalid(bundle, name, "is not aligned for its elements");
  return {};
}

/// Layers share their code, and with it the static shapes.
static Error checkLikeFirstLayer(const mla_bundle &bundle, const std::string &weight, const std::string &name,
                                 const SafetensorsTensor &tensor) {
  std::string firstName = "layers." + std::to_string(bundle.manifest.layers.front()) + "." + weight;
  const SafetensorsTensor *first = bundle.weights->find(firstName);
  if (first && (first->shape != tensor.shape || first->dtype != tensor.dtype))
    return invalid(bundle, name,
                   std::string("is ") + dtypeName(tensor.dtype) + " " + shapeText(tensor.shape) + ", but " +
                       quoted(firstName) + " is " + dtypeName(first->dtype) + " " + shapeText(first->shape));
  return {};
}

static Tensor view(const SafetensorsTensor &tensor) {
  Tensor result;
  result.data = const_cast<void *>(tensor.data); // mapped read-only; entries only read weights
  result.rank = static_cast<int>(tensor.shape.size());
  for (int i = 0; i < result.rank; ++i)
    result.sizes[i] = tensor.shape[i];
  return result;
}

/// Binds the weights of an end, whose names have no layer.
static Error bindEnd(const mla_bundle &bundle, const ManifestEnd &end, std::vector<Tensor> &bound) {
  for (const std::string &weight : end.weights) {
    const SafetensorsTensor *tensor = bundle.weights->find(weight);
    if (Error error = checkWeight(bundle, weight, tensor))
      return error;
    bound.push_back(view(*tensor));
  }
  return {};
}

static Error bindEntry(const mla_bundle &bundle, int64_t layer, const ManifestEntry &entry, std::vector<Tensor> &bound,
                       int64_t &bytes) {
  for (const std::string &weight : entry.weights) {
    std::string name = "layers." + std::to_string(layer) + "." + weight;
    const SafetensorsTensor *tensor = bundle.weights->find(name);
    if (Error error = checkWeight(bundle, name, tensor))
      return error;
    if (Error error = checkLikeFirstLayer(bundle, weight, name, *tensor))
      return error;
    bound.push_back(view(*tensor));
    bytes += static_cast<int64_t>(tensor->bytes);
  }
  return {};
}

/// Checks memory for the lists of all layers and entries, which small files can make long. Those for a GPU are shorter.
static bool hasMemoryForLists(const Manifest &manifest) {
  uint64_t weights = 0;
  for (const ManifestEntry &entry : manifest.entries)
    weights += entry.weights.size();
  uint64_t each = 2 * (weights * sizeof(Tensor) + manifest.entries.size() * sizeof(std::vector<Tensor>));
  return hasMemory(manifest.layers.size() * each);
}

Error mla::bindWeights(mla_bundle &bundle) {
  if (!hasMemoryForLists(bundle.manifest))
    return outOfMemory(bundle.path, "the lists of its weights");
  for (int64_t layer : bundle.manifest.layers)
    for (size_t i = 0; i < bundle.entries.size(); ++i) {
      std::vector<Tensor> &bound = bundle.bound.emplace_back();
      if (!bundle.manifest.entries[i].serves(layer))
        continue;
      bundle.entries[i].weight_bytes = 0; // the same for every layer, since shapes and types are
      if (Error error = bindEntry(bundle, layer, bundle.manifest.entries[i], bound, bundle.entries[i].weight_bytes))
        return error;
    }
  for (size_t end = 0; end < numEnds; ++end)
    if (Error error = bindEnd(bundle, bundle.manifest.ends[end], bundle.boundEnds[end]))
      return error;
  return {};
}
