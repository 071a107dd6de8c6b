//===- JsonWriter.cpp - Reports as JSON -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/report.schema.json is the schema; every change other than an addition
// increments `version`.
//
//===----------------------------------------------------------------------===//

#include "JsonPlots.h"

#include "llvm/Support/JSON.h"

using namespace mla;
using namespace mla::report;
using llvm::StringRef;
using mla::importer::LayerKind;
using mla::importer::ModelConfig;
namespace json = llvm::json;

static constexpr int64_t version = 1;

static double inMicroseconds(double seconds) { return seconds * 1e6; }

template <typename T> static json::Value orNull(const std::optional<T> &value) {
  return value ? json::Value(*value) : json::Value(nullptr);
}

static json::Value orNull(StringRef text) { return text.empty() ? json::Value(nullptr) : json::Value(text); }

static json::Object toJson(const Costs &costs);
static json::Object toJson(const LayerKind &kind);
static json::Object toJson(const MeasuredPiece &piece);
static json::Object toJson(const MeasuredPart &part);
static json::Object toJson(const FormatCosts &format);

template <typename T> static json::Array toArray(const std::vector<T> &list) {
  json::Array array;
  for (const T &item : list)
    array.push_back(toJson(item));
  return array;
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

static json::Object toJson(const Cost &cost) {
  return json::Object{{"flops", cost.flops}, {"bytes", cost.getBytes()}, {"time_us", inMicroseconds(cost.seconds)}};
}

/// Return a part with its share of the step, and its pieces if it has several.
static json::Object partToJson(const Costs &costs, Part part) {
  json::Object object = toJson(costs[part]), pieces;
  object["share"] = costs.getShare(part);
  for (unsigned i = 0; i < numPieces; ++i)
    if (Piece piece = Piece(i); partOf(piece) == part && costs[piece].launches)
      pieces[keyOf(piece)] = toJson(costs[piece]);
  if (pieces.size() > 1)
    object["pieces"] = std::move(pieces);
  return object;
}

static json::Object toJson(const Costs &costs) {
  json::Object object = toJson(costs.getTotal()), parts;
  for (Part part : allParts)
    parts[keyOf(part)] = partToJson(costs, part);
  object["parts"] = std::move(parts);
  return object;
}

static json::Object toJson(const Memory &memory) {
  return json::Object{{"weight_bytes", memory.weightBytes},
                      {"cache_bytes", memory.cacheBytes},
                      {"needed_bytes", memory.getBytes()},
                      {"device_bytes", memory.deviceBytes},
                      {"fits", memory.fits()},
                      {"largest_batch", memory.largestBatch},
                      {"largest_context", memory.largestContext}};
}

static json::Object toJson(const FormCosts &form) {
  json::Object object = toJson(form.model);
  object["memory"] = toJson(form.memory);
  object["layers"] = toArray(form.layers);
  return object;
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

static json::Object toJson(const MeasuredPiece &piece) {
  return json::Object{{"part", keyOf(partOf(piece.piece))},
                      {"piece", keyOf(piece.piece)},
                      {"form", stringifyForm(piece.form)},
                      {"kernels", piece.kernels},
                      {"measured_us", inMicroseconds(piece.measured)},
                      {"predicted_us", inMicroseconds(piece.predicted)},
                      {"file", piece.file}};
}

static json::Object toJson(const MeasuredPart &part) {
  return json::Object{{"part", part.key},
                      {"measured_us", inMicroseconds(part.measured)},
                      {"predicted_us", inMicroseconds(part.predicted)},
                      {"file", part.file}};
}

static json::Object toJson(const Sample &sample, const PhaseCosts &phase) {
  json::Object times;
  for (auto [form, seconds] : llvm::zip_equal(phase.forms, sample.seconds))
    times[form.key] = inMicroseconds(seconds);
  return json::Object{{"context", sample.context}, {"time_us", std::move(times)}};
}

static json::Object toJson(const PhaseCosts &phase) {
  json::Object forms;
  for (const FormCosts &form : phase.forms)
    forms[form.key] = toJson(form);
  json::Array samples;
  for (const Sample &sample : phase.samples)
    samples.push_back(toJson(sample, phase));
  return json::Object{{"sequences", phase.step.batch},       {"tokens_per_sequence", phase.step.tokens},
                      {"context", phase.step.context},       {"active_experts", orNull(phase.activeExperts)},
                      {"forms", std::move(forms)},           {"by_context", std::move(samples)},
                      {"measured", toArray(phase.measured)}, {"measured_parts", toArray(phase.measuredParts)}};
}

static json::Object toJson(const Amdahl &amdahl) {
  return json::Object{{"absorption_over_full_cache", orNull(amdahl.absorptionOverFullCache)},
                      {"absorption_over_recomputed", orNull(amdahl.absorptionOverRecomputed)},
                      {"infinitely_fast_core", amdahl.infinitelyFastCore},
                      {"infinitely_fast_attention", orNull(amdahl.infinitelyFastAttention)},
                      {"infinitely_fast_mlp", orNull(amdahl.infinitelyFastMlp)},
                      {"core_matters_from_context", orNull(amdahl.mattersFrom)},
                      {"core_is_half_from_context", orNull(amdahl.halfFrom)}};
}

//===----------------------------------------------------------------------===//
// Model, device, plan, memory
//===----------------------------------------------------------------------===//

static StringRef nameAttention(const ModelConfig &config) {
  if (config.latent)
    return "mla";
  return config.heads.keyValueHeads == config.heads.heads ? "mha" : "gqa";
}

static json::Object toJson(const LayerKind &kind) {
  return json::Object{{"layers", kind.layers},
                      {"attentions", kind.attentions},
                      {"dense_mlps", kind.denseMlps},
                      {"mixtures", kind.mixtures}};
}

static json::Object modelToJson(const Report &report) {
  const ModelConfig &config = report.getConfig();
  return json::Object{{"name", report.request.name},
                      {"model_type", config.modelType},
                      {"attention", nameAttention(config)},
                      {"hidden_size", config.hiddenSize},
                      {"num_layers", config.numLayers()},
                      {"has_mlp", config.hasMlp()},
                      {"layer_kinds", toArray(config.layers)},
                      {"parameters", report.parameters},
                      {"active_parameters", report.activeParameters}};
}

static json::Object toJson(const Device &device) {
  return json::Object{{"name", device.name},
                      {"read_bytes_per_second", device.readRate},
                      {"copy_bytes_per_second", device.copyRate},
                      {"flops_per_second", device.flopRate},
                      {"e4m3_flops_per_second", device.getE4m3FlopRate()},
                      {"launch_seconds", device.launchSeconds},
                      {"attention_seconds", device.attentionSeconds},
                      {"token_tile", device.tokenTile},
                      {"row_tile", device.rowTile},
                      {"memory_bytes", device.memoryBytes}};
}

static json::Value planToJson(const Request &request) {
  if (!request.plan)
    return nullptr;
  std::string text;
  llvm::raw_string_ostream(text) << request.plan;
  json::Object plan{{"text", text}};
  for (Phase phase : {Phase::Decode, Phase::Prefill}) {
    Forms forms = plannedForm(request, phase, request.context).forms;
    plan[stringifyPhase(phase)] = json::Object{{"q", stringifyForm(forms.q)}, {"o", stringifyForm(forms.o)}};
  }
  return plan;
}

static json::Object memoryToJson(const Report &report) {
  json::Object memory = toJson(report.getMemory());
  memory["fitting_tensor_parallel"] = orNull(report.fittingRanks);
  return memory;
}

static json::Object toJson(const KvCache &cache) {
  return json::Object{{"bytes_per_token", cache.bytesPerToken},
                      {"mha_bytes_per_token", cache.headBytesPerToken},
                      {"gqa8_bytes_per_token", cache.groupedBytesPerToken},
                      {"mqa_bytes_per_token", cache.multiQueryBytesPerToken},
                      {"equal_gqa_groups", cache.equalGroups},
                      {"baseline", cache.baseline},
                      {"baseline_bytes_per_token", cache.baselineBytesPerToken},
                      {"reduction", cache.reduction},
                      {"reduction_6bit", cache.reduction6bit},
                      {"weight_bytes", cache.weightBytes},
                      {"device_weight_bytes", cache.rankWeightBytes},
                      {"devices_for_weights", cache.devicesForWeights},
                      {"sequences_alone", cache.sequencesAlone},
                      {"sequences_beside_weights", cache.sequencesBesideWeights}};
}

static json::Value foldToJson(const std::optional<FoldBytes> &fold) {
  if (!fold)
    return nullptr;
  return json::Object{{"extra_bytes_per_attention", fold->layer}, {"extra_bytes", fold->model}};
}

static json::Object toJson(const FormatCosts &format) {
  return json::Object{{"dtype", format.dtype},
                      {"token_terms", format.tokenTerms},
                      {"absorbed_bytes_per_attention", format.absorbedBytes},
                      {"folded_bytes_per_attention", format.foldedBytes},
                      {"decode_us", inMicroseconds(format.decodeSeconds)},
                      {"prefill_us", inMicroseconds(format.prefillSeconds)},
                      {"memory", toJson(format.memory)}};
}

static json::Object toJson(const Report &report) {
  return json::Object{
      {"version", version},
      {"model", modelToJson(report)},
      {"device", toJson(report.request.device)},
      {"dtype", report.request.dtype},
      {"token_terms", report.request.formats.getTokenTerms()},
      {"cache_format", schema::nameOf(report.request.formats.cache)},
      {"stored_dtype", orNull(report.request.storedDType)},
      {"tensor_parallel", report.request.tensorParallel},
      {"batch", report.request.batch},
      {"context", report.request.context},
      {"plan", planToJson(report.request)},
      {"decode", toJson(report.decode)},
      {"prefill", toJson(report.prefill)},
      {"memory", memoryToJson(report)},
      {"plots", plotsToJson(report)},
      {"kv_cache", toJson(report.cache)},
      {"fold", foldToJson(report.fold)},
      {"formats", toArray(report.formats)},
      {"amdahl", json::Object{{"decode", toJson(report.decodeAmdahl)}, {"prefill", toJson(report.prefillAmdahl)}}},
      {"notes", json::Array(report.notes)},
      {"baseline", report.baseline ? json::Value(toJson(*report.baseline)) : json::Value(nullptr)}};
}

void mla::report::writeJson(llvm::raw_ostream &os, const Report &report) {
  json::OStream(os, /*IndentSize=*/1).value(toJson(report));
  os << "\n";
}
