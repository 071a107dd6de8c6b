//===- Manifest.cpp - manifest.json ---------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manifest.h"
#include "Device.h"
#include "FieldReader.h"
#include "Memory.h"
#include "Text.h"

#include "mla/abi.h"

#include <algorithm>

using namespace mla;
using json::Value;

// Bounds far above any model: with them no product of a few fields overflows.
static constexpr int64_t maxVocabulary = 1 << 26, maxStreams = 16;
static constexpr int64_t maxMadeWeights = int64_t(1) << 48;
static constexpr int64_t maxDim = 1 << 20, maxPage = 1 << 16, maxLayer = 1 << 20, maxContext = INT32_MAX;
static constexpr size_t maxLayers = 1 << 16, maxEntries = 1 << 12;
/// Bounds the entries for every weight of every entry of every layer: a small file could otherwise request all memory.
static constexpr size_t maxBindings = 1 << 20;

static constexpr const char *productNames[] = {"e4m3", "e4m3x2"};

/// Checks magic and version first: in another version, other fields may have another meaning.
static Error checkVersion(const std::string &path, const Value &root) {
  const Value *magic = root.find("magic"), *version = root.find("version");
  if (!magic || magic->text != MLA_BUNDLE_MAGIC)
    return Error(ErrorKind::InvalidFile,
                 path + ": field 'magic' is not '" MLA_BUNDLE_MAGIC "'; give the directory that mla-compile wrote");
  if (!version || !version->is(Value::Kind::Integer))
    return Error(ErrorKind::InvalidFile, path + ": field 'version' must be an integer; compile the bundle again");
  if (version->integer < MLA_BUNDLE_VERSION_WITHOUT_ADAPTERS || version->integer > MLA_BUNDLE_VERSION_WITH_RANKS)
    return Error(ErrorKind::Unsupported,
                 path + ": the bundle is of version " + std::to_string(version->integer) +
                     ", this runtime reads versions " + std::to_string(MLA_BUNDLE_VERSION_WITHOUT_ADAPTERS) + " to " +
                     std::to_string(MLA_BUNDLE_VERSION_WITH_RANKS) + "; recompile with this release");
  return {};
}

/// Reads what a whole model may say of its texts.
static void readTexts(FieldReader &fields, Manifest &manifest) {
  constexpr size_t mostTokens = 64;
  if (fields.has("max_position_embeddings"))
    manifest.maxContext = fields.integer("max_position_embeddings", 1, int64_t(1) << 31);
  if (!fields.has("eos_token_id"))
    return;
  const Value &tokens = fields.get("eos_token_id", Value::Kind::Array);
  if (tokens.items.size() > mostTokens)
    return fields.fail("eos_token_id", "has more than " + std::to_string(mostTokens) + " tokens");
  for (const Value &token : tokens.items) {
    if (!token.is(Value::Kind::Integer) || token.integer < 0 || token.integer >= manifest.vocabSize)
      return fields.fail("eos_token_id", "must hold tokens below vocab_size, " + std::to_string(manifest.vocabSize));
    manifest.stopTokens.push_back(static_cast<int32_t>(token.integer));
  }
}

/// Reads which heads the bundle holds.
static void readHeads(FieldReader &fields, Manifest &manifest) {
  bool isOfGroup = manifest.ranks > 1;
  bool hasAll = manifest.heads == manifest.numAttentionHeads; // on every rank
  manifest.firstHead = hasAll ? 0 : (isOfGroup ? manifest.groupRank : manifest.rank) * manifest.heads;
  if (fields.has("first_head"))
    manifest.firstHead = fields.integer("first_head", 0, maxDim);
  // Parts may differ by a head.
  int64_t least = manifest.numAttentionHeads / manifest.tensorParallel;
  int64_t most = (manifest.numAttentionHeads + manifest.tensorParallel - 1) / manifest.tensorParallel;
  if (!isOfGroup && (manifest.heads < least || manifest.heads > most))
    fields.fail("heads", "times tensor_parallel must be num_attention_heads, but " + std::to_string(manifest.heads) +
                             " times " + std::to_string(manifest.tensorParallel) + " is not " +
                             std::to_string(manifest.numAttentionHeads));
  if (manifest.firstHead + manifest.heads > manifest.numAttentionHeads)
    fields.fail("heads", "is " + std::to_string(manifest.heads) + " from head " + std::to_string(manifest.firstHead) +
                             " on, but num_attention_heads is " + std::to_string(manifest.numAttentionHeads));
}

