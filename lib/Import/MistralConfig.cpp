//===- MistralConfig.cpp - Mistral's params.json --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Mistral Large 3 is released in Mistral's own format only. The names are those
// of adapt_config_dict of vLLM (transformers_utils/configs/mistral.py).
//
//===----------------------------------------------------------------------===//

#include "MistralConfig.h"
#include "Json.h"

#include "llvm/ADT/STLExtras.h"

using namespace mla::importer;
using llvm::StringRef;
using llvm::json::Object;
using llvm::json::Value;

static constexpr std::pair<StringRef, StringRef> names[] = {{"dim", "hidden_size"},
                                                            {"n_layers", "num_hidden_layers"},
                                                            {"n_heads", "num_attention_heads"},
                                                            {"norm_eps", "rms_norm_eps"},
                                                            {"n_kv_heads", "num_key_value_heads"},
                                                            {"hidden_dim", "intermediate_size"},
                                                            {"tied_embeddings", "tie_word_embeddings"}};

static constexpr std::pair<StringRef, StringRef> yarnNames[] = {
    {"factor", "factor"},
    {"beta", "beta_fast"},
    {"alpha", "beta_slow"},
    {"original_max_position_embeddings", "original_max_position_embeddings"}};

/// Give the config of weights in FP8 its usual form. Mistral's own says only the elements: a scale is for a tensor.
/// Others, such as that of compressed-tensors, have the usual form, and another name.
static llvm::Error translateQuantization(Object &root, StringRef where) {
  llvm::Expected<const Object *> found = findObject(root, "quantization", where);
  if (!found)
    return found.takeError();
  const Object *own = *found;
  if (!own)
    return llvm::Error::success();
  if (root.get("quantization_config"))
    return fail(where + ": quantization: beside quantization_config, which means the same; remove the wrong one");
  Object usual = *own;
  if (const Value *format = own->get("qformat_weight")) {
    bool isFP8 = format->getAsString() == StringRef("fp8_e4m3");
    usual = Object{{"quant_method", isFP8 ? Value("fp8") : Value("qformat_weight " + shortText(*format))}};
  }
  root["quantization_config"] = std::move(usual);
  root.erase("quantization");
  return llvm::Error::success();
}

static bool isParams(const Object &root) {
  const Value *type = root.get("model_type");
  bool isUnnamed = !type || type->getAsString() == StringRef("transformer");
  return isUnnamed && root.get("n_layers") && root.get("dim") && root.get("kv_lora_rank");
}

llvm::Error mla::importer::translateMistral(Object &root, StringRef where) {
  if (!isParams(root))
    return llvm::Error::success();
  root["model_type"] = "mistral_large_3";
  for (auto [own, usual] : names) {
    const Value *value = root.get(own), *other = root.get(usual);
    if (value && other && *value != *other)
      return fail(where + ": " + own + ": " + shortText(*value) + ", but " + usual + ", which means the same, is " +
                  shortText(*other) + "; remove the wrong one");
    if (value && !other)
      root[usual] = Value(*value);
    root.erase(own);
  }
  if (llvm::Error error = translateQuantization(root, where))
    return error;
  llvm::Expected<const Object *> found = findObject(root, "yarn", where);
  if (!found)
    return found.takeError();
  const Object *yarn = *found;
  if (!yarn)
    return llvm::Error::success();
  // With a scale, implementations disagree on it.
  if (yarn->getBoolean("apply_scale") != false)
    return fail(where + ": yarn.apply_scale: expected false, as in Mistral Large 3; give a config.json of this model");
  Object rope{{"rope_type", "yarn"}, {"attention_factor", 1.0}};
  for (const auto &[key, value] : *yarn) {
    const auto *name =
        llvm::find_if(yarnNames, [&, &key = key](const auto &row) { return row.first == StringRef(key); });
    if (name != std::end(yarnNames))
      rope[name->second] = value;
    else if (StringRef(key) != "apply_scale")
      return fail(where + ": yarn." + StringRef(key) + ": is not known here; give a config.json of this model");
  }
  root["rope_scaling"] = std::move(rope);
  return llvm::Error::success();
}
