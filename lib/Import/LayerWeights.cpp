//===- LayerWeights.cpp - The weights of one attention layer --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Import/LayerWeights.h"
#include "Json.h"
#include "ModelTensors.h"
#include "ModuleNames.h"
#include "TensorErrors.h"
#include "WeightScales.h"
#include "mla/Import/DecoderConfig.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mla;
using namespace mla::importer;
using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

StringRef mla::importer::checkpointSuffix(WeightRole role) {
  switch (role) {
  case WeightRole::WDQ:
    return "q_a_proj.weight";
  case WeightRole::QNorm:
    return "q_a_layernorm.weight";
  case WeightRole::WUQ:
    return "q_b_proj.weight";
  case WeightRole::WQ:
    return "q_proj.weight";
  case WeightRole::WDKV:
    return "kv_a_proj_with_mqa.weight";
  case WeightRole::KVNorm:
    return "kv_a_layernorm.weight";
  case WeightRole::WKVB:
    return "kv_b_proj.weight";
  case WeightRole::WO:
    return "o_proj.weight";
  case WeightRole::WDQBias:
    return "q_a_proj.bias";
  case WeightRole::WDKVBias:
    return "kv_a_proj_with_mqa.bias";
  case WeightRole::WOBias:
    return "o_proj.bias";
  case WeightRole::WKVBBias:
    return "kv_b_proj.bias";
  case WeightRole::WQGate:
    return "q_gate_proj.weight";
  case WeightRole::WGate:
    return "g_proj.weight";
  case WeightRole::KRopeNorm:
    return "k_rope_only_layernorm.weight";
  case WeightRole::Sinks:
    return "sinks";
  case WeightRole::InputNorm:
    return "input_layernorm.weight";
  case WeightRole::PostNorm:
    return "post_attention_layernorm.weight";
  case WeightRole::Gate:
    return "mlp.gate_proj.weight";
  case WeightRole::Up:
    return "mlp.up_proj.weight";
  case WeightRole::Down:
    return "mlp.down_proj.weight";
  case WeightRole::Router:
    return "mlp.gate.weight";
  case WeightRole::Correction:
    return "mlp.gate.e_score_correction_bias";
  case WeightRole::ExpertGate:
    return "gate_proj.weight";
  case WeightRole::ExpertUp:
    return "up_proj.weight";
  case WeightRole::ExpertDown:
    return "down_proj.weight";
  case WeightRole::ExpertsGateUp:
    return "mlp.experts.gate_up_proj";
  case WeightRole::ExpertsDown:
    return "mlp.experts.down_proj";
  case WeightRole::SharedGate:
    return "mlp.shared_experts.gate_proj.weight";
  case WeightRole::SharedUp:
    return "mlp.shared_experts.up_proj.weight";
  case WeightRole::SharedDown:
    return "mlp.shared_experts.down_proj.weight";
  case WeightRole::Embedding:
    return "model.embed_tokens.weight";
  case WeightRole::FinalNorm:
    return "model.norm.weight";
  case WeightRole::Head:
    return "lm_head.weight";
  }
  llvm_unreachable("every role has a name");
}

std::string mla::importer::layerPrefix(int64_t layer) {
  return "model.layers." + std::to_string(layer) + ".self_attn.";
}

