//===- ModelCosts.h - Costs of a whole model, part by part ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Extends the cost model of an attention layer to the whole model: an MLP is
// products and streams like any other. The attention is one of the plan's forms
// over the latent cache, or heads over cached keys and values.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_REPORT_MODELCOSTS_H
#define MLA_REPORT_MODELCOSTS_H

#include "mla/Dialect/MLA/Analysis/CostModel.h"
#include "mla/Import/ModelConfig.h"

#include "llvm/ADT/ArrayRef.h"

#include <array>

namespace mla::report {

/// The parts of a step. Every byte and FLOP is in exactly one.
enum class Part { QuerySide, AttentionCore, OutputSide, Append, Mlp, Rest };
inline constexpr Part allParts[] = {Part::QuerySide, Part::AttentionCore, Part::OutputSide,
                                    Part::Append,    Part::Mlp,           Part::Rest};

/// The pieces of parts.
enum class Piece {
  QuerySide,    ///< W_UQ, and W_UK where it is absorbed, or their product
  Attention,    ///< scores, softmax, and values
  UpProjection, ///< of the cached tokens, if keys and values are recomputed: of the core
  OutputSide,   ///< W_O, and W_UV where it is absorbed, or their product
  Append,       ///< from the hidden state to the cached row: W_DKV, norm, rotation, writing; with cached keys and
                ///< values also the step's own up-projection
  DenseMlp,     ///< this and the following up to SharedExperts: of the MLP
  Router,
  RoutedExperts,
  SharedExperts,
  DownQuery, ///< W_DQ, its norm, rotation of the query: of the rest
  Norms,     ///< norms and residual sums of the layers, embedding
  Logits,
};
inline constexpr unsigned numPieces = unsigned(Piece::Logits) + 1;

/// Return the key in JSON: "q_side", "up_projection".
llvm::StringRef keyOf(Part part);
llvm::StringRef keyOf(Piece piece);
/// Return the title for readers.
llvm::StringRef titleOf(Part part);
llvm::StringRef titleOf(Piece piece);
Part partOf(Piece piece);

/// Costs of a step, of a layer or a model, by pieces.
class Costs {
public:
  Cost &operator[](Piece piece) { return pieces[unsigned(piece)]; }
  const Cost &operator[](Piece piece) const { return pieces[unsigned(piece)]; }
  Cost operator[](Part part) const;
  Cost getTotal() const;
  /// Return the share of the time of the step, 0 to 1.
  double getShare(Part part) const { return (*this)[part].seconds / getTotal().seconds; }
  /// Return the cost of the attention with its projections.
  Cost getAttention() const;

  Costs &operator+=(const Costs &other);
  friend Costs operator*(double times, Costs costs);

private:
  std::array<Cost, numPieces> pieces{};
};

/// The form of the attention and its cache.
struct AttentionForm {
  bool fullCache = false; ///< Keys and values per head are cached; `forms` is then unused.
  Forms forms{Form::Naive, Form::Naive};

  static AttentionForm overFullCache() { return {true, {}}; }
};

/// How the numbers of a model are held.
struct ElementFormats {
  int64_t elementBytes = 2; ///< of activations, a standard cache, and weights without another format, 1 to 4
  schema::CacheFormat cache = schema::CacheFormat::Standard; ///< of a latent cache
  WeightFormat mlp;                                          ///< of the weights of MLPs
  decltype(LayerShape::formats) attention{};                 ///< of the weights of latent attention
  /// Return the numbers of e4m3 per element of a token that is multiplied with weights of the attention; 0: none.
  int64_t getTokenTerms() const;
  bool multipliesE4m3() const { return mlp.terms || getTokenTerms(); }
};

/// The costs of one model on one device with unlimited memory. Biases are left out.
class ModelCosts {
public:
  ModelCosts(const importer::ModelConfig &config, const Device &device, const ElementFormats &formats);

  const importer::ModelConfig &getConfig() const { return config; }
  /// Return the model of one attention; without latent attention only for products and streams.
  const CostModel &getAttentionModel() const { return model; }

  Costs getLayer(const importer::LayerKind &kind, const AttentionForm &form, const Step &step) const;
  /// Return the costs of all layers and, if the config has MLPs, embedding and logits of every sequence's last token.
  Costs getModel(const AttentionForm &form, const Step &step) const;

  /// Return the number of weights: all, and those that one token is multiplied by (and its row of the embedding). Norms
  /// and biases are left out.
  double getParameters() const;
  double getActiveParameters() const;
  /// Return the bytes of all weights, including those of the attention in these forms. There may be several forms: a
  /// plan has one for every phase.
  double getWeightBytes(llvm::ArrayRef<AttentionForm> forms) const;
  /// Return those of one latent attention, naive and absorbed or folded.
  double getAttentionWeightBytes(Form form) const;

  /// Return the bytes of a token that a form caches, in all layers.
  double getCachedTokenBytes(const AttentionForm &form) const;
  /// Return the bytes of a token in the caches of all layers.
  double getCachedTokenBytes() const;
  /// Return the same with keys and values for `keyValueHeads` of this model's heads: all is MHA, fewer is GQA.
  double getHeadCacheBytes(int64_t keyValueHeads) const;

  /// Return the expected number of routed experts that at least one of `tokens` selects, evenly and independently.
  double getExpectedExperts(int64_t tokens) const;

private:
  void addLatentAttention(Costs &costs, const AttentionForm &form, const Step &step) const;
  void addHeadAttention(Costs &costs, const Step &step) const;
  void addMixture(Costs &costs, int64_t tokens) const;
  Cost getMlpCost(double groups, double tokens, int64_t width) const;
  double sumMatrices(llvm::function_ref<double(Matrix)> perElement) const;
  double getAttentionParameters() const;
  double getRealChoices() const;
  double getMlpParameters(double experts) const;
  double getOtherParameters() const;

  importer::ModelConfig config;
  CostModel model;
  WeightFormat mlpWeights;
};

/// Return the part of a model on each of `ranks` devices: an equal part of the heads, of the width of every MLP and of
/// the vocabulary, and everything that is not divided: the latent's projection and cache, the query's compression,
/// norms, routers.
importer::ModelConfig takeRank(importer::ModelConfig config, int64_t ranks);

} // namespace mla::report

#endif // MLA_REPORT_MODELCOSTS_H