static void readModel(FieldReader fields, Manifest &manifest) {
  manifest.modelType = fields.text("model_type");
  manifest.hiddenSize = fields.integer("hidden_size", 1, maxDim);
  manifest.numAttentionHeads = fields.integer("num_attention_heads", 1, maxDim);
  manifest.heads = fields.integer("heads", 1, maxDim);
  manifest.qLoraRank = fields.integer("q_lora_rank", 0, maxDim);
  manifest.kvLoraRank = fields.integer("kv_lora_rank", 1, maxDim);
  manifest.qkNopeHeadDim = fields.integer("qk_nope_head_dim", 1, maxDim);
  manifest.qkRopeHeadDim = fields.integer("qk_rope_head_dim", 0, maxDim);
  manifest.vHeadDim = fields.integer("v_head_dim", 1, maxDim);
  manifest.rmsNormEps = fields.number("rms_norm_eps", 0, 1);
  manifest.ropeTheta = fields.number("rope_theta", 0, 1e30);
  if (fields.has("streams"))
    manifest.streams = fields.integer("streams", 1, maxStreams);
  if (fields.has("vocab_size"))
    manifest.vocabSize = fields.integer("vocab_size", 1, maxVocabulary);
  readTexts(fields, manifest);
  readHeads(fields, manifest);
}

static void readLayers(FieldReader &fields, Manifest &manifest) {
  const Value &list = fields.get("layers", Value::Kind::Array);
  if (list.items.empty() || list.items.size() > maxLayers)
    return fields.fail("layers", "must hold 1 to " + std::to_string(maxLayers) + " numbers");
  for (const Value &item : list.items) {
    if (!item.is(Value::Kind::Integer) || item.integer < 0 || item.integer > maxLayer)
      return fields.fail("layers", "must hold layer numbers from 0 to " + std::to_string(maxLayer));
    manifest.layers.push_back(item.integer);
  }
  std::vector<int64_t> sorted = manifest.layers;
  std::sort(sorted.begin(), sorted.end());
  auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end())
    fields.fail("layers", "has layer " + std::to_string(*twice) + " twice");
}

static ManifestRange readRange(FieldReader &fields, const char *key) {
  const Value &list = fields.get(key, Value::Kind::Array);
  if (list.items.size() != 2 || !list.items[0].is(Value::Kind::Integer) || !list.items[1].is(Value::Kind::Integer)) {
    fields.fail(key, "must be two integers, [first, last]");
    return {};
  }
  ManifestRange range = {list.items[0].integer, list.items[1].integer};
  if (range.first < 0 || range.first > maxContext || range.last < -1 || (range.last != -1 && range.last < range.first))
    fields.fail(key, "must be a range of numbers, the last -1 if there is no bound, is [" +
                         std::to_string(range.first) + ", " + std::to_string(range.last) + "]");
  return range;
}

/// Reads the symbol and the weights, which entries and ends have.
static void readCode(FieldReader &fields, std::string &symbol, std::vector<std::string> &weights) {
  symbol = fields.text("symbol");
  if (symbol.empty())
    fields.fail("symbol", "is empty");
  const Value &list = fields.get("weights", Value::Kind::Array);
  if (static_cast<int64_t>(list.items.size()) > maxEntryWeights)
    fields.fail("weights", "has more than " + std::to_string(maxEntryWeights) + " names");
  for (const Value &name : list.items) {
    if (!name.is(Value::Kind::String) || name.text.empty())
      return fields.fail("weights", "must hold names of weights");
    weights.push_back(name.text);
  }
}

/// Reads the layers that an entry serves, in ascending order, so that they are found fast.
static void readServed(FieldReader &fields, std::vector<int64_t> &served) {
  if (!fields.has("layers"))
    return;
  for (const Value &item : fields.get("layers", Value::Kind::Array).items) {
    if (!item.is(Value::Kind::Integer) || item.integer < 0 || (!served.empty() && item.integer <= served.back()))
      return fields.fail("layers", "must hold layer numbers in ascending order");
    served.push_back(item.integer);
  }
  if (served.empty())
    fields.fail("layers", "is empty");
}

