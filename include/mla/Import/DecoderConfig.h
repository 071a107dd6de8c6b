//===- DecoderConfig.h - A decoder layer in config.json ---------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a decoder layer computes besides attention: norms, residuals, an MLP or
// a mixture of experts. Sizes are those of ModelConfig.h. All differences
// between families are resolved here; lib/Import/Families.cpp has the table.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_IMPORT_DECODERCONFIG_H
#define MLA_IMPORT_DECODERCONFIG_H

#include "mla/Import/ModelConfig.h"

namespace mla::importer {

/// How a router chooses experts; the parameters of mla.route.
struct Router {
  bool isSigmoid = false;   ///< Scores are the sigmoid of logits, else their softmax.
  bool isCorrected = false; ///< The checkpoint has e_score_correction_bias.
  int64_t groups = 1, keptGroups = 1, best = 1;
  bool isNormalized = false;
  double factor = 1.0;
};

struct DecoderConfig {
  double normEps = 1e-6; ///< Of the norms of the residual stream.
  /// A factor on what attention and MLP add to the residual stream.
  double residualScale = 1.0;
  int64_t denseWidth = 0; ///< Of a dense MLP; 0 without one.
  std::optional<Experts> experts;
  Router router;
  bool joinsExperts = false;   ///< Checkpoints have the weights of all experts in one tensor.
  int64_t vocabSize = 0;       ///< 0: unknown.
  bool tiedEmbeddings = false; ///< Logits are products with the embedding.
  /// Factors on embedded tokens, and on the normed states that logits are computed of.
  double embeddingScale = 1.0, logitScale = 1.0;
  std::vector<int64_t> stopTokens; ///< eos_token_id: tokens that end a text.
  int64_t maxPositions = 0;        ///< max_position_embeddings: tokens of the longest text. 0: unknown.
  std::vector<bool> sparse;        ///< By layer: it has experts.
  /// Layers are halves of a layer with two attentions (LongCat-Flash). Both have a dense MLP; what the experts of the
  /// first half add is added at the end of the second, and carried there beside the stream.
  bool hasShortcut = false;

  bool hasExperts(int64_t layer) const { return sparse[layer]; }
  bool hasDense(int64_t layer) const { return hasShortcut || !sparse[layer]; }
  /// Rows of hidden_size elements per token between layers: the stream, and what is carried beside it.
  int64_t streams() const { return hasShortcut ? 2 : 1; }
};

/// Parse the text of a config.json whose attention is `attention`. `where` (its path) is the prefix of errors. Reject
/// models whose layers are more than attention, MLP and residuals, and routers that no golden model confirms.
llvm::Expected<DecoderConfig> parseDecoderConfig(llvm::StringRef json, llvm::StringRef where,
                                                 const AttentionConfig &attention);

/// Return the name of a field in which two configs differ; empty if there is none.
llvm::StringRef firstDifference(const DecoderConfig &a, const DecoderConfig &b);

} // namespace mla::importer

#endif // MLA_IMPORT_DECODERCONFIG_H
