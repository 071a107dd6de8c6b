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

static bool isParams(const Object &root) {
  return !root.get("model_type") && root.get("n_layers") && root.get("dim") && root.get("kv_lora_rank");
}

llvm::Error mla::importer::translateMistral(Object &root, StringRef where) {
  if (!isParams(root))
    return llvm::Error::success();
  root["model_type"] = "mistral_large_3";
  for (auto [own, usual] : names)
    if (const Value *value = root.get(own); value && !root.get(usual)) {
      root[usual] = Value(*value);
      root.erase(own);
    }
  const Object *yarn = root.getObject("yarn");
  if (!yarn)
    return llvm::Error::success();
  // With a scale, implementations disagree on it.
  if (yarn->getBoolean("apply_scale") != false)
    return fail(where + ": yarn.apply_scale: expected false, as in Mistral Large 3; give a config.json of this model");
  Object rope{{"rope_type", "yarn"}, {"attention_factor", 1.0}};
  for (auto [own, usual] : {std::pair<StringRef, StringRef>{"factor", "factor"},
                            {"beta", "beta_fast"},
                            {"alpha", "beta_slow"},
                            {"original_max_position_embeddings", "original_max_position_embeddings"}})
    if (const Value *value = yarn->get(own))
      rope[usual] = *value;
  root["rope_scaling"] = std::move(rope);
  return llvm::Error::success();
}
