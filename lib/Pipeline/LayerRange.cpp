//===- LayerRange.cpp - Layers compiled together --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerRange.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

#include <numeric>

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;

llvm::Error mla::makeError(const Twine &text) { return llvm::createStringError(llvm::inconvertibleErrorCode(), text); }

std::optional<LayerRange> LayerRange::parse(StringRef text) {
  LayerRange range;
  range.isGiven = true;
  if (text == "all") {
    range.last = std::nullopt;
    return range;
  }
  auto [firstText, lastText] = text.split('-');
  if (!llvm::to_integer(firstText, range.first, 10) || range.first < 0)
    return std::nullopt;
  range.last = range.first;
  if (text.contains('-') && (!llvm::to_integer(lastText, *range.last, 10) || *range.last < range.first))
    return std::nullopt;
  return range;
}

/// Return "0, 4 to 6 and 9".
static std::string listText(llvm::ArrayRef<int64_t> layers) {
  std::vector<std::string> parts;
  for (size_t first = 0, next; first < layers.size(); first = next) {
    for (next = first + 1; next < layers.size() && layers[next] == layers[next - 1] + 1;)
      ++next;
    parts.push_back(std::to_string(layers[first]) +
                    (next - first > 1 ? " to " + std::to_string(layers[next - 1]) : std::string()));
  }
  if (parts.size() == 1)
    return parts.front();
  std::string last = parts.back();
  parts.pop_back();
  return llvm::join(parts, ", ") + " and " + last;
}

/// Return the model's layers that have the config's attention, or those that have another one.
static std::vector<int64_t> layersWith(const AttentionConfig &config, bool own) {
  std::vector<int64_t> layers;
  for (int64_t layer = 0; layer < config.numLayers; ++layer)
    if (config.otherAttention(layer).empty() == own)
      layers.push_back(layer);
  return layers;
}

static llvm::Error refuseLayer(int64_t layer, const AttentionConfig &config, StringRef where) {
  if (layer >= config.numLayers)
    return makeError(where + ": layer " + Twine(layer) +
                     " predicts further tokens (num_nextn_predict_layers), and the "
                     "config does not say what its attention is; choose --layers among " +
                     listText(layersWith(config, /*own=*/true)));
  return makeError(where + ": layer " + Twine(layer) + " has " + config.otherAttention(layer) +
                   "; choose --layers among " + listText(layersWith(config, /*own=*/true)));
}

llvm::Expected<std::vector<int64_t>> mla::layersOf(const LayerRange &range, const AttentionConfig &config,
                                                   StringRef where) {
  if (!range.last)
    return layersWith(config, /*own=*/true);
  int64_t last = *range.last, most = config.numLayers + config.furtherLayers;
  if (last >= most)
    return makeError(
        where + ": has layers 0 to " + Twine(config.numLayers - 1) +
        (config.furtherLayers ? " and " + Twine(config.furtherLayers) + " more (num_nextn_predict_layers)" : Twine()) +
        ", not " + Twine(last) + "; choose --layers among these");
  if (!range.isGiven)
    return std::vector<int64_t>{layersWith(config, /*own=*/true).front()};
  for (int64_t layer = range.first; layer <= last; ++layer)
    if (!config.otherAttention(layer).empty() || (layer >= config.numLayers && !config.otherLayers.empty()))
      return refuseLayer(layer, config, where);
  std::vector<int64_t> layers(last - range.first + 1);
  std::iota(layers.begin(), layers.end(), range.first);
  return layers;
}

std::string mla::layersLeftOut(const LayerRange &range, const AttentionConfig &config, StringRef where) {
  std::vector<int64_t> others = layersWith(config, /*own=*/false);
  if (range.last || others.empty())
    return "";
  return where.str() + ": layers " + listText(others) +
         " are not compiled: " + config.otherAttention(others.front()).str();
}
