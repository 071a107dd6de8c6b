//===- UnpackedCheckpoint.cpp - View of packed weights --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The matrices of a layer are looked for when the first of its tensors is asked
// for, so that only the files of that layer are opened.
//
//===----------------------------------------------------------------------===//

#include "../Json.h"
#include "../TensorErrors.h"
#include "PackedFormat.h"

#include "mla/Import/LayerWeights.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

#include <cstring>
#include <map>

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;

namespace {
/// The packed matrices of a layer.
struct PackedLayer {
  llvm::StringMap<std::unique_ptr<ComputedMatrix>> matrices; ///< Null: in no form that is read.
  llvm::StringMap<std::string> errors;                       ///< Of those.
  llvm::StringSet<> parts;                                   ///< Names that are not to be seen.
};

class UnpackedCheckpoint : public Checkpoint {
public:
  UnpackedCheckpoint(std::unique_ptr<Checkpoint> wrapped, const AttentionConfig &config)
      : Checkpoint(wrapped->where().str()), wrapped(std::move(wrapped)), attention(config) {
    this->config = this->wrapped->configJson();
    configPath = this->wrapped->configWhere().str();
    prefix = this->wrapped->prefixOfLayers().str();
    ownNames = this->wrapped->hasOwnNames();
  }

  bool contains(StringRef name) const override;
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override;
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override;
  llvm::Expected<TensorHandle> read(StringRef name) override;
  std::string formOf(StringRef name) override;

private:
  const PackedLayer &layerOf(StringRef name) const;
  void unpack(const ExpectedWeight &weight, PackedLayer &layer) const;
  bool mayBe(const PackedFormat &format, StringRef module) const;
  void hide(StringRef module, llvm::ArrayRef<PackedFormat> formats, PackedLayer &layer) const;
  bool isZeroBias(StringRef name) const;

  std::unique_ptr<Checkpoint> wrapped;
  AttentionConfig attention;
  mutable std::mutex mutex;
  mutable std::map<int64_t, PackedLayer> layers; ///< Those asked for.
};
} // namespace

/// Return the number of "model.layers.K.…", or nothing.
static std::optional<int64_t> numberOf(StringRef name) {
  int64_t layer;
  if (!name.consume_front("model.layers.") || name.consumeInteger(10, layer) || layer < 0)
    return std::nullopt;
  return layer;
}

/// Return whether the module has the tensors of a form, whatever their shapes.
bool UnpackedCheckpoint::mayBe(const PackedFormat &format, StringRef module) const {
  auto has = [&](StringRef part) { return part.empty() || wrapped->contains((module + part).str()); };
  if (!has(format.codes) || !has(format.scales) || !has(format.globalScale))
    return false;
  llvm::Expected<const SafetensorsTensor *> codes = wrapped->find((module + format.codes).str());
  llvm::Expected<const SafetensorsTensor *> scales = wrapped->find((module + format.scales).str());
  bool found = codes && scales;
  if (!codes)
    llvm::consumeError(codes.takeError()); // whoever reads the weight reports it
  if (!scales)
    llvm::consumeError(scales.takeError());
  return found && (*codes)->dtype == format.container &&
         (format.scaleCode == ScaleCode::Float) == isPlainFloat((*scales)->dtype);
}

/// AutoGPTQ adds biases of zeros to modules that have none.
bool UnpackedCheckpoint::isZeroBias(StringRef name) const {
  if (attention.attentionBias || !wrapped->contains(name))
    return false;
  llvm::Expected<const SafetensorsTensor *> bias = wrapped->find(name);
  if (!bias)
    return llvm::consumeError(bias.takeError()), false;
  StringRef bytes(static_cast<const char *>((*bias)->data), (*bias)->bytes);
  return bytes.find_first_not_of('\0') == StringRef::npos;
}