static void readEntry(FieldReader fields, ManifestEntry &entry) {
  static constexpr const char *forms[] = {"naive", "absorb", "fold"};
  readCode(fields, entry.symbol, entry.weights);
  readServed(fields, entry.layers);
  entry.phase = fields.choice("phase", {"prefill", "decode"}) == 0 ? MLA_PHASE_PREFILL : MLA_PHASE_DECODE;
  entry.q = forms[fields.choice("q", forms)];
  entry.o = forms[fields.choice("o", forms)];
  entry.tokens = readRange(fields, "tokens");
  entry.contexts = readRange(fields, "context");
}

/// Finds the end of a model whose name is the phase of an entry.
static std::optional<End> findEnd(const Value &entry) {
  const Value *phase = entry.find("phase");
  for (End end : {End::Embed, End::Logits})
    if (phase && phase->text == nameOf(coreOf(end)))
      return end;
  return std::nullopt;
}

static void readEnd(const std::string &path, const std::string &prefix, const Value &object, End end,
                    const BindingTypes &types, Manifest &manifest, Error &error) {
  FieldReader fields(path, prefix, object, error);
  ManifestEnd &made = manifest.ends[static_cast<size_t>(end)];
  schema::Core core = coreOf(end);
  if (!made.symbol.empty())
    fields.fail("phase", "is " + quoted(nameOf(core)) + " a second time");
  made = {};
  readCode(fields, made.symbol, made.weights);
  if (manifest.hasKernels() && !error)
    readLaunchList(path, prefix, object, {listOf(core), made.weights, types, manifest.ranks},
                   manifest.cores[static_cast<unsigned>(core)].emplace(), manifest.kernels, error);
}

static void readCores(const std::string &path, FieldReader &fields, const Value &root, const BindingTypes &types,
                      Manifest &manifest, Error &error) {
  static const std::vector<std::string> noWeights;
  if (!root.find("cores"))
    return;
  const Value &list = fields.get("cores", Value::Kind::Array);
  if (list.items.size() > schema::numCores)
    return fields.fail("cores", "has more than " + std::to_string(schema::numCores) + " cores");
  for (size_t i = 0; i < list.items.size() && !error; ++i) {
    std::string place = "cores[" + std::to_string(i) + "]";
    if (!list.items[i].is(Value::Kind::Object))
      return fields.fail(place.c_str(), std::string("must be an object, is ") + json::kindName(list.items[i].kind));
    FieldReader item(path, place + ".", list.items[i], error);
    auto core = static_cast<schema::Core>(item.choice("name", schema::coreNames));
    std::optional<LaunchList> &launches = manifest.cores[static_cast<unsigned>(core)];
    if (launches)
      item.fail("name", "is " + quoted(nameOf(core)) + " a second time");
    readLaunchList(path, place + ".", list.items[i], {listOf(core), noWeights, types, manifest.ranks},
                   launches.emplace(), manifest.kernels, error);
  }
}

static void readEntries(const std::string &path, FieldReader &fields, const BindingTypes &types, Manifest &manifest,
                        Error &error) {
  const Value &list = fields.get("entries", Value::Kind::Array);
  if (list.items.empty() || list.items.size() > maxEntries)
    return fields.fail("entries", "must hold 1 to " + std::to_string(maxEntries) + " entries");
  for (size_t i = 0; i < list.items.size(); ++i) {
    std::string name = "entries[" + std::to_string(i) + "]";
    if (!list.items[i].is(Value::Kind::Object))
      return fields.fail(name.c_str(), std::string("must be an object, is ") + json::kindName(list.items[i].kind));
    if (std::optional<End> end = findEnd(list.items[i])) {
      readEnd(path, name + ".", list.items[i], *end, types, manifest, error);
      continue;
    }
    ManifestEntry &entry = manifest.entries.emplace_back();
    readEntry(FieldReader(path, name + ".", list.items[i], error), entry);
    if (manifest.hasKernels() && !error)
      readLaunchList(path, name + ".", list.items[i], {schema::List::Entry, entry.weights, types, manifest.ranks},
                     entry.launches, manifest.kernels, error);
  }
}

