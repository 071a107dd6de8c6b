//===- Sentences.cpp - Sentences of text and page -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sentences.h"
#include "Units.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mla;
using namespace mla::report;
using llvm::formatv;
using llvm::StringRef;
using mla::importer::LayerKind;
using mla::importer::ModelConfig;

static std::string counted(int64_t count, StringRef what) {
  return formatv("{0} {1}{2}", inCount(double(count)), what, count == 1 ? "" : "s");
}

//===----------------------------------------------------------------------===//
// Model and device
//===----------------------------------------------------------------------===//

static std::string describeAttention(const ModelConfig &config) {
  if (!config.latent) {
    auto [heads, keyValueHeads, headDim, rotated] = config.heads;
    return formatv("{0} heads of {1}, {2}", heads, headDim,
                   heads == keyValueHeads ? "each with its keys and values"
                                          : formatv("{0} of keys and values", keyValueHeads).str());
  }
  const importer::AttentionConfig &latent = *config.latent;
  return formatv("{0} heads of {1} + {2}, values of {3}, latent {4}", latent.numHeads, latent.nopeDim, latent.ropeDim,
                 latent.vDim, latent.kvLoraRank);
}

std::string mla::report::describeModel(const Report &report) {
  const ModelConfig &config = report.getConfig();
  std::string text = formatv("{0} ({1}): {2}, hidden {3}, {4}", report.request.name, config.modelType,
                             counted(config.numLayers(), "layer"), config.hiddenSize, describeAttention(config));
  if (!config.hasMlp())
    return text + formatv(", {0} of attention's weights", inNumbers(report.parameters)).str();
  text += formatv("; {0} weights", inNumbers(report.parameters));
  return config.experts ? text + formatv(", {0} of them a token", inNumbers(report.activeParameters)).str() : text;
}

std::string mla::report::describeDevice(const Request &request) {
  const Device &device = request.device;
  std::string text =
      formatv("on {0}: reads {1}/s, computes {2}/s, holds {3}; {4}", device.name, inBytes(device.readRate),
              inFlops(device.flopRate), inBytes(double(device.memoryBytes)), request.dtype);
  if (int64_t terms = request.formats.getTokenTerms())
    text += formatv(" by tokens of {0} at {1}/s", counted(terms, "term"), inFlops(device.getE4m3FlopRate()));
  if (isPacked(request.formats.cache))
    text += formatv(", cache {0}", schema::nameOf(request.formats.cache));
  return request.tensorParallel > 1 ? text + formatv("; one of {0} devices", request.tensorParallel).str() : text;
}

std::string mla::report::describeStep(const PhaseCosts &phase) {
  return formatv("{0}, {1} each, context {2}", counted(phase.step.batch, "sequence"),
                 counted(phase.step.tokens, "token"), inCount(double(phase.step.context)));
}

