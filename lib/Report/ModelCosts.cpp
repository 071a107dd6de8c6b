//===- ModelCosts.cpp - Costs of a whole model, part by part --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Report/ModelCosts.h"

#include <cmath>

using namespace mla;
using namespace mla::report;
using llvm::StringRef;
using mla::importer::Experts;
using mla::importer::HeadAttention;
using mla::importer::LayerKind;

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

namespace {
struct Name {
  llvm::StringLiteral key, title;
};
struct PieceName {
  Part part;
  llvm::StringLiteral key, title;
};
} // namespace

static constexpr Name partNames[] = {{"q_side", "q side"}, {"attention_core", "core"},
                                     {"o_side", "o side"}, {"append", "append"},
                                     {"mlp", "MLP"},       {"rest", "rest"}};

static constexpr PieceName pieceNames[numPieces] = {
    {Part::QuerySide, "q_side", "W_UQ and W_UK"},
    {Part::AttentionCore, "attention", "attention"},
    {Part::AttentionCore, "up_projection", "up-projection of cached tokens"},
    {Part::OutputSide, "o_side", "W_UV and W_O"},
    {Part::Append, "append", "append"},
    {Part::Mlp, "dense", "dense MLP"},
    {Part::Mlp, "router", "router"},
    {Part::Mlp, "routed_experts", "routed experts"},
    {Part::Mlp, "shared_experts", "shared experts"},
    {Part::Rest, "down_query", "W_DQ, rotation"},
    {Part::Rest, "norms", "norms, embedding"},
    {Part::Rest, "logits", "logits"},
};

StringRef mla::report::keyOf(Part part) { return partNames[unsigned(part)].key; }
StringRef mla::report::keyOf(Piece piece) { return pieceNames[unsigned(piece)].key; }
StringRef mla::report::titleOf(Part part) { return partNames[unsigned(part)].title; }
StringRef mla::report::titleOf(Piece piece) { return pieceNames[unsigned(piece)].title; }
Part mla::report::partOf(Piece piece) { return pieceNames[unsigned(piece)].part; }

Cost Costs::operator[](Part part) const {
  Cost sum;
  for (unsigned i = 0; i < numPieces; ++i)
    if (pieceNames[i].part == part)
      sum += pieces[i];
  return sum;
}

Cost Costs::getTotal() const {
  Cost sum;
  for (const Cost &piece : pieces)
    sum += piece;
  return sum;
}

Cost Costs::getAttention() const {
  Cost sum = (*this)[Piece::DownQuery];
  for (Part part : {Part::QuerySide, Part::AttentionCore, Part::OutputSide, Part::Append})
    sum += (*this)[part];
  return sum;
}

Costs &Costs::operator+=(const Costs &other) {
  for (unsigned i = 0; i < numPieces; ++i)
    pieces[i] += other.pieces[i];
  return *this;
}

