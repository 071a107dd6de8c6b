//===- Config.h - The attention in config.json ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A Hugging Face config.json, reduced to the attention layer of an MLA model:
// sizes, rotary frequencies, scales. All differences between families of models
// are resolved here (lib/Import/Families.cpp has the table), so that no later
// code needs a model's name.
//
// The meaning is that of transformers 5.17, established with golden files by
// benchmarks/replay.py. A config with an unknown meaning is rejected.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_IMPORT_CONFIG_H
#define MLA_IMPORT_CONFIG_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace llvm {
class raw_ostream;
} // namespace llvm

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mla::importer {

struct DecoderConfig;

/// The rotary embedding, with YaRN resolved: column pair i of position p is rotated by p * inverseFrequencies[i].
struct Rope {
  /// NaN if the config has null: the value is unknown, and the frequencies are NaN too.
  double theta = 10000.0;
  /// ropeDim / 2 numbers, computed in float32 as torch does.
  std::vector<float> inverseFrequencies;
  /// Factor on cos and sin alike (YaRN's attention factor; 1 without YaRN).
  float cosSinScale = 1.0f;
};

/// What multiplies the attention's output before its output projection: the sigmoid of a projection of the hidden
/// states, with a number per head, or per element of every head.
enum class OutputGate { None, PerHead, PerElement };

/// Element type of the checkpoint's weights according to the config.
enum class CheckpointDType { Unknown, F32, F16, BF16 };

/// Weights in e4m3 with a factor per block: w = element * scale[row / blockRows, column / blockColumns]. 0 stands for
/// all rows or all columns.
struct BlockQuantization {
  int64_t blockRows = 0;
  int64_t blockColumns = 0;
};

/// Which modules' weights are in e4m3 according to the config. A checkpoint's tensors decide whether they are; the
/// config tells the size of blocks, and what weights to generate.
struct Quantization {
  /// Modules by name: a whole name or some components of one, "Linear" for every module, a name with wildcards, or
  /// "re:" and a regular expression.
  struct Group {
    std::vector<std::string> modules;
    BlockQuantization block;
  };
  std::vector<Group> groups;        ///< The first that names a module determines its block.
  std::vector<std::string> ignored; ///< Modules of no group.
};

/// What a config says of weights in integers, whose tensors do not say it.
struct IntegerQuantization {
  /// How GPTQ stores zero points, of which its first format has one less.
  enum class ZeroPoints { Unknown, MinusOne, AsTheyAre };
  ZeroPoints zeros = ZeroPoints::Unknown;
  /// The columns of a group, of modules as in Quantization; 0: a row is one group.
  struct Group {
    std::vector<std::string> modules;
    int64_t columns;
    std::string size = "none"; ///< The columns as the config writes them, for messages.
    bool isOrdered = false;    ///< Which columns a group has is in a tensor.
  };
  std::vector<Group> groups;
};

struct AttentionConfig {
  std::string modelType;
  /// If the config is a part of another model's, that model and the key: "kimi_k25: its text_config". Else "".
  std::string wrappedIn;
  int64_t hiddenSize = 0;
  int64_t numHeads = 0;
  /// Number of attentions of the model; all other fields about layers mean attentions.
  int64_t numLayers = 0;
  /// Layers of the checkpoint after the model's own. They predict further tokens; only those asked for are compiled.
  int64_t furtherLayers = 0;
  /// For every layer what it has instead of this attention, "linear attention", or "". Empty: all have it.
  std::vector<std::string> otherLayers;
  /// LongCat-Flash has two attentions in one layer of its checkpoint: layer K here is self_attn.(K mod 2) of layer K /
  /// 2 there. transformers numbers the caches the same way.
  int64_t attentionsPerLayer = 1;
  int64_t qLoraRank = 0; ///< 0: the query has no low-rank projection.
  int64_t kvLoraRank = 0;
  int64_t nopeDim = 0;
  int64_t ropeDim = 0;
  int64_t vDim = 0;
  /// The epsilon of q_a_layernorm and kv_a_layernorm. In most families this is not the config's rms_norm_eps, which
  /// they use only for other norms: the norms of the latents are constructed without one and have the default of their
  /// class.
  double rmsNormEps = 1e-6;
  /// The config's rms_norm_eps, recorded in bundles to identify the model.
  double configRmsNormEps = 1e-6;
  bool attentionBias = false;
  /// RoPE rotates columns (2i, 2i+1); else (i, i + ropeDim/2).
  bool ropeInterleaved = true;
  /// The columns of qk_rope_head_dim exist but are not rotated (Kimi Linear): all frequencies are 0.
  bool isUnrotated = false;
  Rope rope;
  /// Factor on the scores: (nopeDim + ropeDim)^-1/2, times YaRN's mscale squared.
  double softmaxScale = 0.0;
  /// The query of position p, nope and rope part, is multiplied by
  /// 1 + queryScaleBeta * ln(1 + floor(p / queryScaleOriginalLength)) (Mistral-4). 0: no scaling.
  double queryScaleBeta = 0.0;
  int64_t queryScaleOriginalLength = 0;
  /// Factors on the two normalized latents: sqrt(hiddenSize / rank) in LongCat-Flash. The latent is cached with
  /// its factor.
  double queryLatentScale = 1.0, latentScale = 1.0;
  /// In longer contexts a query attends to this many tokens, picked by an indexer, which is not compiled. 0: to all
  /// tokens.
  int64_t indexTopK = 0;
  /// A query sees so many last tokens, its own among them. 0: all.
  int64_t window = 0;
  /// A learned logit per head joins the denominator of the softmax.
  bool hasSinks = false;
  OutputGate gate = OutputGate::None;
  /// The key's rotary part is normalized before it is rotated (dots3).
  bool normsKeyRope = false;
  /// The query and the gate are projected together, from the query's latent before and after its norm (A.X-K2).
  bool joinsGateAndQuery = false;
  /// Keys that are unknown here and might change attention.
  std::vector<std::string> unknownKeys;
  /// None: no weights are in e4m3.
  std::optional<Quantization> quantization;
  /// Describes another quantization of some of the weights. It may not affect the attention, as its tensors show. "":
  /// none.
  std::string otherQuantization;
  IntegerQuantization integers;
  CheckpointDType checkpointDType = CheckpointDType::Unknown;
  /// The rest of every layer, if it is compiled too (DecoderConfig.h); null: only the attention is.
  std::shared_ptr<const DecoderConfig> decoder;

  int64_t qkDim() const { return nopeDim + ropeDim; }
  /// Return what the layer has instead of this attention; "": it has it.
  llvm::StringRef otherAttention(int64_t layer) const {
    return layer < static_cast<int64_t>(otherLayers.size()) ? llvm::StringRef(otherLayers[layer]) : llvm::StringRef();
  }
};

/// Parse the text of a config.json. `where` (its path) is the prefix of errors. If a model has several attentions of
/// different sizes, that of `layer` is meant, else of the first layer with latent attention.
llvm::Expected<AttentionConfig> parseConfig(llvm::StringRef json, llvm::StringRef where,
                                            std::optional<int64_t> layer = std::nullopt);

/// Return an error if the config lacks a number that only results depend on, not shapes and costs.
llvm::Error checkIsComputable(const AttentionConfig &config, llvm::StringRef where);

/// Return warnings about the compiled attention: where it differs from the model's, or may differ.
std::vector<std::string> reservations(const AttentionConfig &config);

/// Return the values of model_type that parseConfig accepts, for help texts.
std::vector<llvm::StringRef> supportedModelTypes();

/// Print the families as a table in Markdown, and those that are refused by name.
void printFamilies(llvm::raw_ostream &os);

} // namespace mla::importer

#endif // MLA_IMPORT_CONFIG_H