/// Checks that every layer has an entry, and a model both ends.
static void checkIsComplete(FieldReader &fields, const Manifest &manifest) {
  for (int64_t layer : manifest.layers)
    if (std::none_of(manifest.entries.begin(), manifest.entries.end(),
                     [&](const ManifestEntry &entry) { return entry.serves(layer); }))
      fields.fail("entries", "serve no layer " + std::to_string(layer));
  for (const ManifestEnd &end : manifest.ends)
    if (end.symbol.empty() != (manifest.vocabSize == 0))
      fields.fail("entries", "must have 'embed' and 'logits' if and only if 'model' has vocab_size");
}

static void checkBindings(FieldReader &fields, const Manifest &manifest) {
  size_t bindings = 0;
  for (const ManifestEntry &entry : manifest.entries)
    bindings += 1 + entry.weights.size();
  if (bindings * manifest.layers.size() > maxBindings)
    fields.fail("layers", "times the entries' weights must be at most " + std::to_string(maxBindings) + ", is " +
                              std::to_string(bindings * manifest.layers.size()));
}

static void readFiles(FieldReader &fields, Manifest &manifest) {
  const Value &files = fields.get("files", Value::Kind::Object);
  for (size_t i = 0; i < files.items.size(); ++i) {
    const std::string &name = files.keys[i];
    // A plain name only: a bundle must not make us look at files elsewhere.
    if (name.empty() || name == "." || name == ".." || name.find_first_of(std::string_view("/\0", 2)) != name.npos)
      return fields.fail("files", "has " + quoted(name) + ", which is no plain file name");
    if (!files.items[i].is(Value::Kind::Integer) || files.items[i].integer < 0)
      return fields.fail("files", "must give the size in bytes of " + quoted(name));
    manifest.files[name] = files.items[i].integer;
  }
  for (const char *name : {manifest.hasKernels() ? MLA_PTX_FILE : MLA_CODE_FILE, MLA_WEIGHTS_FILE})
    if (!manifest.files.count(name))
      fields.fail("files", std::string("has no size for ") + name);
}

/// Those of hidden states are the first of the table.
static constexpr size_t numDTypes = 2;
static_assert(static_cast<int>(Element::F32) == MLA_F32 && static_cast<int>(Element::BF16) == MLA_BF16 &&
                  static_cast<int>(Element::I8) == MLA_I8,
              "runtime.h and launch_abi.def number element types alike");

static void readCache(FieldReader fields, Manifest &manifest) {
  manifest.cacheLayout = static_cast<schema::CacheFormat>(fields.choice("format", schema::cacheFormatNames));
  manifest.cacheFormat = nameOf(manifest.cacheLayout);
  bool isPacked = schema::isPacked(manifest.cacheLayout);
  if (isPacked && fields.choice("dtype", {nameOf(Element::I8)}) == 0)
    manifest.cacheDType = MLA_I8;
  else if (!isPacked)
    manifest.cacheDType = static_cast<mla_dtype>(fields.choice("dtype", schema::elementNames, numDTypes));
  // Bundles of earlier releases have no scale.
  if (fields.has("scale"))
    manifest.cacheScale = fields.number("scale", 0x1p-40, 0x1p40);
  if (manifest.cacheScale != 1 && manifest.cacheLayout != schema::CacheFormat::FP8Tensor)
    fields.fail("scale", "is for format fp8_tensor only");
}

/// Reads the adapters that sequences choose from.
static void readAdapters(FieldReader fields, Manifest &manifest) {
  constexpr size_t mostAdapters = 1 << 12;
  const Value &names = fields.get("names", Value::Kind::Array);
  if (names.items.empty() || names.items.size() > mostAdapters)
    return fields.fail("names", "must hold 1 to " + std::to_string(mostAdapters) + " names");
  for (const Value &name : names.items) {
    if (!name.is(Value::Kind::String) || name.text.empty() ||
        std::count(manifest.adapters.begin(), manifest.adapters.end(), name.text))
      return fields.fail("names", "must hold different names of adapters");
    manifest.adapters.push_back(name.text);
  }
  static constexpr const char *caches[] = {"shared", "own"};
  manifest.ownCacheRows = fields.choice("cache", caches) == 1;
}

