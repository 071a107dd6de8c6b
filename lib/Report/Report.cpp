//===- Report.cpp - Costs of a model by part ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Report/Report.h"
#include "NamedForms.h"
#include "Units.h"
#include "mla/Dialect/MLA/Analysis/PlannedForms.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mla;
using namespace mla::report;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Forms and steps
//===----------------------------------------------------------------------===//

Step mla::report::stepOf(Phase phase, int64_t batch, int64_t context) {
  return {batch, phase == Phase::Decode ? 1 : context, context};
}

AttentionForm mla::report::plannedForm(const Request &request, Phase phase, int64_t context) {
  if (!request.plan)
    return AttentionForm::overFullCache();
  Step step = stepOf(phase, 1, context);
  return {false, *findPlannedForms(request.plan, phase, step.tokens, step.context)}; // a plan covers both phases
}

const FormCosts *PhaseCosts::find(StringRef key) const {
  for (const FormCosts &form : forms)
    if (form.key == key)
      return &form;
  return nullptr;
}

std::vector<NamedForm> mla::report::formsOf(const Request &request, Phase phase) {
  if (!request.plan)
    return {{"full_cache", "keys and values cached", AttentionForm::overFullCache()}};
  AttentionForm planned = plannedForm(request, phase, request.context);
  return {{"naive_full_cache", "naive, full K/V cache", AttentionForm::overFullCache()},
          {"naive_recomputed", "naive, recomputed", {false, kNaive}},
          {"absorb", "absorb", {false, kAbsorb}},
          {"fold", "fold", {false, kFold}},
          {"plan", "plan: " + nameForms(planned.forms), planned}};
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

static FormCosts costsOf(const ModelCosts &costs, const Request &request, const NamedForm &named, const Step &step) {
  FormCosts form{named.key, named.title, costs.getModel(named.form, step), {}, makeMemory(costs, request, named)};
  for (const importer::LayerKind &kind : costs.getConfig().layers)
    form.layers.push_back(costs.getLayer(kind, named.form, step));
  return form;
}

static Sample sampleAt(const ModelCosts &costs, const Request &request, Phase phase, int64_t context) {
  Sample sample{context, {}};
  for (NamedForm &named : formsOf(request, phase)) {
    if (named.key == "plan")
      named.form = plannedForm(request, phase, context);
    sample.seconds.push_back(costs.getModel(named.form, stepOf(phase, request.batch, context)).getTotal().seconds);
  }
  return sample;
}

static PhaseCosts makePhase(const ModelCosts &costs, const Request &request, Phase phase) {
  constexpr int64_t first = 256, last = 1 << 20;
  PhaseCosts made{phase, stepOf(phase, request.batch, request.context), {}, {}, {}, {}, {}};
  for (const NamedForm &named : formsOf(request, phase))
    made.forms.push_back(costsOf(costs, request, named, made.step));
  for (int64_t context = first; context <= last; context *= 2)
    made.samples.push_back(sampleAt(costs, request, phase, context));
  if (request.config.experts)
    made.activeExperts = costs.getExpectedExperts(made.step.batch * made.step.tokens);
  if (request.config.latent)
    made.measured = findMeasured(costs.getAttentionModel(), made.step);
  if (request.config.latent)
    made.measuredParts = findMeasuredParts(costs, plannedForm(request, phase, request.context), made.step);
  return made;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Compare the caches of the whole model, independent of its division; compute what fits on one device of `rank`.
static KvCache makeCache(const ModelCosts &costs, const ModelCosts &rank, const Request &request,
                         const Report *baseline) {
  constexpr int64_t groups = 8;
  const importer::ModelConfig &config = request.config;
  int64_t heads = config.latent ? config.latent->numHeads : config.heads.heads;
  KvCache cache;
  cache.bytesPerToken = costs.getCachedTokenBytes();
  cache.headBytesPerToken = costs.getHeadCacheBytes(heads);
  cache.groupedBytesPerToken = costs.getHeadCacheBytes(std::min(groups, heads));
  cache.multiQueryBytesPerToken = costs.getHeadCacheBytes(1);
  cache.equalGroups = cache.bytesPerToken / cache.multiQueryBytesPerToken;
  cache.baseline = baseline ? baseline->request.name : "MHA of the same heads";
  cache.baselineBytesPerToken = baseline ? baseline->cache.bytesPerToken : cache.headBytesPerToken;
  cache.reduction = 1 - cache.bytesPerToken / cache.baselineBytesPerToken;
  const LayerShape &shape = costs.getAttentionModel().getShape();
  double unpacked = isPacked(request.formats.cache) && config.latent
                        ? double(config.numAttentions()) * shape.elementBytes * (shape.latent + shape.rope)
                        : cache.bytesPerToken;
  cache.reduction6bit = 1 - unpacked * 6 / 16 / cache.baselineBytesPerToken;
  cache.weightBytes = costs.getWeightBytes({AttentionForm()});
  cache.rankWeightBytes = rank.getWeightBytes({AttentionForm()});
  double memory = request.device.memoryBytes, sequence = rank.getCachedTokenBytes() * request.context;
  cache.sequencesAlone = std::floor(memory / sequence);
  cache.sequencesBesideWeights = std::floor(std::max(0.0, memory - cache.rankWeightBytes) / sequence);
  cache.devicesForWeights = std::ceil(cache.weightBytes / memory);
  return cache;
}

static FoldBytes makeFoldBytes(const ModelCosts &costs) {
  const CostModel &model = costs.getAttentionModel();
  double layer = double(model.getQueryWeightBytes(Form::Fold) - model.getQueryWeightBytes(Form::Absorb)) +
                 double(model.getOutputWeightBytes(Form::Fold) - model.getOutputWeightBytes(Form::Absorb));
  return {layer, layer * costs.getConfig().numAttentions()};
}

static ModelCosts costsOfRank(const Request &request) {
  return {takeRank(request.config, request.tensorParallel), request.device, request.formats};
}

static FormatCosts makeFormat(const Request &request) {
  ModelCosts costs = costsOfRank(request);
  auto secondsOf = [&](Phase phase) {
    Step step = stepOf(phase, request.batch, request.context);
    return costs.getModel(plannedForm(request, phase, request.context), step).getTotal().seconds;
  };
  return {request.dtype,
          request.formats.getTokenTerms(),
          costs.getAttentionWeightBytes(Form::Absorb),
          costs.getAttentionWeightBytes(Form::Fold),
          makeMemory(costs, request, formsOf(request, Phase::Decode).back()),
          secondsOf(Phase::Decode),
          secondsOf(Phase::Prefill)};
}

//===----------------------------------------------------------------------===//
// What a reader must know
//===----------------------------------------------------------------------===//

/// Describe what does not fit, and what would. The times are then hypothetical.
static std::optional<std::string> describeLack(const Report &report) {
  const Request &request = report.request;
  const Memory &memory = report.getMemory();
  std::string has = llvm::formatv("{0} has {1}", request.device.name, inBytes(memory.deviceBytes));
  std::string ranks = report.fittingRanks     ? llvm::formatv("; --tp={0} would fit", *report.fittingRanks).str()
                      : request.config.latent ? "; no --tp would, which does not divide the latent's cache"
                                              : "";
  if (memory.weightBytes > memory.deviceBytes)
    return llvm::formatv(
        "does not fit: the weights take {0}{1}, but {2}; no batch and no context fits, and all weights "
        "together need {3} of these devices{4}; times are those of one with room for all",
        inBytes(memory.weightBytes), request.tensorParallel > 1 ? " on each device" : "", has,
        inCount(report.cache.devicesForWeights), ranks);
  if (memory.fits())
    return std::nullopt;
  std::string batch = memory.largestBatch ? "a batch of " + inCount(double(memory.largestBatch)) + " at this context"
                                          : "no batch at this context";
  std::string context = memory.largestContext
                            ? "a context of " + inCount(double(memory.largestContext)) + " with this batch"
                            : "no context with this batch";
  return llvm::formatv("does not fit: {0} x {1} tokens need {2}, which is {3} of weights and {4} of cache, but {5}; "
                       "{6} would fit, or {7}{8}; times are those of a device with room for all",
                       inCount(double(request.batch)), inCount(double(request.context)), inBytes(memory.getBytes()),
                       inBytes(memory.weightBytes), inBytes(memory.cacheBytes), has, batch, context, ranks);
}

/// Describe the weights that the checkpoint stores in another type than they are computed in.
static std::optional<std::string> describeStorage(const Request &request) {
  if (request.storedDType.empty() || request.storedDType == request.dtype || request.dtype == "fp8")
    return std::nullopt;
  std::string text =
      llvm::formatv("the checkpoint has the attention in {0}, which a compilation makes {1}: so it counts",
                    request.storedDType, request.dtype);
  if (request.formats.mlp.bytes)
    text += "; MLPs, which nothing is compiled of, count as stored, and are computed at the rate of " + request.dtype;
  return text;
}

/// Describe what --dtype=fp8 multiplies in e4m3.
static std::optional<std::string> describeProducts(const Request &request) {
  if (request.dtype != "fp8" || !request.config.latent)
    return std::nullopt;
  if (request.formats.getTokenTerms())
    return std::string("scaled weights of the attention stay in e4m3, products of them are bf16") +
           (request.formats.mlp.terms && request.config.hasMlp()
                ? "; MLPs, which nothing is compiled of, count as multiplied in e4m3 by tokens of one term"
                : "");
  if (request.formats.attention.front().bytes) // without terms: dequantized for the CPU, like all of them
    return "the CPU has no products of e4m3: all weights of the attention are in f32";
  return "no weight of the attention has scales of e4m3: all count as bf16";
}

static std::vector<std::string> makeNotes(const Report &report) {
  const Request &request = report.request;
  std::vector<std::string> notes;
  if (!request.config.hasMlp())
    notes.push_back("the config has no fields of an MLP: only attention is counted, and shares and speed-ups are of "
                    "attention alone");
  else if (!request.config.vocabSize)
    notes.push_back("the config has no vocab_size: embedding and logits are not counted");
  if (request.tensorParallel > 1)
    notes.push_back(
        llvm::formatv("one of {0} devices: heads, MLPs and vocabulary are divided, the latent's cache is on "
                      "each of them whole, and communication is left out",
                      request.tensorParallel));
  for (std::optional<std::string> note : {describeLack(report), describeStorage(request), describeProducts(request)})
    if (note)
      notes.push_back(std::move(*note));
  notes.insert(notes.end(), request.reservations.begin(), request.reservations.end());
  return notes;
}

Report mla::report::makeReport(Request request, std::unique_ptr<Report> baseline, llvm::ArrayRef<Request> formats) {
  ModelCosts whole(request.config, request.device, request.formats), costs = costsOfRank(request);
  Report report;
  report.parameters = whole.getParameters();
  report.activeParameters = whole.getActiveParameters();
  report.decode = makePhase(costs, request, Phase::Decode);
  report.prefill = makePhase(costs, request, Phase::Prefill);
  report.cache = makeCache(whole, costs, request, baseline.get());
  if (request.config.latent) {
    report.fold = makeFoldBytes(whole);
    report.crossover = makeCrossoverMap(costs.getAttentionModel(), request);
  }
  for (const Request &format : formats)
    report.formats.push_back(makeFormat(format));
  report.decodeAmdahl = findAmdahl(costs, request, report.decode);
  report.prefillAmdahl = findAmdahl(costs, request, report.prefill);
  report.fittingRanks = findFittingRanks(request);
  report.memoryMap = makeMemoryMap(costs, request);
  report.throughput = sampleBatches(costs, request);
  report.roofline = listRooflinePoints(report.decode, report.prefill);
  report.baseline = std::move(baseline);
  report.request = std::move(request);
  report.notes = makeNotes(report);
  return report;
}
