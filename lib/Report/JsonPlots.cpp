//===- JsonPlots.cpp - Maps and curves as JSON ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JsonPlots.h"

#include "llvm/ADT/STLExtras.h"

using namespace mla;
using namespace mla::report;
namespace json = llvm::json;

static constexpr double kMicroseconds = 1e6;

static json::Object memoryMapToJson(const MemoryMap &map) {
  json::Array rows;
  for (const std::vector<double> &row : map.bytes)
    rows.push_back(json::Array(row));
  return json::Object{
      {"batches", json::Array(map.batches)}, {"contexts", json::Array(map.contexts)}, {"bytes", std::move(rows)}};
}

static json::Object cellToJson(const CrossoverCell &cell) {
  return json::Object{
      {"queries", cell.queries},
      {"context", cell.context},
      {"cheapest", json::Object{{"q", stringifyForm(cell.cheapest.q)}, {"o", stringifyForm(cell.cheapest.o)}}},
      {"time_us", cell.seconds * kMicroseconds},
      {"naive_us", cell.naive * kMicroseconds},
      {"absorb_us", cell.absorb * kMicroseconds},
      {"fold_us", cell.fold * kMicroseconds}};
}

static json::Value crossoverToJson(const Report &report) {
  if (!report.crossover)
    return nullptr;
  json::Array cells;
  for (const CrossoverCell &cell : report.crossover->cells)
    cells.push_back(cellToJson(cell));
  return cells;
}

static json::Array throughputToJson(const Report &report) {
  json::Array samples;
  for (const BatchSample &sample : report.throughput) {
    json::Object rates, fits;
    for (auto [i, form] : llvm::enumerate(report.decode.forms)) {
      rates[form.key] = sample.tokensPerSecond[i];
      fits[form.key] = bool(sample.fits[i]);
    }
    samples.push_back(
        json::Object{{"batch", sample.batch}, {"tokens_per_second", std::move(rates)}, {"fits", std::move(fits)}});
  }
  return samples;
}

static json::Array rooflineToJson(const Report &report) {
  json::Array points;
  for (const RooflinePoint &point : report.roofline)
    points.push_back(json::Object{{"phase", stringifyPhase(point.phase)},
                                  {"form", point.form},
                                  {"of", point.core ? "attention_core" : "step"},
                                  {"flops_per_byte", point.flopsPerByte},
                                  {"flops_per_second", point.flopsPerSecond}});
  return points;
}

json::Object mla::report::plotsToJson(const Report &report) {
  return json::Object{{"memory", memoryMapToJson(report.memoryMap)},
                      {"cheapest_form", crossoverToJson(report)},
                      {"decode_by_batch", throughputToJson(report)},
                      {"roofline", rooflineToJson(report)}};
}
