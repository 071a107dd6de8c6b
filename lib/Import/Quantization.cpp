//===- Quantization.cpp - Weights in e4m3 in config.json ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each tool that quantizes has its own keys; a row of `methods` reads them.
// Keys about activations are not read: tokens are quantized by scales of their
// own, or not at all.
//
//===----------------------------------------------------------------------===//

#include "Quantization.h"
#include "Json.h"
#include "ModuleNames.h"
#include "ModulePattern.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/GlobPattern.h"

#include <map>

using namespace mla::importer;
using llvm::StringLiteral;
using llvm::StringRef;
using llvm::Twine;
using llvm::json::Object;
using llvm::json::Value;

/// Like those of Limits.h.
static constexpr int64_t maxBlock = 1 << 16;

static constexpr BlockQuantization perTensor = {0, 0}, perRow = {1, 0};

/// Names every module.
static constexpr StringLiteral everyModule = "Linear";

static constexpr StringLiteral scope = "quantization_config.";

namespace {
/// The parts of quantization_config that are in e4m3, and a description of the others.
struct Parsed {
  Quantization quantization;
  std::string other;
  IntegerQuantization integers;

  /// Add a group: a name takes precedence over "Linear".
  void add(std::vector<std::string> modules, BlockQuantization block) {
    auto namesAll = [](const Quantization::Group &group) { return llvm::is_contained(group.modules, everyModule); };
    Quantization::Group group = {std::move(modules), block};
    std::vector<Quantization::Group> &groups = quantization.groups;
    groups.insert(namesAll(group) ? groups.end() : llvm::find_if(groups, namesAll), std::move(group));
  }
  void addAll(BlockQuantization block) { add({everyModule.str()}, block); }
};
} // namespace

/// Read a pair of sizes.
static BlockQuantization readBlock(FieldReader &reader, StringRef key) {
  const Value *value = reader.find(key);
  const llvm::json::Array *sizes = value ? value->getAsArray() : nullptr;
  if (sizes && sizes->size() == 2)
    return {reader.count(key, (*sizes)[0], maxBlock), reader.count(key, (*sizes)[1], maxBlock)};
  reader.refuse(key, (value ? shortText(*value) + " is not a pair of sizes" : "missing") + "; correct the config");
  return {};
}

/// Append the strings of an array. Other elements name no module.
static void readNames(const Value *value, std::vector<std::string> &names) {
  if (const llvm::json::Array *array = value ? value->getAsArray() : nullptr)
    for (const Value &name : *array)
      if (std::optional<StringRef> text = name.getAsString())
        names.push_back(text->str());
}

/// Return the fields of an inner object that are objects, by name.
static std::map<std::string, const Object *> objectsIn(const Object &config, StringRef key) {
  std::map<std::string, const Object *> result;
  if (const Object *inner = config.getObject(key))
    for (const auto &[name, value] : *inner)
      if (const Object *object = value.getAsObject())
        result[name.str()] = object;
  return result;
}

//===----------------------------------------------------------------------===//
// Methods
//===----------------------------------------------------------------------===//

/// DeepSeek, transformers (FineGrainedFP8Config) and AutoFP8.
static llvm::Error readFP8(const Object &config, StringRef where, Parsed &parsed) {
  FieldReader reader(config, where, scope);
  StringRef format = reader.string("fmt");
  if (!format.empty() && format != "e4m3")
    reader.refuse("fmt", format + " is not supported, only e4m3 is; convert the checkpoint to bfloat16");
  parsed.addAll(reader.find("weight_block_size") ? readBlock(reader, "weight_block_size") : perTensor);
  return reader.takeError();
}

static llvm::Error readFBGEMM(const Object &, StringRef, Parsed &parsed) {
  parsed.addAll(perRow);
  return llvm::Error::success();
}

/// Return whether columns are ordered by activation, so that those of a group are not neighbours: GPTQ's desc_act, or
/// actorder of compressed-tensors.
static bool areOrdered(const Object &fields) {
  StringRef order = fields.getString("actorder").value_or("");
  return fields.getBoolean("desc_act") == true || fields.getBoolean("actorder") == true || order == "group" ||
         order == "dynamic";
}

/// Add a group of integers. Its size is absent, null or -1 if a row is one group.
static void readColumns(const Object &fields, std::vector<std::string> modules, IntegerQuantization &integers) {
  const Value *size = fields.get("group_size");
  if (!size)
    size = fields.get("q_group_size");
  int64_t columns = std::clamp<int64_t>(size ? size->getAsInteger().value_or(0) : 0, 0, maxBlock);
  integers.groups.push_back({std::move(modules), columns, size ? shortText(*size) : "none", areOrdered(fields)});
}