std::vector<ExpectedWeight> mla::importer::expectedWeights(const AttentionConfig &config, int64_t layer) {
  std::vector<ExpectedWeight> result;
  auto add = [&](WeightRole role, ArrayRef<int64_t> shape) {
    ExpectedWeight weight{role, layerPrefix(layer) + checkpointSuffix(role).str(),
                          llvm::SmallVector<int64_t, 2>(shape)};
    weight.scale = announcedScale(config, weight);
    result.push_back(std::move(weight));
  };
  const int64_t hidden = config.hiddenSize, heads = config.numHeads, down = config.kvLoraRank + config.ropeDim;
  if (config.qLoraRank) {
    add(WeightRole::WDQ, {config.qLoraRank, hidden});
    add(WeightRole::QNorm, {config.qLoraRank});
    if (!config.joinsGateAndQuery)
      add(WeightRole::WUQ, {heads * config.qkDim(), config.qLoraRank});
  } else {
    add(WeightRole::WQ, {heads * config.qkDim(), hidden});
  }
  add(WeightRole::WDKV, {down, hidden});
  add(WeightRole::KVNorm, {config.kvLoraRank});
  add(WeightRole::WKVB, {heads * (config.nopeDim + config.vDim), config.kvLoraRank});
  add(WeightRole::WO, {hidden, heads * config.vDim});
  if (config.attentionBias) {
    if (config.qLoraRank)
      add(WeightRole::WDQBias, {config.qLoraRank});
    add(WeightRole::WDKVBias, {down});
    add(WeightRole::WOBias, {hidden});
  }
  if (config.joinsGateAndQuery)
    add(WeightRole::WQGate, {heads * (config.qkDim() + config.vDim), 2 * config.qLoraRank});
  else if (config.gate != OutputGate::None)
    add(WeightRole::WGate, {config.gate == OutputGate::PerHead ? heads : heads * config.vDim, hidden});
  if (config.normsKeyRope)
    add(WeightRole::KRopeNorm, {config.ropeDim});
  if (config.hasSinks)
    add(WeightRole::Sinks, {heads});
  if (config.decoder)
    llvm::append_range(result, decoderWeights(config, layer));
  return result;
}

/// Return kv_b_proj's bias if the checkpoint has it: no config describes it.
static std::optional<ExpectedWeight> optionalBias(const Checkpoint &checkpoint, const AttentionConfig &config,
                                                  int64_t layer) {
  std::string name = layerPrefix(layer) + checkpointSuffix(WeightRole::WKVBBias).str();
  if (!config.attentionBias || !checkpoint.contains(name))
    return std::nullopt;
  return ExpectedWeight{WeightRole::WKVBBias, name, {config.numHeads * (config.nopeDim + config.vDim)}};
}

std::string mla::importer::shapeText(ArrayRef<int64_t> shape) {
  return "[" + llvm::join(llvm::map_range(shape, [](int64_t size) { return std::to_string(size); }), ", ") + "]";
}

llvm::Error mla::importer::tensorError(StringRef where, const SafetensorsTensor &tensor, const Twine &what) {
  return fail(where + ": tensor " + tensor.name + ": " + what);
}

static llvm::Error checkShape(StringRef where, const SafetensorsTensor &tensor, ArrayRef<int64_t> shape) {
  if (ArrayRef<int64_t>(tensor.shape) == shape)
    return llvm::Error::success();
  return tensorError(where, tensor,
                     "expected shape " + shapeText(shape) + " from the config, got " + shapeText(tensor.shape) +
                         "; give the config of this checkpoint");
}

static llvm::Expected<LayerWeight> findWeight(Checkpoint &checkpoint, const AttentionConfig &config,
                                              const ExpectedWeight &expected) {
  if (llvm::Error error = checkNotPacked(checkpoint, config, expected))
    return error;
  llvm::Expected<const SafetensorsTensor *> tensor = checkpoint.find(expected.name);
  if (!tensor)
    return tensor.takeError();
  LayerWeight weight{expected, *tensor, nullptr};
  if (llvm::Error error = checkShape(checkpoint.where(), **tensor, expected.shape))
    return error;
  if (expected.shape.size() > 2 && (*tensor)->dtype == DType::F8_E4M3)
    return tensorError(checkpoint.where(), **tensor,
                       "is F8_E4M3, but experts in one tensor are only supported in BF16, F16 and F32; use "
                       "--scope=attention");
  if (llvm::Error error = findScale(checkpoint, config, weight))
    return error;
  return weight;
}

