//===- Source.cpp - The config and the weights of a compilation -----------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Source.h"
#include "mla/Import/DecoderConfig.h"
#include "mla/Import/LayerWeights.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mla;
using namespace mla::importer;
using llvm::StringRef;
using llvm::Twine;

/// Maximum size of a config. Real ones are far smaller.
static constexpr uint64_t maxConfigBytes = 16 << 20;

llvm::Expected<std::string> mla::readConfig(StringRef path, StringRef option) {
  if (llvm::sys::fs::is_directory(path))
    return makeError(path + ": is a directory; give its config.json" +
                     (option == "--config" ? ", or the directory as --weights" : " as " + option));
  // Opening a pipe would wait for a writer.
  if (llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path))
    return makeError(path + ": is not a regular file; check " + option);
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return makeError(path + ": cannot be read: " + buffer.getError().message() + "; check " + option);
  if ((*buffer)->getBufferSize() > maxConfigBytes)
    return makeError(path + ": has " + Twine((*buffer)->getBufferSize()) + " bytes, too many for a config; check " +
                     option);
  return (*buffer)->getBuffer().str();
}

/// Return the first field of the attention in which two configs differ, or "". Differences in model_type or the
/// checkpoint's dtype do not affect the result and are ignored.
static StringRef firstDifference(const AttentionConfig &a, const AttentionConfig &b) {
  auto sameBlocks = [&] {
    if (a.quantization.has_value() != b.quantization.has_value())
      return false;
    return !a.quantization || llvm::equal(a.quantization->groups, b.quantization->groups, [](auto &own, auto &other) {
      return own.modules == other.modules && own.block.blockRows == other.block.blockRows &&
             own.block.blockColumns == other.block.blockColumns;
    });
  };
  const std::pair<bool, StringRef> fields[] = {
      {a.hiddenSize == b.hiddenSize, "hidden_size"},
      {a.numHeads == b.numHeads, "num_attention_heads"},
      {a.numLayers == b.numLayers, "num_hidden_layers"},
      {a.qLoraRank == b.qLoraRank, "q_lora_rank"},
      {a.kvLoraRank == b.kvLoraRank, "kv_lora_rank"},
      {a.nopeDim == b.nopeDim, "qk_nope_head_dim"},
      {a.ropeDim == b.ropeDim, "qk_rope_head_dim"},
      {a.vDim == b.vDim, "v_head_dim"},
      {a.attentionBias == b.attentionBias, "attention_bias"},
      {a.ropeInterleaved == b.ropeInterleaved, "rope_interleave"},
      {a.rope.theta == b.rope.theta, "rope_theta"},
      {a.rope.inverseFrequencies == b.rope.inverseFrequencies && a.rope.cosSinScale == b.rope.cosSinScale &&
           a.softmaxScale == b.softmaxScale,
       "the scaling of RoPE"},
      {a.queryScaleBeta == b.queryScaleBeta && a.queryScaleOriginalLength == b.queryScaleOriginalLength,
       "llama_4_scaling_beta"},
      {a.queryLatentScale == b.queryLatentScale && a.latentScale == b.latentScale, "the scales of the latents"},
      {a.attentionsPerLayer == b.attentionsPerLayer, "the attentions of a layer"},
      {a.indexTopK == b.indexTopK, "index_topk"},
      {a.window == b.window, "the window"},
      {a.gate == b.gate && a.joinsGateAndQuery == b.joinsGateAndQuery, "the gate of the output"},
      {a.hasSinks == b.hasSinks, "sinks"},
      {a.normsKeyRope == b.normsKeyRope, "k_rope_only_layernorm"},
      {a.otherLayers == b.otherLayers, "the attentions of the layers"},
      {a.rmsNormEps == b.rmsNormEps, "the epsilon of the norms"},
      {sameBlocks(), "quantization_config"},
  };
  for (auto [same, name] : fields)
    if (!same)
      return name;
  return {};
}

/// Return an error if a given config and that of the weights differ.
static llvm::Error makeConflict(StringRef where, StringRef difference, const Checkpoint &checkpoint) {
  if (difference.empty())
    return llvm::Error::success();
  return makeError(where + ": differs in " + difference + " from the config of the weights, " +
                   checkpoint.configWhere() + "; leave --config out, or correct one of the two");
}

