//===- ReferenceModel.cpp - What --self-check compares with --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReferenceModel.h"
#include "Source.h"

#include "mla/abi.h"

#include <cstdio>
#include <unistd.h>

using namespace mla;
using namespace mla::run;
using json::Value;

static bool exists(const std::string &path) { return access(path.c_str(), F_OK) == 0; }

/// A path that the bundle names, which may be of another machine, unless it is gone.
static std::string stillThere(const std::string &path, const mla_bundle_info &info) {
  if (path.empty() || exists(path))
    return path;
  std::fprintf(stderr, "note: %s: was made of %s, which is not there\n", info.path, path.c_str());
  return "";
}

namespace {
/// A config, and where it stands.
struct Config {
  Value value;
  std::string where;
};
} // namespace

static Result<Config> chooseConfig(const Options &options, const Source &source, const Checkpoint *checkpoint,
                                   const mla_bundle_info &info) {
  if (!options.configFile.empty()) {
    Result<Value> config = readJson(options.configFile);
    return config ? Result<Config>(Config{*config, options.configFile}) : Result<Config>(config.error());
  }
  bool given = !options.weights.empty();
  if (given && checkpoint->config())
    return Config{*checkpoint->config(), checkpoint->configPath()};
  if (source.config.is(Value::Kind::Object))
    return Config{source.config, std::string(info.path) + "/" MLA_MANIFEST_FILE ": source.config"};
  if (checkpoint && checkpoint->config())
    return Config{*checkpoint->config(), checkpoint->configPath()};
  return Error(ErrorKind::InvalidArgument,
               std::string(info.path) + ": does not say its model's config; give it with --config or --weights");
}

Error ReferenceModel::fromCheckpoint(const std::string &adapterPath, const mla_bundle_info &info, int64_t layer) {
  if (!adapterPath.empty()) {
    Result<AdapterWeights> opened = AdapterWeights::open(adapterPath);
    if (!opened)
      return opened.error();
    adapter = std::move(*opened);
  }
  Result<LayerWeights> found = checkpointWeights(*checkpoint, adapter ? &*adapter : nullptr, semantics, info, layer);
  if (!found)
    return found.error();
  weights = std::move(*found);
  description = "the naive form in float64, with the weights of " + checkpoint->path();
  if (adapter)
    description += " and the adapter " + adapterPath;
  return {};
}

Error ReferenceModel::adaptWeights(const std::vector<std::string> &adapterPaths, const mla_bundle_info &info,
                                   int64_t layer) {
  if (!info.num_adapters)
    return {};
  std::string path = info.path;
  if (!checkpoint)
    return Error(ErrorKind::Unsupported, path + ": has adapters, whose updates are not read from a bundle; give the "
                                                "checkpoint with --weights");
  if (static_cast<int64_t>(adapterPaths.size()) != info.num_adapters)
    return Error(ErrorKind::InvalidFile, path + "/" MLA_MANIFEST_FILE ": field 'source.adapters' has " +
                                             std::to_string(adapterPaths.size()) + " paths, but the bundle has " +
                                             std::to_string(info.num_adapters) + " adapters; compile the bundle again");
  unmerged.reserve(adapterPaths.size());
  for (const std::string &adapterPath : adapterPaths) {
    Result<AdapterWeights> opened = AdapterWeights::open(adapterPath);
    if (!opened)
      return opened.error();
    unmerged.push_back(std::move(*opened));
    Result<LayerWeights> found = checkpointWeights(*checkpoint, &unmerged.back(), semantics, info, layer);
    if (!found)
      return found.error();
    adapted.push_back(std::move(*found));
  }
  description += ", and with each of " + std::to_string(adapterPaths.size()) + " adapters";
  return {};
}

/// "the naive form", or which products stand in its place.
static std::string formOf(const LayerWeights &weights) {
  if (weights.keyUp && weights.valueUp)
    return "the naive form";
  return std::string("the folded form of ") + (weights.keyUp     ? "the output"
                                               : weights.valueUp ? "the query"
                                                                 : "query and output");
}

Error ReferenceModel::fromBundle(const mla_bundle_info &info, int64_t layer) {
  if (semantics.gate != Semantics::NoGate || semantics.hasSinks || semantics.normsKeyRope)
    return Error(ErrorKind::Unsupported, std::string(info.path) +
                                             ": has a gate, sinks or a norm of keys, which are not "
                                             "read from a bundle; give the checkpoint with --weights");
  Result<WeightFiles> file = openWeights(info.path);
  if (!file)
    return file.error();
  own = std::move(*file);
  Result<LayerWeights> found = bundleWeights(*own, info, layer);
  if (!found)
    return found.error();
  weights = std::move(*found);
  semantics.queryScale = semantics.latentScale = 1; // the norms' weights have them
  description = formOf(weights) + " in float64, with the bundle's own weights; that these are right is not checked, "
                                  "for which give the checkpoint with --weights";
  return {};
}

Error ReferenceModel::load(const Options &options, const mla_bundle_info &info, int64_t layer) {
  Result<Source> source = readSource(info.path);
  if (!source)
    return source.error();
  std::string weightsPath = options.weights.empty() ? stillThere(source->weights, info) : options.weights;
  if (options.weights.empty() && isGGUF(weightsPath)) // the bundle has the config and, prepared, the weights
    weightsPath.clear();
  std::string adapterPath = weightsPath.empty() ? "" : stillThere(source->adapter, info);
  if (adapterPath.empty() && !source->adapter.empty()) {
    if (!options.weights.empty())
      return Error(ErrorKind::InvalidArgument, std::string(info.path) +
                                                   ": holds the sum of the weights and of the "
                                                   "adapter " +
                                                   source->adapter + "; put that in its place, or leave out --weights");
    weightsPath.clear();
  }
  if (!weightsPath.empty()) {
    Result<Checkpoint> opened = Checkpoint::open(weightsPath);
    if (!opened)
      return opened.error();
    checkpoint = std::move(*opened);
  }
  Result<Config> config = chooseConfig(options, *source, checkpoint ? &*checkpoint : nullptr, info);
  if (!config)
    return config.error();
  Result<Semantics> read = readSemantics(config->where, config->value, info);
  if (!read)
    return read.error();
  semantics = std::move(*read);
  if (Error error = checkpoint ? fromCheckpoint(adapterPath, info, layer) : fromBundle(info, layer))
    return error;
  return adaptWeights(source->adapters, info, layer);
}
