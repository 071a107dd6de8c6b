//===- AdapterConfig.cpp - adapter_config.json of PEFT --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rules are those of PEFT's check_target_module_exists, get_pattern_key and
// LoraLayer.update_layer (version 0.21).
//
//===----------------------------------------------------------------------===//

#include "AdapterConfig.h"
#include "Json.h"
#include "Limits.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mla::importer;
using llvm::StringRef;
using llvm::json::Value;

//===----------------------------------------------------------------------===//
// Queries about modules
//===----------------------------------------------------------------------===//

/// Return whether `module` is `name` or ends with ".name".
static bool endsWith(StringRef module, StringRef name) {
  return module.consume_back(name) && (module.empty() || module.ends_with("."));
}

bool ModuleNames::match(StringRef module) const {
  return pattern ? pattern->matches(module) : llvm::any_of(ends, [&](StringRef end) { return endsWith(module, end); });
}

/// Return the number in "….layers.3.…": the first numeric component.
static std::optional<int64_t> layerOf(StringRef module) {
  llvm::SmallVector<StringRef> components;
  module.split(components, '.');
  for (StringRef component : llvm::drop_begin(components)) {
    int64_t layer;
    if (!component.getAsInteger(10, layer))
      return layer;
  }
  return std::nullopt;
}

std::optional<bool> AdapterConfig::hasUpdate(StringRef module) const {
  if (excluded.isSaid && excluded.match(module))
    return false;
  if (!targets.isSaid)
    return std::nullopt;
  if (!targets.match(module))
    return false;
  if (targets.pattern || layers.empty())
    return true;
  std::optional<int64_t> layer = layerOf(module);
  return layer && llvm::is_contained(layers, *layer);
}

bool AdapterConfig::savesWhole(StringRef module) const {
  std::string dotted = ("." + module + ".").str();
  return llvm::any_of(savedModules,
                      [&](StringRef saved) { return StringRef(dotted).contains(("." + saved + ".").str()); });
}

static llvm::Expected<double> choose(llvm::ArrayRef<std::pair<ModulePattern, double>> patterns, StringRef module,
                                     double otherwise, const llvm::Twine &key) {
  std::optional<double> chosen;
  for (const auto &[pattern, number] : patterns) {
    if (!pattern.matches(module))
      continue;
    if (chosen && *chosen != number)
      return fail(key + ": several patterns match " + module + " with different values; keep one of them");
    chosen = number;
  }
  return chosen.value_or(otherwise);
}

llvm::Expected<int64_t> AdapterConfig::rankOf(StringRef module) const {
  llvm::Expected<double> chosen = choose(ranks, module, rank, where + ": rank_pattern");
  if (!chosen)
    return chosen.takeError();
  return static_cast<int64_t>(*chosen);
}

