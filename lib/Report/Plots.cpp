//===- Plots.cpp - Data of a report's plots -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Report/Plots.h"
#include "NamedForms.h"

using namespace mla;
using namespace mla::report;

static constexpr int64_t kFirstContext = 256, kLastContext = 1 << 20, kLastBatch = 1024, kLastQueries = 1 << 14;

/// Return powers of two, and the requested value if it is in their range.
static std::vector<int64_t> doubleUpTo(int64_t first, int64_t last, int64_t asked) {
  std::vector<int64_t> values;
  for (int64_t value = first; value <= last; value *= 2)
    values.push_back(value);
  auto at = llvm::lower_bound(values, asked);
  if (asked >= first && at != values.end() && *at != asked)
    values.insert(at, asked);
  return values;
}

MemoryMap mla::report::makeMemoryMap(const ModelCosts &costs, const Request &request) {
  NamedForm planned = formsOf(request, Phase::Decode).back();
  Memory memory = makeMemory(costs, request, planned);
  double token = costs.getCachedTokenBytes(planned.form);
  MemoryMap map{doubleUpTo(1, kLastBatch, request.batch), doubleUpTo(kFirstContext, kLastContext, request.context), {}};
  for (int64_t batch : map.batches) {
    std::vector<double> &row = map.bytes.emplace_back();
    for (int64_t context : map.contexts)
      row.push_back(memory.weightBytes + token * batch * context);
  }
  return map;
}

//===----------------------------------------------------------------------===//
// Crossover
//===----------------------------------------------------------------------===//

static constexpr Forms kPairs[] = {kAbsorb, kNaive, kFold, {Form::Fold, Form::Absorb}, {Form::Absorb, Form::Fold}};

static CrossoverCell findCheapest(const CostModel &model, const Step &step) {
  auto seconds = [&](Forms forms) { return model.getCost(forms, step).getTotal().seconds; };
  Forms cheapest = kPairs[0];
  for (Forms forms : kPairs)
    if (seconds(forms) < seconds(cheapest))
      cheapest = forms;
  return {step.tokens, step.context, cheapest, seconds(cheapest), seconds(kNaive), seconds(kAbsorb), seconds(kFold)};
}

CrossoverMap mla::report::makeCrossoverMap(const CostModel &model, const Request &request) {
  CrossoverMap map{
      doubleUpTo(1, kLastQueries, request.context), doubleUpTo(kFirstContext, kLastContext, request.context), {}};
  for (int64_t queries : map.queries)
    for (int64_t context : map.contexts)
      if (queries <= context)
        map.cells.push_back(findCheapest(model, {request.batch, queries, context}));
  return map;
}

//===----------------------------------------------------------------------===//
// Batches
//===----------------------------------------------------------------------===//

std::vector<BatchSample> mla::report::sampleBatches(const ModelCosts &costs, const Request &request) {
  std::vector<BatchSample> samples;
  for (int64_t batch : doubleUpTo(1, kLastBatch, request.batch)) {
    BatchSample &sample = samples.emplace_back(BatchSample{batch, {}, {}});
    for (const NamedForm &named : formsOf(request, Phase::Decode)) {
      Costs step = costs.getModel(named.form, stepOf(Phase::Decode, batch, request.context));
      sample.tokensPerSecond.push_back(double(batch) / step.getTotal().seconds);
      sample.fits.push_back(batch <= makeMemory(costs, request, named).largestBatch);
    }
  }
  return samples;
}

//===----------------------------------------------------------------------===//
// Roofline
//===----------------------------------------------------------------------===//

std::vector<RooflinePoint> mla::report::listRooflinePoints(const PhaseCosts &decode, const PhaseCosts &prefill) {
  std::vector<RooflinePoint> points;
  for (const PhaseCosts *phase : {&decode, &prefill})
    for (const FormCosts &form : phase->forms)
      for (bool core : {false, true}) {
        Cost cost = core ? form.model[Part::AttentionCore] : form.model.getTotal();
        points.push_back({phase->phase, form.key, core, cost.flops / cost.getBytes(), cost.flops / cost.seconds});
      }
  return points;
}