/// Check that --config does not contradict the checkpoint's config. If that config is unsupported, such as one of a
/// multimodal model, --config replaces it.
static llvm::Error checkNoConflict(const AttentionConfig &config, StringRef where, const Checkpoint &checkpoint,
                                   std::optional<int64_t> layer) {
  if (!checkpoint.configJson())
    return llvm::Error::success();
  llvm::Expected<AttentionConfig> own = parseConfig(*checkpoint.configJson(), checkpoint.configWhere(), layer);
  if (!own) {
    llvm::consumeError(own.takeError());
    return llvm::Error::success();
  }
  return makeConflict(where, firstDifference(config, *own), checkpoint);
}

llvm::Error mla::checkRanks(int64_t heads, llvm::StringRef where, int64_t ranks) {
  if (heads >= ranks)
    return llvm::Error::success();
  return makeError(where + ": its " + Twine(heads) + " heads (num_attention_heads) cannot be divided among " +
                   Twine(ranks) + " ranks; choose a --tp of at most " + Twine(heads));
}

llvm::Error mla::checkHeads(int64_t heads, llvm::StringRef where, int64_t tensorParallel) {
  if (heads % tensorParallel == 0)
    return llvm::Error::success();
  return makeError(where + ": its " + Twine(heads) + " heads (num_attention_heads) cannot be divided into " +
                   Twine(tensorParallel) + " equal parts; choose a --tp that divides them");
}

static llvm::Expected<Source> withWeights(AttentionConfig config, StringRef text, StringRef where,
                                          std::unique_ptr<Checkpoint> checkpoint) {
  llvm::Expected<std::unique_ptr<Checkpoint>> usual = nameLayersAsUsual(std::move(checkpoint));
  if (!usual)
    return usual.takeError();
  usual = nameModulesAsUsual(std::move(*usual), config.modelType);
  if (!usual)
    return usual.takeError();
  checkpoint = numberAttentions(std::move(*usual), config.attentionsPerLayer);
  return Source{std::move(config), text.str(), where.str(), std::move(checkpoint), /*madeWeights=*/false};
}

static llvm::Expected<Source> withConfig(StringRef path, std::unique_ptr<Checkpoint> checkpoint,
                                         std::optional<int64_t> layer) {
  llvm::Expected<std::string> text = readConfig(path, "--config");
  if (!text)
    return text.takeError();
  llvm::Expected<AttentionConfig> config = parseConfig(*text, path, layer);
  if (!config)
    return config.takeError();
  if (!checkpoint)
    return Source{*config, *text, path.str(), makeSyntheticCheckpoint(*config), /*madeWeights=*/true};
  if (llvm::Error error = checkNoConflict(*config, path, *checkpoint, layer))
    return error;
  return withWeights(std::move(*config), *text, path, std::move(checkpoint));
}

static llvm::Expected<std::unique_ptr<Checkpoint>> openWeights(const CompileOptions &options) {
  if (!llvm::sys::fs::exists(options.weights))
    return makeError(options.weights + ": no such file or directory; check --weights");
  return openCheckpoint(options.weights);
}

/// Return the config in the checkpoint.
static llvm::Expected<ConfigText> ownConfig(const Checkpoint &checkpoint) {
  if (!checkpoint.configJson())
    return makeError(checkpoint.where() + ": no config came with the weights; give one with --config");
  return ConfigText{*checkpoint.configJson(), checkpoint.configWhere().str()};
}

llvm::Expected<ConfigText> mla::findConfig(const CompileOptions &options) {
  if (!options.config.empty()) {
    llvm::Expected<std::string> text = readConfig(options.config, "--config");
    return text ? ConfigText{std::move(*text), options.config} : llvm::Expected<ConfigText>(text.takeError());
  }
  llvm::Expected<std::unique_ptr<Checkpoint>> checkpoint = openWeights(options);
  return checkpoint ? ownConfig(**checkpoint) : checkpoint.takeError();
}

