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
using llvm::StringRef;
using llvm::Twine;

llvm::Error mla::makeError(const Twine &text) { return llvm::createStringError(llvm::inconvertibleErrorCode(), text); }

std::optional<LayerRange> LayerRange::parse(StringRef text) {
  if (text == "all")
    return LayerRange{0, std::nullopt};
  auto [firstText, lastText] = text.split('-');
  LayerRange range;
  if (!llvm::to_integer(firstText, range.first, 10) || range.first < 0)
    return std::nullopt;
  range.last = range.first;
  if (text.contains('-') && (!llvm::to_integer(lastText, *range.last, 10) || *range.last < range.first))
    return std::nullopt;
  return range;
}

llvm::Expected<std::vector<int64_t>> mla::layersOf(const LayerRange &range, int64_t numLayers, StringRef where) {
  int64_t last = range.last.value_or(numLayers - 1);
  if (last >= numLayers)
    return makeError(where + ": has layers 0 to " + Twine(numLayers - 1) + ", not " + Twine(last) +
                     "; choose --layers among these");
  std::vector<int64_t> layers(last - range.first + 1);
  std::iota(layers.begin(), layers.end(), range.first);
  return layers;
}