/// Hide the tensors of a module in one of these forms. Others that it has are reported as unknown.
void UnpackedCheckpoint::hide(StringRef module, llvm::ArrayRef<PackedFormat> formats, PackedLayer &layer) const {
  for (const PackedFormat &format : formats)
    for (StringRef part : {format.codes, format.scales, format.zeros, format.groupOfColumn, format.globalScale})
      layer.parts.insert((module + part).str());
  layer.parts.insert((module + shapePart).str());
  layer.parts.erase(module);
  layer.parts.erase((module + ".weight").str());
  if (std::string bias = (module + ".bias").str(); isZeroBias(bias))
    layer.parts.insert(bias);
}

void UnpackedCheckpoint::unpack(const ExpectedWeight &weight, PackedLayer &layer) const {
  StringRef module = StringRef(weight.name).rsplit('.').first;
  std::vector<std::string> reasons;
  for (const PackedFormat &format : packedFormats()) {
    if (!mayBe(format, module))
      continue;
    llvm::Expected<std::unique_ptr<ComputedMatrix>> matrix =
        openPacked(*wrapped, attention, format, weight.name, weight.shape);
    if (matrix) {
      layer.matrices[weight.name] = std::move(*matrix);
      return hide(module, format, layer);
    }
    reasons.push_back(format.name.str() + ": " + llvm::toString(matrix.takeError()));
  }
  if (reasons.empty())
    return;
  layer.errors[weight.name] = llvm::join(reasons, "; ");
  hide(module, packedFormats(), layer);
}

const PackedLayer &UnpackedCheckpoint::layerOf(StringRef name) const {
  static const PackedLayer none;
  std::optional<int64_t> number = numberOf(name);
  if (!number || *number >= attention.numLayers + attention.furtherLayers)
    return none;
  std::lock_guard<std::mutex> lock(mutex);
  auto [it, isNew] = layers.try_emplace(*number);
  if (isNew)
    for (const ExpectedWeight &weight : expectedWeights(attention, *number))
      if (weight.shape.size() == 2)
        unpack(weight, it->second);
  return it->second;
}

bool UnpackedCheckpoint::contains(StringRef name) const {
  const PackedLayer &layer = layerOf(name);
  return layer.matrices.contains(name) || layer.errors.contains(name) ||
         (!layer.parts.contains(name) && wrapped->contains(name));
}

void UnpackedCheckpoint::forEachName(llvm::function_ref<void(StringRef)> callback) const {
  std::vector<std::string> names;
  {
    std::lock_guard<std::mutex> lock(mutex);
    wrapped->forEachName([&](StringRef name) {
      std::optional<int64_t> number = numberOf(name);
      auto it = number ? layers.find(*number) : layers.end();
      if (it == layers.end() || (!it->second.parts.contains(name) && !it->second.matrices.contains(name)))
        names.push_back(name.str());
    });
    for (const auto &[number, layer] : layers)
      for (StringRef name : layer.matrices.keys())
        names.push_back(name.str());
  }
  for (const std::string &name : names)
    callback(name);
}

llvm::Expected<const SafetensorsTensor *> UnpackedCheckpoint::find(StringRef name) {
  const PackedLayer &layer = layerOf(name);
  if (auto it = layer.matrices.find(name); it != layer.matrices.end())
    return &it->second->header();
  if (auto it = layer.errors.find(name); it != layer.errors.end())
    return fail(where() + ": tensor " + name + ": is in no packed form that is read (" + it->second +
                "); convert the weight to bfloat16");
  return layer.parts.contains(name) ? missing(name) : wrapped->find(name);
}

llvm::Expected<TensorHandle> UnpackedCheckpoint::read(StringRef name) {
  const PackedLayer &layer = layerOf(name);
  auto it = layer.matrices.find(name);
  return it == layer.matrices.end() ? wrapped->read(name) : it->second->read(where());
}

std::string UnpackedCheckpoint::formOf(StringRef name) {
  const PackedLayer &layer = layerOf(name);
  auto it = layer.matrices.find(name);
  return it == layer.matrices.end() ? wrapped->formOf(name) : it->second->form();
}

std::unique_ptr<Checkpoint> mla::importer::unpackWeights(std::unique_ptr<Checkpoint> checkpoint,
                                                         const AttentionConfig &config) {
  return std::make_unique<UnpackedCheckpoint>(std::move(checkpoint), config);
}