llvm::Expected<double> AdapterConfig::scaleOf(StringRef module) const {
  llvm::Expected<double> chosen = choose(alphas, module, alpha, where + ": alpha_pattern");
  if (!chosen)
    return chosen.takeError();
  llvm::Expected<int64_t> moduleRank = rankOf(module);
  if (!moduleRank)
    return moduleRank.takeError();
  return *chosen / (dividesByRoot ? std::sqrt(static_cast<double>(*moduleRank)) : *moduleRank);
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

static constexpr double maxAlpha = 1e9;

/// Return whether a feature is used: null, false, [] and {} disable it.
static bool isUsed(const Value *value) {
  if (!value || value->kind() == Value::Null || value->getAsBoolean() == false)
    return false;
  if (const llvm::json::Array *array = value->getAsArray())
    return !array->empty();
  return !value->getAsObject() || !value->getAsObject()->empty();
}

/// Reject features with which the update is not c B A, or is not added to the checkpoint's weight.
static void refuseFeatures(FieldReader &reader) {
  const std::pair<StringRef, StringRef> features[] = {
      {"use_dora", "DoRA scales the columns of the merged weight by their norms, which is not a sum of products"},
      {"lora_bias", "the update has a bias"},
      {"use_qalora", "QALoRA averages groups of inputs"},
      {"use_bdlora", "BD-LoRA's matrices are stored by blocks"},
      {"alora_invocation_tokens", "an activated LoRA holds for some tokens only, and a merged weight for all"},
      {"arrow_config", "Arrow routes every token to other adapters"},
      {"kasa_config", "KaSA has singular values between the two matrices"},
      {"monteclora_config", "MonteCLoRA draws its matrices at random"},
      {"layer_replication", "the adapter's layers are not the checkpoint's"},
      {"fan_in_fan_out", "the weights of an attention are stored [out, in]"},
  };
  for (auto [key, why] : features)
    if (isUsed(reader.find(key)))
      reader.refuse(key, why + "; merge the adapter with PEFT (merge_and_unload) and compile the result");
}

/// Reject initializations that change the checkpoint's weights before training: the update would have to be added to
/// the changed weights.
static void refuseInitialisation(FieldReader &reader) {
  const Value *value = reader.find("init_lora_weights");
  std::optional<StringRef> name = value ? value->getAsString() : std::nullopt;
  if (!name)
    return;
  for (StringRef changing : {"pissa", "olora", "corda", "loftq", "lora_ga"})
    if (name->starts_with_insensitive(changing))
      reader.refuse("init_lora_weights", *name + " changed the weights to which the adapter is to be added; save the "
                                                 "adapter converted to a plain LoRA "
                                                 "(path_initial_model_for_weight_conversion)");
}

static std::vector<std::string> readStrings(FieldReader &reader, StringRef key) {
  std::vector<std::string> strings;
  const Value *value = reader.find(key);
  if (!value)
    return strings;
  const llvm::json::Array *array = value->getAsArray();
  if (!array || !llvm::all_of(*array, [](const Value &element) { return element.getAsString(); })) {
    reader.refuse(key, "expected a list of names, got " + shortText(*value) + "; correct the config");
    return strings;
  }
  for (const Value &element : *array)
    strings.push_back(element.getAsString()->str());
  return strings;
}

static ModuleNames readNames(FieldReader &reader, StringRef key) {
  ModuleNames names;
  const Value *value = reader.find(key);
  std::optional<StringRef> text = value ? value->getAsString() : std::nullopt;
  if (!text)
    names.ends = readStrings(reader, key);
  else if (*text != "all-linear")
    names.pattern = ModulePattern::parse(*text, ModulePattern::Extent::Whole);
  names.isSaid = names.pattern || !names.ends.empty();
  return names;
}

/// Parse rank_pattern or alpha_pattern. Reject patterns that cannot be translated, since the module's rank or alpha
/// would be unknown.
static std::vector<std::pair<ModulePattern, double>>
readPatterns(FieldReader &reader, StringRef key,
             llvm::function_ref<double(FieldReader &, StringRef, const Value &)> readNumber) {
  std::vector<std::pair<ModulePattern, double>> patterns;
  const Value *value = reader.find(key);
  if (!value)
    return patterns;
  const llvm::json::Object *object = value->getAsObject();
  if (!object) {
    reader.refuse(key, "expected an object, got " + shortText(*value) + "; correct the config");
    return patterns;
  }
  for (const auto &[text, number] : *object) {
    std::optional<ModulePattern> pattern = ModulePattern::parse(text, ModulePattern::Extent::End);
    if (!pattern)
      reader.refuse(key, shortText(Value(StringRef(text))) +
                             " is an unsupported pattern; write it with names, . * + ? | () [] and escapes");
    else
      patterns.push_back({std::move(*pattern), readNumber(reader, key, number)});
  }
  return patterns;
}

static double readRank(FieldReader &reader, StringRef key, const Value &value) {
  return reader.count(key, value, maxHidden);
}

static double readAlpha(FieldReader &reader, StringRef key, const Value &value) {
  std::optional<double> number = value.getAsNumber();
  if (number && std::abs(*number) <= maxAlpha)
    return *number;
  reader.refuse(key, "expected a number from -1e9 to 1e9, got " + shortText(value) + "; correct the config");
  return 0.0;
}

/// Parse a number or a list of numbers.
static std::vector<int64_t> readLayers(FieldReader &reader) {
  constexpr StringRef key = "layers_to_transform";
  std::vector<int64_t> layers;
  const Value *value = reader.find(key);
  if (!value)
    return layers;
  if (const llvm::json::Array *array = value->getAsArray())
    for (const Value &element : *array)
      layers.push_back(reader.count(key, element, maxLayers, 0));
  else
    layers.push_back(reader.count(key, *value, maxLayers, 0));
  return layers;
}

static void checkType(FieldReader &reader) {
  StringRef type = reader.string("peft_type");
  if (type.empty())
    reader.refuse("peft_type", "missing; give the config of an adapter that PEFT saved");
  else if (type != "LORA")
    reader.refuse("peft_type",
                  type + " is not supported, only LORA is; merge the adapter with PEFT and compile the result");
}

static bool readBias(FieldReader &reader) {
  StringRef bias = reader.string("bias");
  if (!bias.empty() && bias != "none" && bias != "all" && bias != "lora_only")
    reader.refuse("bias", "unknown value '" + bias + "'; expected none, all or lora_only");
  return !bias.empty() && bias != "none";
}

llvm::Expected<AdapterConfig> mla::importer::parseAdapterConfig(StringRef json, StringRef where) {
  llvm::Expected<Value> root = parseObject(json, where);
  if (!root)
    return root.takeError();
  FieldReader reader(*root->getAsObject(), where);
  AdapterConfig config;
  config.where = where.str();
  checkType(reader);
  refuseFeatures(reader);
  refuseInitialisation(reader);
  config.rank = reader.count("r", maxHidden);
  config.alpha = reader.number("lora_alpha", -maxAlpha, maxAlpha, std::nullopt);
  config.dividesByRoot = reader.boolean("use_rslora", false);
  config.ranks = readPatterns(reader, "rank_pattern", readRank);
  config.alphas = readPatterns(reader, "alpha_pattern", readAlpha);
  config.targets = readNames(reader, "target_modules");
  config.excluded = readNames(reader, "exclude_modules");
  config.layers = readLayers(reader);
  config.savedModules = readStrings(reader, "modules_to_save");
  config.trainsBiases = readBias(reader);
  if (llvm::Error error = reader.takeError())
    return error;
  return config;
}
