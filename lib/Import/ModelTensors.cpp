//===- ModelTensors.cpp - Tensors of a model besides its layers -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelTensors.h"
#include "Json.h"
#include "ModuleNames.h"
#include "TensorErrors.h"
#include "WeightScales.h"
#include "mla/Import/DecoderConfig.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

#include <cstring>

using namespace mla;
using namespace mla::importer;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

/// Return the layer of "model.layers.K.…"; -1 if there is no number, nothing for another name.
static std::optional<int64_t> layerOf(StringRef name) {
  if (!name.consume_front("model.layers."))
    return std::nullopt;
  int64_t layer = -1;
  StringRef number = name.take_until([](char c) { return c == '.'; });
  return llvm::all_of(number, llvm::isDigit) && llvm::to_integer(number, layer, 10) ? layer : -1;
}

/// Return whether the layer predicts further tokens from the model's last states (DeepSeek-V3, arXiv:2412.19437,
/// section 2.2). It has no part in the model's logits.
static bool predictsFurther(const AttentionConfig &config, int64_t layer) {
  return layer >= config.numLayers && layer - config.numLayers < config.furtherLayers;
}

/// Return why a tensor is not part of the model, or "".
static std::string explainExcess(const AttentionConfig &config, StringRef name, const llvm::StringSet<> &known) {
  std::optional<int64_t> layer = layerOf(name);
  if (!layer && (known.contains(name) || isUnusedScale(name)))
    return "";
  if (!layer)
    return "not part of the model that the config describes; the model computes something that is not supported";
  if (*layer >= 0 && (*layer < config.numLayers || predictsFurther(config, *layer))) // a layer checks its own
    return "";
  return "not part of the model that the config describes, whose layers are 0 to " +
         std::to_string(config.numLayers - 1) + " (num_hidden_layers)" +
         (config.furtherLayers ? ", and " + std::to_string(config.furtherLayers) + " more (num_nextn_predict_layers)"
                               : "") +
         "; give the config of this checkpoint";
}

/// Check that a head beside a tied embedding is the same.
static llvm::Error checkIsTied(Checkpoint &checkpoint, const SafetensorsTensor &embedding) {
  StringRef name = checkpointSuffix(WeightRole::Head);
  if (!checkpoint.contains(name))
    return llvm::Error::success();
  llvm::Expected<const SafetensorsTensor *> head = checkpoint.find(name);
  if (!head)
    return head.takeError();
  const SafetensorsTensor &tensor = **head;
  if (tensor.dtype == embedding.dtype && tensor.shape == embedding.shape &&
      std::memcmp(tensor.data, embedding.data, embedding.bytes) == 0)
    return llvm::Error::success();
  return tensorError(checkpoint.where(), tensor,
                     Twine("differs from ") + embedding.name +
                         ", with which the config ties it (tie_word_embeddings); remove the tensor, or set "
                         "tie_word_embeddings to false");
}

llvm::Error mla::importer::checkModelTensors(Checkpoint &checkpoint, const AttentionConfig &config,
                                             ArrayRef<LayerWeight> ends) {
  llvm::StringSet<> known;
  known.insert("model.rotary_emb.inv_freq"); // which the config determines
  for (const LayerWeight &weight : ends) {
    known.insert(weight.expected.name);
    if (weight.scale)
      known.insert(weight.expected.scale->name);
  }
  if (config.decoder->tiedEmbeddings)
    known.insert(checkpointSuffix(WeightRole::Head));
  std::string first, why;
  checkpoint.forEachName([&](StringRef name) {
    bool isOfModel = name.starts_with("model.") || name.starts_with("lm_head.");
    if (!isOfModel || (!first.empty() && first < name))
      return;
    if (std::string reason = explainExcess(config, name, known); !reason.empty())
      first = name.str(), why = std::move(reason);
  });
  if (!first.empty())
    return fail(checkpoint.where() + ": tensor " + nameInFile(checkpoint, first, config) + ": " + why);
  if (config.decoder->tiedEmbeddings)
    return checkIsTied(checkpoint, *ends.front().tensor);
  return llvm::Error::success();
}

std::string mla::importer::furtherLayers(const Checkpoint &checkpoint, const AttentionConfig &config) {
  std::string first;
  checkpoint.forEachName([&](StringRef name) {
    std::optional<int64_t> layer = layerOf(name);
    if (layer && predictsFurther(config, *layer) && (first.empty() || name < first))
      first = name.str();
  });
  return first.empty() ? ""
                       : checkpoint.where().str() + ": tensors such as " + first +
                             " are not compiled: they predict further tokens (num_nextn_predict_layers is " +
                             std::to_string(config.furtherLayers) + ")";
}
