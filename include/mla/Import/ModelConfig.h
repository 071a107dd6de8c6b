//===- ModelConfig.h - The whole model in config.json ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sizes of everything that a decoder computes, for reports. What compiling its
// MLPs needs besides is in DecoderConfig.h. Models whose heads cache keys and
// values are read for comparison with latent attention.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_IMPORT_MODELCONFIG_H
#define MLA_IMPORT_MODELCONFIG_H

#include "mla/Import/Config.h"

namespace mla::importer {

/// Attention over cached keys and values: MHA if every head has its own, GQA if several heads share them.
struct HeadAttention {
  int64_t heads = 0;
  int64_t keyValueHeads = 0; ///< Divides `heads`.
  int64_t headDim = 0;       ///< Of queries, keys and values.
  bool rotated = true;       ///< Queries and keys have RoPE.
};

/// A mixture of experts; a router selects some for every token.
struct Experts {
  int64_t width = 0;  ///< Of an expert.
  int64_t routed = 0; ///< Experts that the router selects from.
  int64_t zero = 0;   ///< Additional choices that compute nothing (LongCat-Flash).
  int64_t perToken = 0;
  int64_t sharedWidth = 0; ///< Total width of the experts shared by every token. 0: none.
};

/// Identical decoder layers, and the number of attentions, dense MLPs and mixtures in each.
struct LayerKind {
  int64_t layers = 0;
  int64_t attentions = 1;
  int64_t denseMlps = 0;
  int64_t mixtures = 0;
};

struct ModelConfig {
  std::string modelType;
  int64_t hiddenSize = 0;
  int64_t vocabSize = 0;       ///< 0: unknown.
  bool tiedEmbeddings = false; ///< One matrix is used for embedding and logits.
  std::optional<AttentionConfig> latent;
  HeadAttention heads;    ///< Used without latent attention.
  bool gatedMlp = true;   ///< Three matrices, else two.
  int64_t denseWidth = 0; ///< Of a dense MLP; 0 without one.
  std::optional<Experts> experts;
  std::vector<LayerKind> layers; ///< In the model's order.
  std::vector<bool> sparse;      ///< By attention: a mixture follows it.

  /// False: the config has no field of an MLP, and the model's layers are only attentions.
  bool hasMlp() const { return denseWidth || experts; }
  int64_t numLayers() const;
  int64_t numAttentions() const;
};

/// Parse the text of a config.json. `where` (its path) is the prefix of errors.
llvm::Expected<ModelConfig> parseModelConfig(llvm::StringRef json, llvm::StringRef where);

} // namespace mla::importer

#endif // MLA_IMPORT_MODELCONFIG_H