Costs mla::report::operator*(double times, Costs costs) {
  for (Cost &piece : costs.pieces)
    piece = times * piece;
  return costs;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

int64_t ElementFormats::getTokenTerms() const {
  int64_t terms = 0;
  for (const WeightFormat &format : attention)
    terms = std::max(terms, format.terms);
  return terms;
}

static LayerShape shapeOf(const importer::ModelConfig &config, const ElementFormats &formats) {
  LayerShape shape;
  shape.hidden = config.hiddenSize;
  shape.elementBytes = formats.elementBytes;
  if (!config.latent)
    return shape;
  const importer::AttentionConfig &latent = *config.latent;
  shape.queryRank = latent.qLoraRank ? latent.qLoraRank : latent.hiddenSize;
  shape.heads = latent.numHeads;
  shape.nope = latent.nopeDim;
  shape.rope = latent.ropeDim;
  shape.value = latent.vDim;
  shape.latent = latent.kvLoraRank;
  shape.formats = formats.attention;
  if (isPacked(formats.cache))
    shape.packedRowBytes = schema::packedRow(formats.cache, shape.latent, shape.rope).bytes;
  return shape;
}

ModelCosts::ModelCosts(const importer::ModelConfig &config, const Device &device, const ElementFormats &formats)
    : config(config), model(shapeOf(config, formats), device), mlpWeights(formats.mlp) {}

void ModelCosts::addLatentAttention(Costs &costs, const AttentionForm &form, const Step &step) const {
  LayerCost layer = form.fullCache ? model.getFullCacheCost(step) : model.getCost(form.forms, step);
  int64_t tokens = step.batch * step.tokens;
  costs[Piece::DownQuery] += model.getDownQueryCost(tokens);
  costs[Piece::Append] += model.getAppendCost(tokens);
  costs[Piece::QuerySide] += layer.query;
  costs[form.fullCache ? Piece::Append : Piece::UpProjection] += layer.upProjection;
  costs[Piece::Attention] += layer.attention;
  costs[Piece::OutputSide] += layer.output;
}

void ModelCosts::addHeadAttention(Costs &costs, const Step &step) const {
  const HeadAttention &heads = config.heads;
  int64_t tokens = step.batch * step.tokens, hidden = config.hiddenSize;
  int64_t queries = heads.heads * heads.headDim, cached = 2 * heads.keyValueHeads * heads.headDim;
  costs[Piece::QuerySide] += model.getProductCost(1, tokens, hidden, queries);
  costs[Piece::Append] += model.getProductCost(1, tokens, hidden, cached) +
                          model.getStreamCost(double(tokens) * cached, double(tokens) * cached);
  costs[Piece::Attention] +=
      model.getHeadAttentionCost({heads.heads, heads.keyValueHeads, heads.headDim, heads.headDim}, step);
  costs[Piece::OutputSide] += model.getProductCost(1, tokens, queries, hidden);
  if (heads.rotated)
    costs[Piece::DownQuery] += model.getStreamCost(double(tokens) * queries, double(tokens) * queries);
}

//===----------------------------------------------------------------------===//
// MLPs
//===----------------------------------------------------------------------===//

/// Return the cost of `groups` MLPs of `width` on this many tokens each: gate and up in one product, the activation,
/// down.
Cost ModelCosts::getMlpCost(double groups, double tokens, int64_t width) const {
  int64_t inner = config.gatedMlp ? 2 * width : width;
  return model.getProductCost(groups, tokens, config.hiddenSize, inner, mlpWeights) +
         model.getStreamCost(groups * tokens * inner, groups * tokens * width) +
         model.getProductCost(groups, tokens, width, config.hiddenSize, mlpWeights);
}

/// Return the share of a router's choices that compute something.
double ModelCosts::getRealChoices() const {
  const Experts &experts = *config.experts;
  return double(experts.perToken) * experts.routed / (experts.routed + experts.zero);
}

double ModelCosts::getExpectedExperts(int64_t tokens) const {
  const Experts &experts = *config.experts;
  double picked = double(experts.perToken) / (experts.routed + experts.zero); // probability per expert and token
  return experts.routed * -std::expm1(tokens * std::log1p(-picked));
}

void ModelCosts::addMixture(Costs &costs, int64_t tokens) const {
  const Experts &experts = *config.experts;
  double hidden = config.hiddenSize, pairs = tokens * getRealChoices(), active = getExpectedExperts(tokens);
  int64_t choices = experts.routed + experts.zero;
  costs[Piece::Router] += model.getProductCost(1, tokens, config.hiddenSize, choices) +
                          model.getStreamCost(double(tokens) * choices, double(tokens) * experts.perToken);
  costs[Piece::RoutedExperts] +=
      getMlpCost(active, pairs / active, experts.width) + model.getStreamCost(pairs * hidden, tokens * hidden);
  if (experts.sharedWidth)
    costs[Piece::SharedExperts] += getMlpCost(1, tokens, experts.sharedWidth);
}

//===----------------------------------------------------------------------===//
// Layers and models
//===----------------------------------------------------------------------===//

Costs ModelCosts::getLayer(const LayerKind &kind, const AttentionForm &form, const Step &step) const {
  int64_t tokens = step.batch * step.tokens;
  double states = 2.0 * tokens * config.hiddenSize; // the residual stream, and the addend or the norm's result
  Costs attention, dense, mixture;
  if (config.latent)
    addLatentAttention(attention, form, step);
  else
    addHeadAttention(attention, step);
  if (kind.denseMlps)
    dense[Piece::DenseMlp] = getMlpCost(1, tokens, config.denseWidth);
  if (kind.mixtures)
    addMixture(mixture, tokens);
  Costs costs = double(kind.attentions) * attention;
  costs += double(kind.denseMlps) * dense;
  costs += double(kind.mixtures) * mixture;
  if (config.hasMlp())
    costs[Piece::Norms] =
        double(kind.attentions + kind.denseMlps + kind.mixtures) * model.getStreamCost(states, states);
  return costs;
}

Costs ModelCosts::getModel(const AttentionForm &form, const Step &step) const {
  Costs costs;
  for (const LayerKind &kind : config.layers)
    costs += double(kind.layers) * getLayer(kind, form, step);
  if (!config.hasMlp() || !config.vocabSize)
    return costs;
  double embedded = double(step.batch) * step.tokens * config.hiddenSize, last = double(step.batch) * config.hiddenSize;
  costs[Piece::Norms] += model.getStreamCost(embedded, embedded) + model.getStreamCost(last, last);
  costs[Piece::Logits] = model.getProductCost(1, step.batch, config.hiddenSize, config.vocabSize);
  return costs;
}
