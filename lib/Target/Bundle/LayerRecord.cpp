//===- LayerRecord.cpp - Layers whose weights are written -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerRecord.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace mla;
namespace json = llvm::json;

/// Parse the layer's number and certificates.
static std::optional<std::pair<int64_t, std::vector<Certificate>>> parseLine(llvm::StringRef line) {
  llvm::Expected<json::Value> value = json::parse(line);
  if (!value) {
    llvm::consumeError(value.takeError());
    return std::nullopt;
  }
  int64_t layer;
  std::vector<Certificate> certificates;
  json::Path::Root root;
  json::ObjectMapper map(*value, root);
  if (!map || !map.map("layer", layer) || !map.map("certificates", certificates))
    return std::nullopt;
  return std::pair(layer, std::move(certificates));
}

LayerRecord::LayerRecord(llvm::StringRef path) : path(path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return;
  for (auto [line, rest] = (*file)->getBuffer().split('\n'); !line.empty(); std::tie(line, rest) = rest.split('\n')) {
    auto entry = parseLine(line);
    if (!entry)
      return;
    layers.insert(std::move(*entry));
    text += (line + "\n").str();
  }
}

const std::vector<Certificate> *LayerRecord::find(int64_t layer) const {
  auto it = layers.find(layer);
  return it == layers.end() ? nullptr : &it->second;
}

/// Replace the file atomically.
llvm::Error LayerRecord::add(int64_t layer, std::vector<Certificate> certificates, bool write) {
  json::Value entry = json::Object{{"layer", layer}, {"certificates", json::Array(certificates)}};
  text += llvm::formatv("{0}\n", entry).str();
  layers.emplace(layer, std::move(certificates));
  if (!write)
    return llvm::Error::success();
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &stream) {
    stream << text;
    return llvm::Error::success();
  });
}
