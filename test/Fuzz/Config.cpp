//===- Config.cpp - Any bytes as a config.json ----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An accepted config must be a layer: sizes at least 1, finite numbers, weights
// whose bytes do not overflow. Read as a whole model, it must have costs.
//
//===----------------------------------------------------------------------===//

#include "Require.h"
#include "SafetensorsHeader.h"

#include "mla/Import/WeightSpec.h"
#include "mla/Report/Report.h"

#include <cmath>

using namespace mla;
using namespace mla::importer;

static void checkNumbers(const AttentionConfig &config) {
  for (int64_t size :
       {config.hiddenSize, config.numHeads, config.numLayers, config.kvLoraRank, config.nopeDim, config.vDim})
    REQUIRE(size >= 1);
  REQUIRE(config.qLoraRank >= 0 && config.ropeDim >= 0 && config.qkDim() >= 1);
  REQUIRE(config.rope.inverseFrequencies.size() == static_cast<uint64_t>(config.ropeDim / 2));
  for (float frequency : config.rope.inverseFrequencies)
    REQUIRE(std::isfinite(frequency) || std::isnan(config.rope.theta)); // null; no code is made of it
  REQUIRE(std::isfinite(config.rope.cosSinScale) && std::isfinite(config.queryScaleBeta));
  REQUIRE(std::isfinite(config.softmaxScale) && config.softmaxScale > 0);
  REQUIRE(std::isfinite(config.rmsNormEps) && std::isfinite(config.configRmsNormEps));
}

/// The costs of the largest step that a report accepts are finite.
static void checkModel(llvm::StringRef text) {
  llvm::Expected<ModelConfig> config = parseModelConfig(text, "config.json");
  if (!config) {
    REQUIRE(llvm::StringRef(llvm::toString(config.takeError())).starts_with("config.json: "));
    return;
  }
  inputAccepted = true;
  report::Request request;
  request.config = std::move(*config);
  request.device = Device::h100();
  request.batch = report::kMaxBatch;
  request.context = report::kMaxContext;
  report::Report made = report::makeReport(std::move(request));
  for (const report::PhaseCosts *phase : {&made.decode, &made.prefill}) {
    double seconds = phase->getPlanned().model.getTotal().seconds;
    REQUIRE(std::isfinite(seconds) && seconds > 0);
  }
  REQUIRE(std::isfinite(made.parameters) && made.parameters > 0);
  REQUIRE(made.cache.bytesPerToken > 0 && std::isfinite(made.decodeAmdahl.infinitelyFastCore));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef text(reinterpret_cast<const char *>(data), size);
  checkModel(text);
  llvm::Expected<AttentionConfig> config = parseConfig(text, "config.json");
  if (!config) {
    REQUIRE(llvm::StringRef(llvm::toString(config.takeError())).starts_with("config.json: "));
    return 0;
  }
  checkNumbers(*config);
  for (const WeightSpec &spec : announcedSpecs(*config, 0))
    REQUIRE(tensorBytes(spec.dtype, {spec.expected.shape.begin(), spec.expected.shape.end()}));
  inputAccepted = true;
  return 0;
}