/// Read a group of compressed-tensors: its targets are the modules with these weights.
static llvm::Error readGroup(const Object &group, const Object &weights, StringRef where, StringRef scope,
                             Parsed &parsed) {
  FieldReader reader(weights, where, scope);
  StringRef type = reader.string("type"), strategy = reader.string("strategy");
  int64_t bits = reader.find("num_bits") ? reader.count("num_bits", maxBlock) : 8;
  if (type != "float" || bits != 8 || (strategy != "tensor" && strategy != "channel" && strategy != "block")) {
    parsed.other = (type + " of " + Twine(bits) + " bits per " + strategy).str();
    std::vector<std::string> modules;
    readNames(group.get("targets"), modules);
    readColumns(weights, std::move(modules), parsed.integers);
    return reader.takeError();
  }
  std::vector<std::string> modules;
  readNames(group.get("targets"), modules);
  parsed.add(std::move(modules), strategy == "tensor"    ? perTensor
                                 : strategy == "channel" ? perRow
                                                         : readBlock(reader, "block_structure"));
  return reader.takeError();
}

static llvm::Error readGroups(const Object &config, StringRef where, Parsed &parsed) {
  if (!objectsIn(config, "transform_config").empty())
    return fail(where + ": " + scope +
                "transform_config: weights are stored rotated, and activations are to be; give a checkpoint without");
  for (const auto &[name, group] : objectsIn(config, "config_groups"))
    if (const Object *weights = group->getObject("weights")) // else only activations
      if (llvm::Error error =
              readGroup(*group, *weights, where, (scope + "config_groups." + name + ".weights.").str(), parsed))
        return error;
  return llvm::Error::success();
}

/// Return the block of a value of quant_algo, if that is e4m3.
static std::optional<BlockQuantization> blockOfAlgorithm(StringRef name) {
  static constexpr struct {
    StringLiteral name;
    BlockQuantization block;
  } algorithms[] = {{"FP8", perTensor}, {"FP8_PER_CHANNEL_PER_TOKEN", perRow}, {"FP8_PB_WO", {128, 128}}};
  for (const auto &algorithm : algorithms)
    if (name.equals_insensitive(algorithm.name))
      return algorithm.block;
  return std::nullopt;
}

/// TensorRT Model Optimizer. Mixed precision lists an algorithm per module.
static llvm::Error readModelOpt(const Object &config, StringRef where, Parsed &parsed) {
  FieldReader reader(config, where, scope);
  StringRef name = reader.string("quant_algo");
  if (std::optional<BlockQuantization> block = blockOfAlgorithm(name)) {
    parsed.addAll(*block);
    return reader.takeError();
  }
  parsed.other = name.str();
  for (const auto &[module, fields] : objectsIn(config, "quantized_layers"))
    if (std::optional<StringRef> own = fields->getString("quant_algo"))
      if (std::optional<BlockQuantization> block = blockOfAlgorithm(*own))
        parsed.add({module}, *block);
  return reader.takeError();
}

static llvm::Error readAWQ(const Object &config, StringRef, Parsed &parsed) {
  readColumns(config, {everyModule.str()}, parsed.integers);
  return llvm::Error::success();
}

/// GPTQ and AutoRound: nothing in e4m3, but two formats of zero points.
static llvm::Error readGPTQ(const Object &config, StringRef where, Parsed &parsed) {
  FieldReader reader(config, where, scope);
  StringRef format = reader.string("checkpoint_format"), packing = reader.string("packing_format");
  bool isAutoRound = reader.string("quant_method") != "gptq";
  readColumns(config, {everyModule.str()}, parsed.integers);
  if (isAutoRound ? packing == "auto_round:auto_gptq" : format.empty() || format == "gptq")
    parsed.integers.zeros = IntegerQuantization::ZeroPoints::MinusOne;
  else if (!isAutoRound && format == "gptq_v2")
    parsed.integers.zeros = IntegerQuantization::ZeroPoints::AsTheyAre;
  return reader.takeError();
}

namespace {
struct Method {
  StringLiteral name; ///< quant_method
  llvm::Error (*read)(const Object &config, StringRef where, Parsed &parsed);
  StringLiteral ignored[2]; ///< Keys of the modules that it leaves alone.
};
} // namespace