/// Reads of which ranks the bundle is one.
static void readRanks(FieldReader fields, int64_t version, Manifest &manifest) {
  manifest.ranks = fields.integer("count", 1, schema::Limit::Ranks);
  manifest.groupRank = fields.integer("rank", 0, manifest.ranks - 1);
  manifest.tokenRanks = fields.has("tokens") ? fields.integer("tokens", 1, manifest.ranks) : 1;
  if (manifest.tokenRanks && manifest.ranks % manifest.tokenRanks != 0)
    fields.fail("tokens",
                "must divide count, " + std::to_string(manifest.ranks) + ", is " + std::to_string(manifest.tokenRanks));
  if (version < MLA_BUNDLE_VERSION_WITH_RANKS)
    fields.fail("count", "is of bundles from version " + std::to_string(MLA_BUNDLE_VERSION_WITH_RANKS) + " on");
  if (manifest.tensorParallel != 1)
    fields.fail("count",
                "is of bundles whose tensor_parallel is 1, but that is " + std::to_string(manifest.tensorParallel));
}

static void readFields(const std::string &path, const Value &root, Manifest &manifest, Error &error) {
  FieldReader fields(path, "", root, error);
  manifest.producer = fields.text("producer");
  manifest.target = schema::targetNames[fields.choice("target", schema::targetNames)];
  manifest.isa = fields.text("isa");
  manifest.dtype = static_cast<mla_dtype>(fields.choice("dtype", schema::elementNames, numDTypes));
  static constexpr const char *scopes[] = {"layer", "model"};
  if (root.find("scope"))
    manifest.scope = scopes[fields.choice("scope", scopes)];
  if (root.find("products"))
    manifest.products = productNames[fields.choice("products", productNames)];
  manifest.page = fields.integer("page", 1, maxPage);
  readCache(fields.child("cache"), manifest);
  if (root.find("adapters"))
    readAdapters(fields.child("adapters"), manifest);
  bool isWithout = root.find("version")->integer == MLA_BUNDLE_VERSION_WITHOUT_ADAPTERS;
  if (!manifest.adapters.empty() && (isWithout || !manifest.scope.empty()))
    fields.fail("adapters", "is for attentions, from version " + std::to_string(MLA_BUNDLE_VERSION) + " on");
  manifest.tensorParallel = fields.integer("tensor_parallel", 1, maxDim);
  manifest.rank = fields.integer("rank", 0, manifest.tensorParallel - 1);
  if (root.find("ranks"))
    readRanks(fields.child("ranks"), root.find("version")->integer, manifest);
  readModel(fields.child("model"), manifest);
  readLayers(fields, manifest);
  manifest.plan = fields.text("plan");
  if (fields.has("made_weights"))
    manifest.madeWeights = fields.integer("made_weights", 1, maxMadeWeights);
  if (manifest.madeWeights && !manifest.hasKernels())
    fields.fail("made_weights", "is for a GPU, where weights can be made");
  BindingTypes types = {root, static_cast<Element>(manifest.dtype), static_cast<Element>(manifest.cacheDType),
                        schema::cacheRow(manifest.cacheLayout, manifest.kvLoraRank, manifest.qkRopeHeadDim)};
  readEntries(path, fields, types, manifest, error);
  checkIsComplete(fields, manifest);
  checkBindings(fields, manifest);
  if (manifest.hasKernels()) {
    readCores(path, fields, root, types, manifest, error);
    if (manifest.dtype != MLA_BF16 || manifest.cacheDType == MLA_F32)
      fields.fail("dtype", "must be bf16, here and in 'cache', for target " + manifest.target);
  }
  readFiles(fields, manifest);
}

Result<Manifest> mla::parseManifest(const std::string &path, std::string_view text) {
  Result<Value> root = json::parse(text);
  if (!root && root.error().kind() == ErrorKind::OutOfMemory)
    return outOfMemory(path, "what it holds");
  if (!root)
    return Error(ErrorKind::InvalidFile,
                 path + ": is not valid JSON: " + root.error().message() + "; compile the bundle again");
  if (!root->is(Value::Kind::Object))
    return Error(ErrorKind::InvalidFile, path + ": must be a JSON object; compile the bundle again");
  if (Error error = checkVersion(path, *root))
    return error;
  Manifest manifest;
  Error error;
  readFields(path, *root, manifest, error);
  if (error)
    return error;
  return manifest;
}
