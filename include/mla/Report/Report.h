//===- Report.h - Costs of a model by part ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The numbers of a report; the writers format them as text, JSON or HTML and
// compute nothing. docs/report.md explains each number.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_REPORT_REPORT_H
#define MLA_REPORT_REPORT_H

#include "mla/Report/Measured.h"
#include "mla/Report/Plots.h"

#include "llvm/Support/raw_ostream.h"

#include <memory>

namespace mla::report {

/// Limits of batches and contexts: more than any device holds, and no product overflows 64 bits.
inline constexpr int64_t kMaxBatch = 1 << 16, kMaxContext = 1 << 24;

/// The request for a report.
struct Request {
  std::string name; ///< Of the model, for readers.
  importer::ModelConfig config;
  Device device;
  std::string dtype = "bf16"; ///< As --dtype names it.
  ElementFormats formats;
  std::string storedDType;    ///< Of the attention's matrices in the checkpoint; empty: there is none.
  int64_t tensorParallel = 1; ///< Devices that divide the model; costs are those of one.
  int64_t batch = 1;          ///< 1 to kMaxBatch
  int64_t context = 4096;     ///< 1 to kMaxContext
  PlanAttr plan;              ///< Null without latent attention.
  std::vector<std::string> reservations;
};

/// The memory that a device needs for a step, without activations and workspaces.
struct Memory {
  double weightBytes = 0, cacheBytes = 0, deviceBytes = 0;
  int64_t largestBatch = 0;   ///< that fits with the report's context, up to kMaxBatch; 0: none does
  int64_t largestContext = 0; ///< that fits with the report's batch, up to kMaxContext; 0: none does

  double getBytes() const { return weightBytes + cacheBytes; }
  bool fits() const { return getBytes() <= deviceBytes; }
};

/// A form of the attention and the costs of a step in it.
struct FormCosts {
  std::string key;   ///< "absorb", as in JSON
  std::string title; ///< for readers
  Costs model;
  std::vector<Costs> layers; ///< one layer of each kind of the config
  Memory memory;             ///< For the plan with the weights of both phases' forms.
};

/// The time of a step of the model in each form, in the order of `PhaseCosts::forms`, at another context.
struct Sample {
  int64_t context;
  std::vector<double> seconds;
};

/// Decode: one token per sequence. Prefill: a whole prompt per sequence, of as many tokens as the context, in one step.
struct PhaseCosts {
  Phase phase;
  Step step;
  std::vector<FormCosts> forms;        ///< The last is the plan, or the only one.
  std::optional<double> activeExperts; ///< Expected number of routed experts of a mixture that the step reads.
  std::vector<Sample> samples;         ///< By increasing context.
  std::vector<MeasuredPiece> measured;
  std::vector<MeasuredPart> measuredParts; ///< Of the planned form.

  const FormCosts &getPlanned() const { return forms.back(); }
  const FormCosts *find(llvm::StringRef key) const;
};

/// Bytes of the whole model's caches. A reduction is 1 - own / baseline.
struct KvCache {
  double bytesPerToken;
  double headBytesPerToken;    ///< MHA: keys and values of all heads of this model
  double groupedBytesPerToken; ///< GQA of eight of these heads, or of all where there are fewer
  double multiQueryBytesPerToken;
  double equalGroups;   ///< GQA of this many of these heads has the same size.
  std::string baseline; ///< the baseline of the reductions
  double baselineBytesPerToken;
  double reduction;
  double reduction6bit;   ///< own elements in 6 bits, the baseline's in 16
  double weightBytes;     ///< of the whole model, like the next four without the extra ones of a fold
  double rankWeightBytes; ///< on each device of tensorParallel
  double sequencesAlone;  ///< of the context that fit into a device's empty memory
  double sequencesBesideWeights;
  double devicesForWeights; ///< that together hold the weights of the whole model
};

/// Amdahl's law: speed-up of the whole step if a part took no time.
struct Amdahl {
  std::optional<double> absorptionOverFullCache; ///< time of that naive form over absorbed; below 1 it is slower
  std::optional<double> absorptionOverRecomputed;
  double infinitelyFastCore;
  /// With its projections; none, like the next, if the config has no MLP and attention is everything.
  std::optional<double> infinitelyFastAttention;
  std::optional<double> infinitelyFastMlp;
  /// The contexts from which on an infinitely fast core makes the step a tenth faster, and twice as fast.
  std::optional<int64_t> mattersFrom, halfFrom;
};

/// The additional bytes of the fold's weights over the absorbed ones.
struct FoldBytes {
  double layer, model;
};

/// The model in one of the formats of its attention's weights, on one of the devices, planned for that format.
struct FormatCosts {
  std::string dtype;                    ///< "bf16"
  int64_t tokenTerms;                   ///< of products in e4m3; 0: none
  double absorbedBytes, foldedBytes;    ///< of the weights of one attention in that form
  Memory memory;                        ///< in the planned form
  double decodeSeconds, prefillSeconds; ///< of the planned forms
};

struct Report {
  Request request;
  double parameters, activeParameters;
  PhaseCosts decode, prefill;
  KvCache cache;
  std::optional<FoldBytes> fold;
  std::vector<FormatCosts> formats;    ///< bf16 and fp8 if the checkpoint has scaled weights
  std::optional<int64_t> fittingRanks; ///< The fewest devices on which the step fits.
  Amdahl decodeAmdahl, prefillAmdahl;
  MemoryMap memoryMap;
  std::optional<CrossoverMap> crossover; ///< None without latent attention.
  std::vector<BatchSample> throughput;   ///< By increasing batch.
  std::vector<RooflinePoint> roofline;
  std::vector<std::string> notes; ///< Notes for the reader, one sentence each.
  std::unique_ptr<Report> baseline;

  const importer::ModelConfig &getConfig() const { return request.config; }
  const Memory &getMemory() const { return decode.getPlanned().memory; }
};

/// Create a report. `baseline` may be null: the cache is then compared with MHA of the same heads. `formats`: the same
/// request in each of the formats that are compared.
Report makeReport(Request request, std::unique_ptr<Report> baseline = nullptr, llvm::ArrayRef<Request> formats = {});

/// Return the speed-ups of one phase of a model.
Amdahl findAmdahl(const ModelCosts &costs, const Request &request, const PhaseCosts &phase);

/// Return the planned form for a phase at a context; heads have only one.
AttentionForm plannedForm(const Request &request, Phase phase, int64_t context);
/// Return one step of a phase.
Step stepOf(Phase phase, int64_t batch, int64_t context);

void writeText(llvm::raw_ostream &os, const Report &report);
void writeJson(llvm::raw_ostream &os, const Report &report);
void writeHtml(llvm::raw_ostream &os, const Report &report);

} // namespace mla::report

#endif // MLA_REPORT_REPORT_H