static llvm::Expected<Source> openAttention(const CompileOptions &options) {
  std::optional<int64_t> layer = options.layers.isGiven ? std::optional<int64_t>(options.layers.first) : std::nullopt;
  if (options.weights.empty())
    return withConfig(options.config, nullptr, layer);
  llvm::Expected<std::unique_ptr<Checkpoint>> checkpoint = openWeights(options);
  if (!checkpoint)
    return checkpoint.takeError();
  if (!options.config.empty())
    return withConfig(options.config, std::move(*checkpoint), layer);
  llvm::Expected<ConfigText> own = ownConfig(**checkpoint);
  if (!own)
    return own.takeError();
  llvm::Expected<AttentionConfig> config = parseConfig(own->text, own->where, layer);
  if (!config)
    return config.takeError();
  return withWeights(std::move(*config), own->text, own->where, std::move(*checkpoint));
}

/// Check that a given config and that of the weights agree on the whole layer.
static llvm::Error checkNoConflict(const DecoderConfig &config, const Source &source) {
  const std::optional<std::string> &text = source.checkpoint->configJson();
  if (!text)
    return llvm::Error::success();
  llvm::Expected<DecoderConfig> own = parseDecoderConfig(*text, source.checkpoint->configWhere(), source.config);
  if (!own) {
    llvm::consumeError(own.takeError());
    return llvm::Error::success();
  }
  return makeConflict(source.where, firstDifference(config, *own), *source.checkpoint);
}

/// Add the rest of the layer to the config of an attention.
static llvm::Error addDecoder(Source &source) {
  llvm::Expected<DecoderConfig> decoder = parseDecoderConfig(source.configText, source.where, source.config);
  if (!decoder)
    return decoder.takeError();
  if (llvm::Error error = checkNoConflict(*decoder, source))
    return error;
  source.config.decoder = std::make_shared<const DecoderConfig>(std::move(*decoder));
  if (source.madeWeights)
    source.checkpoint = makeSyntheticCheckpoint(source.config);
  return llvm::Error::success();
}

llvm::Expected<Source> mla::openSource(const CompileOptions &options) {
  llvm::Expected<Source> source = openAttention(options);
  if (!source)
    return source;
  if (options.scope != Scope::Attention) {
    if (source->checkpoint->hasOnlyAttentions())
      return makeError(source->checkpoint->where() +
                       ": of GGUF only attentions are read; use --scope=attention, or give "
                       "the original checkpoint");
    if (llvm::Error error = addDecoder(*source))
      return error;
  }
  if (!source->madeWeights)
    source->checkpoint = unpackWeights(std::move(source->checkpoint), source->config);
  return source;
}

/// Check that no layer outside of the model is compiled as one of it: what is around its attention is another thing.
static llvm::Error checkAreOfModel(const Source &source, llvm::ArrayRef<int64_t> layers) {
  if (layers.back() < source.config.numLayers)
    return llvm::Error::success();
  return makeError(source.where + ": layer " + Twine(layers.back()) +
                   " predicts further tokens (num_nextn_predict_layers), and only its attention is compiled; use "
                   "--scope=attention");
}

llvm::Error mla::checkIsWhole(const Source &source, llvm::ArrayRef<int64_t> layers, const CompileOptions &options) {
  if (options.scope != Scope::Attention)
    if (llvm::Error error = checkAreOfModel(source, layers))
      return error;
  if (options.scope == Scope::Layer && source.config.decoder->hasShortcut)
    return makeError(source.where + ": model_type: layers of " + source.config.modelType +
                     " have two attentions and are only compiled as a model; use --scope=model or --scope=attention");
  if (options.scope != Scope::Model)
    return llvm::Error::success();
  bool isWhole = static_cast<int64_t>(layers.size()) == source.config.numLayers;
  if (!isWhole && !options.module.empty())
    return makeError(options.module + ": has " + Twine(layers.size()) + " of the " + Twine(source.config.numLayers) +
                     " layers of its model; give it all in mla.layers, or the config that it was imported from");
  if (!isWhole)
    return makeError("--layers: a model has all of its " + Twine(source.config.numLayers) +
                     " layers; leave --layers out, or use --scope=layer");
  if (!source.config.decoder->vocabSize)
    return makeError(source.where + ": vocab_size: missing, but a model has an embedding; give it, or use "
                                    "--scope=layer");
  return llvm::Error::success();
}
