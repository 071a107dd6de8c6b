//===- DecoderWeights.cpp - The weights around an attention ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightScales.h"
#include "mla/Import/DecoderConfig.h"
#include "mla/Import/LayerWeights.h"

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;

std::string mla::importer::decoderPrefix(int64_t layer) { return "model.layers." + std::to_string(layer) + "."; }

namespace {
/// Collects the weights of a decoder layer.
class Collector {
public:
  Collector(const AttentionConfig &config, int64_t layer)
      : config(config), decoder(*config.decoder), prefix(decoderPrefix(layer)) {}

  void addNorms();
  /// Add gate, up and down of an MLP; the roles are consecutive.
  void addMlp(WeightRole gate, const std::string &module, int64_t width);
  void addJoinedExperts();
  void addExperts();
  std::vector<ExpectedWeight> take() { return std::move(weights); }

private:
  void add(WeightRole role, const std::string &name, llvm::ArrayRef<int64_t> shape);

  const AttentionConfig &config;
  const DecoderConfig &decoder;
  std::string prefix;
  std::vector<ExpectedWeight> weights;
};
} // namespace

void Collector::add(WeightRole role, const std::string &name, llvm::ArrayRef<int64_t> shape) {
  ExpectedWeight weight{role, prefix + name, llvm::SmallVector<int64_t, 2>(shape)};
  if (role != WeightRole::Router) // checkpoints keep it in full precision
    weight.scale = announcedScale(config, weight);
  weights.push_back(std::move(weight));
}

void Collector::addNorms() {
  add(WeightRole::InputNorm, checkpointSuffix(WeightRole::InputNorm).str(), {config.hiddenSize});
  add(WeightRole::PostNorm, checkpointSuffix(WeightRole::PostNorm).str(), {config.hiddenSize});
}

void Collector::addMlp(WeightRole gate, const std::string &module, int64_t width) {
  auto role = [gate](int offset) { return static_cast<WeightRole>(static_cast<int>(gate) + offset); };
  auto name = [&](int offset) { return module + checkpointSuffix(role(offset)).str(); };
  add(role(0), name(0), {width, config.hiddenSize});
  add(role(1), name(1), {width, config.hiddenSize});
  add(role(2), name(2), {config.hiddenSize, width});
}

void Collector::addJoinedExperts() {
  const Experts &experts = *decoder.experts;
  add(WeightRole::ExpertsGateUp, checkpointSuffix(WeightRole::ExpertsGateUp).str(),
      {experts.routed, 2 * experts.width, config.hiddenSize});
  add(WeightRole::ExpertsDown, checkpointSuffix(WeightRole::ExpertsDown).str(),
      {experts.routed, config.hiddenSize, experts.width});
}

void Collector::addExperts() {
  const Experts &experts = *decoder.experts;
  int64_t choices = experts.routed + experts.zero;
  add(WeightRole::Router, checkpointSuffix(WeightRole::Router).str(), {choices, config.hiddenSize});
  if (decoder.router.isCorrected)
    add(WeightRole::Correction, checkpointSuffix(WeightRole::Correction).str(), {choices});
  if (decoder.joinsExperts)
    addJoinedExperts();
  else
    for (int64_t expert = 0; expert < experts.routed; ++expert)
      addMlp(WeightRole::ExpertGate, "mlp.experts." + std::to_string(expert) + ".", experts.width);
  if (experts.sharedWidth)
    addMlp(WeightRole::SharedGate, "", experts.sharedWidth);
}

std::vector<ExpectedWeight> mla::importer::decoderWeights(const AttentionConfig &config, int64_t layer) {
  Collector collector(config, layer);
  collector.addNorms();
  if (config.decoder->hasDense(layer))
    collector.addMlp(WeightRole::Gate, "", config.decoder->denseWidth);
  if (config.decoder->hasExperts(layer))
    collector.addExperts();
  return collector.take();
}

std::vector<ExpectedWeight> mla::importer::endWeights(const AttentionConfig &config) {
  const DecoderConfig &decoder = *config.decoder;
  auto weight = [](WeightRole role, llvm::ArrayRef<int64_t> shape) {
    return ExpectedWeight{role, checkpointSuffix(role).str(), llvm::SmallVector<int64_t, 2>(shape)};
  };
  std::vector<ExpectedWeight> weights = {weight(WeightRole::Embedding, {decoder.vocabSize, config.hiddenSize}),
                                         weight(WeightRole::FinalNorm, {config.hiddenSize})};
  if (!decoder.tiedEmbeddings)
    weights.push_back(weight(WeightRole::Head, {decoder.vocabSize, config.hiddenSize}));
  return weights;
}