static llvm::Expected<std::vector<LayerWeight>> findAll(Checkpoint &checkpoint, const AttentionConfig &config,
                                                        ArrayRef<ExpectedWeight> wanted) {
  std::vector<LayerWeight> result;
  for (const ExpectedWeight &expected : wanted) {
    llvm::Expected<LayerWeight> weight = findWeight(checkpoint, config, expected);
    if (!weight)
      return weight.takeError();
    result.push_back(std::move(*weight));
  }
  return result;
}

/// Return whether a tensor is of a choice that returns its input, which transformers saves although nothing reads it.
static bool isOfZeroExpert(const AttentionConfig &config, int64_t layer, StringRef name) {
  uint64_t expert;
  if (!config.decoder || !config.decoder->experts || !name.consume_front(decoderPrefix(layer) + "mlp.experts.") ||
      name.consumeInteger(10, expert) || (name != ".gate_proj.weight" && name != ".up_proj.weight"))
    return false;
  const Experts &experts = *config.decoder->experts;
  return expert >= uint64_t(experts.routed) && expert < uint64_t(experts.routed + experts.zero);
}

/// Reject unexpected tensors of the layer. An indexer is expected but not compiled.
static llvm::Error checkNothingElse(const Checkpoint &checkpoint, const AttentionConfig &config,
                                    ArrayRef<LayerWeight> weights, int64_t layer) {
  std::string attention = layerPrefix(layer), prefix = config.decoder ? decoderPrefix(layer) : attention, other;
  llvm::StringSet<> known;
  // Old checkpoints contain the frequencies, which the config determines.
  known.insert(attention + "rotary_emb.inv_freq");
  std::string indexer = attention + "indexer.";
  for (const LayerWeight &weight : weights) {
    known.insert(weight.expected.name);
    if (weight.scale)
      known.insert(weight.expected.scale->name);
  }
  checkpoint.forEachName([&](StringRef name) {
    if ((config.indexTopK && name.starts_with(indexer)) || isOfZeroExpert(config, layer, name))
      return;
    if (name.starts_with(prefix) && !known.contains(name) && !isUnusedScale(name) && (other.empty() || name < other))
      other = name.str();
  });
  if (other.empty())
    return llvm::Error::success();
  const char *hint = StringRef(other).ends_with(".bias") ? "; set attention_bias if the model has biases"
                                                         : "; the layer computes something that is not supported";
  other = nameInFile(checkpoint, other, config);
  return fail(checkpoint.where() + ": tensor " + other + ": not part of the " +
              (config.decoder ? "layer" : "attention") + " that the config describes" + hint);
}

llvm::Expected<std::vector<LayerWeight>> mla::importer::findLayerWeights(Checkpoint &checkpoint,
                                                                         const AttentionConfig &config, int64_t layer) {
  if (layer < 0 || layer >= config.numLayers + config.furtherLayers)
    return fail(checkpoint.where() + ": layer " + Twine(layer) + ": the config has layers 0 to " +
                Twine(config.numLayers + config.furtherLayers - 1) + "; choose one of them");
  std::vector<ExpectedWeight> wanted = expectedWeights(config, layer);
  if (std::optional<ExpectedWeight> bias = optionalBias(checkpoint, config, layer))
    wanted.push_back(std::move(*bias));
  llvm::Expected<std::vector<LayerWeight>> result = findAll(checkpoint, config, wanted);
  if (!result)
    return result;
  if (llvm::Error error = checkNothingElse(checkpoint, config, *result, layer))
    return error;
  return result;
}

llvm::Expected<std::vector<LayerWeight>> mla::importer::findEndWeights(Checkpoint &checkpoint,
                                                                       const AttentionConfig &config) {
  llvm::Expected<std::vector<LayerWeight>> ends = findAll(checkpoint, config, endWeights(config));
  if (!ends)
    return ends;
  if (llvm::Error error = checkModelTensors(checkpoint, config, *ends))
    return error;
  return ends;
}