std::string mla::report::describeKind(const ModelConfig &config, const LayerKind &kind) {
  std::string text = formatv("one of {0} layers", kind.layers);
  if (kind.layers == 1)
    text = "one layer";
  if (kind.attentions > 1)
    text += ", " + counted(kind.attentions, "attention");
  if (kind.mixtures)
    return text + formatv(", {0} experts", config.experts->routed).str();
  return kind.denseMlps && config.experts ? text + ", dense" : text;
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

std::string mla::report::describeExperts(const Report &report, const PhaseCosts &phase) {
  const importer::Experts &experts = *report.getConfig().experts;
  return formatv("experts read in a layer: {0:f1} of {1}, {2} a token", *phase.activeExperts, experts.routed,
                 experts.perToken);
}

static std::string describeMeasured(const MeasuredPiece &piece) {
  return formatv("measured in one layer: {0}, {1}: {2}, predicted {3} ({4} kernels, {5})", titleOf(piece.piece),
                 stringifyForm(piece.form), inSeconds(piece.measured), inSeconds(piece.predicted), piece.kernels,
                 piece.file);
}

static std::string describeMeasured(const MeasuredPart &part) {
  return formatv("measured in the whole model: {0}: {1}, predicted {2} (mla-mlir kernels, {3})", part.title,
                 inSeconds(part.measured), inSeconds(part.predicted), part.file);
}

std::vector<std::pair<std::string, std::string>> mla::report::listSpeedUps(const Amdahl &amdahl) {
  std::vector<std::pair<std::string, std::string>> list;
  auto add = [&](StringRef what, std::optional<double> factor) {
    if (factor)
      list.push_back({what.str(), inTimes(*factor)});
  };
  add("absorption, against a full K/V cache", amdahl.absorptionOverFullCache);
  add("absorption, against recomputed keys", amdahl.absorptionOverRecomputed);
  add("an infinitely fast attention core", amdahl.infinitelyFastCore);
  add("infinitely fast attention with its projections", amdahl.infinitelyFastAttention);
  add("an infinitely fast MLP", amdahl.infinitelyFastMlp);
  return list;
}

static std::string describeFrom(std::optional<int64_t> context) {
  if (!context)
    return "at no context up to " + inCount(double(kMaxContext));
  return *context == 1 ? "at every context" : "from context " + inCount(double(*context));
}

std::string mla::report::describeContexts(const Amdahl &amdahl) {
  return "without the attention core the step is a tenth faster " + describeFrom(amdahl.mattersFrom) +
         ", twice as fast " + describeFrom(amdahl.halfFrom);
}

std::vector<std::string> mla::report::describePhase(const Report &report, const PhaseCosts &phase,
                                                    const Amdahl &amdahl) {
  std::vector<std::string> lines;
  if (report.getConfig().experts)
    lines.push_back(describeExperts(report, phase));
  for (const MeasuredPiece &piece : phase.measured)
    lines.push_back(describeMeasured(piece));
  for (const MeasuredPart &part : phase.measuredParts)
    lines.push_back(describeMeasured(part));
  for (auto [what, factor] : listSpeedUps(amdahl))
    lines.push_back("speed-up by " + what + ": " + factor);
  lines.push_back(describeContexts(amdahl));
  return lines;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static std::string describeReduction(double reduction) {
  return reduction >= 0 ? inPercent(reduction) + " less" : inTimes(1 - reduction) + " as much";
}

std::string mla::report::describeNeed(const Memory &memory) {
  return inBytes(memory.getBytes()) + (memory.fits() ? "" : ", does not fit");
}

/// Return "up to 65,536" at the limit of the search.
static std::string describeMost(int64_t number, int64_t limit) {
  return number == 0 ? "none" : (number == limit ? "at least " : "") + inCount(double(number));
}

static std::string describeFit(const Report &report) {
  const Memory &memory = report.getMemory();
  return formatv(
      "{0} x {1} tokens: {2} of weights and {3} of cache, {4} of {5}: {6}; largest batch at this context {7}, "
      "largest context of this batch {8}",
      inCount(double(report.request.batch)), inCount(double(report.request.context)), inBytes(memory.weightBytes),
      inBytes(memory.cacheBytes), inBytes(memory.getBytes()), inBytes(memory.deviceBytes),
      memory.fits() ? "fits" : "does not fit", describeMost(memory.largestBatch, kMaxBatch),
      describeMost(memory.largestContext, kMaxContext));
}

std::vector<std::string> mla::report::describeMemory(const Report &report) {
  const KvCache &cache = report.cache;
  std::vector<std::string> lines;
  lines.push_back(
      formatv("a cached token: {0}, as much as GQA of {1:f2} of its heads; keys and values of all (MHA) {2}, "
              "of eight (GQA) {3}, of one (MQA) {4}",
              inBytes(cache.bytesPerToken), cache.equalGroups, inBytes(cache.headBytesPerToken),
              inBytes(cache.groupedBytesPerToken), inBytes(cache.multiQueryBytesPerToken)));
  lines.push_back(formatv("against {0}, {1}: {2}, in 6 bits {3}", cache.baseline, inBytes(cache.baselineBytesPerToken),
                          describeReduction(cache.reduction), describeReduction(cache.reduction6bit)));
  lines.push_back(formatv("sequences of {0} tokens in {1}: {2}, beside the weights {3}",
                          inCount(double(report.request.context)), inBytes(double(report.request.device.memoryBytes)),
                          inCount(cache.sequencesAlone), inCount(cache.sequencesBesideWeights)));
  lines.push_back(describeFit(report));
  if (report.fold)
    lines.push_back(formatv("the fold's weights: {0} more a layer's attention, {1} more in all",
                            inBytes(report.fold->layer), inBytes(report.fold->model)));
  return lines;
}

std::vector<std::vector<std::string>> mla::report::listFormats(const Report &report) {
  std::vector<std::vector<std::string>> rows;
  for (const FormatCosts &format : report.formats) {
    if (rows.empty())
      rows.push_back({"weights in", "an attention's", "folded", "decode", "prefill", "needs"});
    std::string terms = format.tokenTerms ? ", tokens of " + counted(format.tokenTerms, "term") : "";
    rows.push_back({format.dtype + terms, inBytes(format.absorbedBytes), inBytes(format.foldedBytes),
                    inSeconds(format.decodeSeconds), inSeconds(format.prefillSeconds), describeNeed(format.memory)});
  }
  return rows;
}