static constexpr Method methods[] = {
    {"fp8", readFP8, {"modules_to_not_convert", "ignored_layers"}},
    {"compressed-tensors", readGroups, {"ignore", ""}},
    {"modelopt", readModelOpt, {"ignore", "exclude_modules"}},
    {"modelopt_mixed", readModelOpt, {"ignore", "exclude_modules"}},
    {"fbgemm_fp8", readFBGEMM, {"modules_to_not_convert", ""}},
    {"awq", readAWQ, {"", ""}},
    {"gptq", readGPTQ, {"", ""}},
    {"auto-round", readGPTQ, {"", ""}},
};

/// Read the config with a method.
static llvm::Error readWith(const Method &method, const Object &object, StringRef where, AttentionConfig &config) {
  // Model Optimizer's own file has its keys one level deeper.
  const Object *inner = object.getObject("quantization"), &keys = inner ? *inner : object;
  Parsed parsed;
  if (llvm::Error error = method.read(keys, where, parsed))
    return error;
  for (StringRef key : method.ignored)
    readNames(keys.get(key), parsed.quantization.ignored);
  if (!parsed.quantization.groups.empty())
    config.quantization = std::move(parsed.quantization);
  config.integers = std::move(parsed.integers);
  if (!config.quantization || !parsed.other.empty())
    config.otherQuantization = method.name.str() + (parsed.other.empty() ? "" : " ") + parsed.other;
  return llvm::Error::success();
}

llvm::Error mla::importer::parseQuantization(const Object &root, StringRef where, AttentionConfig &config) {
  llvm::Expected<const Object *> found = findObject(root, "quantization_config", where);
  if (!found)
    return found.takeError();
  const Object *object = *found;
  if (!object)
    return llvm::Error::success();
  FieldReader reader(*object, where, scope);
  StringRef name = reader.string("quant_method");
  if (reader.failed())
    return reader.takeError();
  std::string canonical = name.lower();
  if (canonical == "compressed_tensors")
    canonical = "compressed-tensors";
  for (const Method &method : methods)
    if (canonical == method.name)
      return readWith(method, *object, where, config);
  config.otherQuantization = name.empty() ? "no quant_method" : name.str();
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

using Names = llvm::ArrayRef<std::string>;

static bool namesAnyByGlob(StringRef pattern, Names modules) {
  llvm::Expected<llvm::GlobPattern> glob = llvm::GlobPattern::create(pattern);
  if (!glob)
    return llvm::consumeError(glob.takeError()), false;
  return llvm::any_of(modules, [&](StringRef module) { return glob->match(module); });
}

/// Return whether a pattern names a module by one of its names.
static bool namesAny(StringRef pattern, Names modules) {
  if (pattern == everyModule)
    return true;
  if (pattern.consume_front("re:")) {
    std::optional<ModulePattern> expression = ModulePattern::parse(pattern, ModulePattern::Extent::Begin);
    return expression && llvm::any_of(modules, [&](StringRef module) { return expression->matches(module); });
  }
  if (pattern.contains('*'))
    return namesAnyByGlob(pattern, modules);
  auto contains = [](StringRef name, StringRef part) {
    return StringRef(("." + name + ".").str()).contains(("." + part + ".").str());
  };
  // A model around this one adds components in front.
  return llvm::any_of(modules,
                      [&](StringRef module) { return contains(module, pattern) || contains(pattern, module); });
}

static bool nameAny(llvm::ArrayRef<std::string> patterns, Names modules) {
  return llvm::any_of(patterns, [&](StringRef pattern) { return namesAny(pattern, modules); });
}

const IntegerQuantization::Group *mla::importer::announcedGroup(const AttentionConfig &config, StringRef module) {
  std::vector<std::string> names = namesInLists(module, config);
  const IntegerQuantization::Group *all = nullptr;
  for (const IntegerQuantization::Group &group : config.integers.groups)
    if (llvm::is_contained(group.modules, everyModule))
      all = &group;
    else if (nameAny(group.modules, names))
      return &group;
  return all;
}

std::optional<BlockQuantization> mla::importer::announcedBlock(const AttentionConfig &config, StringRef module) {
  if (!config.quantization)
    return std::nullopt;
  std::vector<std::string> names = namesInLists(module, config);
  if (nameAny(config.quantization->ignored, names))
    return std::nullopt;
  for (const Quantization::Group &group : config.quantization->groups)
    if (nameAny(group.modules, names))
      return group.block;
  return std::nullopt;
}
