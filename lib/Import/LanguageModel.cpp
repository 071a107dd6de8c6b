//===- LanguageModel.cpp - Configs that contain a language model ----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LanguageModel.h"
#include "Json.h"
#include "MistralConfig.h"

using namespace mla::importer;
using llvm::StringRef;
using llvm::json::Object;
using llvm::json::Value;

/// The keys of transformers, DeepSeek-VL2 and InternVL.
static constexpr StringRef wrapperKeys[] = {"text_config", "language_config", "llm_config"};

/// Keys that apply to the whole checkpoint; they are inherited if the language model's config lacks them.
static constexpr StringRef inheritedKeys[] = {"dtype", "torch_dtype", "quantization_config"};

static StringRef findWrapper(const Object &root) {
  if (root.get("kv_lora_rank"))
    return "";
  for (StringRef key : wrapperKeys)
    if (root.getObject(key))
      return key;
  return "";
}

static bool says(const Object &object, StringRef key) {
  const Value *value = object.get(key);
  return value && value->kind() != Value::Null;
}

static void inherit(Object &inner, const Object &outer) {
  bool hasDType = says(inner, "dtype") || says(inner, "torch_dtype");
  for (StringRef key : inheritedKeys)
    if (says(outer, key) && !says(inner, key) && !(hasDType && key.ends_with("dtype")))
      inner[key] = *outer.get(key);
}

llvm::Expected<LanguageModelConfig> mla::importer::parseLanguageModel(StringRef json, StringRef where) {
  llvm::Expected<Value> value = parseObject(json, where);
  if (!value)
    return value.takeError();
  Object &root = *value->getAsObject();
  if (llvm::Error error = translateMistral(root, where))
    return error;
  StringRef key = findWrapper(root);
  if (key.empty())
    return LanguageModelConfig{std::move(root), where.str(), ""};
  FieldReader reader(root, where);
  std::string model = reader.string("model_type").str();
  if (llvm::Error error = reader.takeError())
    return error;
  Object inner = *root.getObject(key);
  inherit(inner, root);
  return LanguageModelConfig{std::move(inner), (where + ": " + key).str(),
                             (model.empty() ? "the model" : model) + ": its " + key.str()};
}
