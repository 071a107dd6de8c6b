//===- Memory.cpp - Memory of a device ------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NamedForms.h"

using namespace mla;
using namespace mla::report;

/// Return the forms whose weights are in the device's memory: for a plan, those of both phases.
static std::vector<AttentionForm> heldForms(const Request &request, const NamedForm &named) {
  if (named.key != "plan")
    return {named.form};
  return {plannedForm(request, Phase::Decode, request.context), plannedForm(request, Phase::Prefill, request.context)};
}

/// Return how many pieces of this size fit, at most `most`.
static int64_t countPieces(double bytes, double piece, int64_t most) {
  return bytes <= 0 ? 0 : int64_t(std::min(bytes / piece, double(most)));
}

Memory mla::report::makeMemory(const ModelCosts &costs, const Request &request, const NamedForm &named) {
  double token = costs.getCachedTokenBytes(named.form);
  Memory memory;
  memory.weightBytes = costs.getWeightBytes(heldForms(request, named));
  memory.cacheBytes = token * request.batch * request.context;
  memory.deviceBytes = double(request.device.memoryBytes);
  double left = memory.deviceBytes - memory.weightBytes;
  memory.largestBatch = countPieces(left, token * request.context, kMaxBatch);
  memory.largestContext = countPieces(left, token * request.batch, kMaxContext);
  return memory;
}

std::optional<int64_t> mla::report::findFittingRanks(const Request &request) {
  const importer::ModelConfig &config = request.config;
  int64_t heads = config.latent ? config.latent->numHeads : config.heads.heads;
  NamedForm planned = formsOf(request, Phase::Decode).back();
  for (int64_t ranks = 1; ranks <= heads; ++ranks) {
    if (heads % ranks)
      continue;
    ModelCosts costs(takeRank(config, ranks), request.device, request.formats);
    if (makeMemory(costs, request, planned).fits())
      return ranks;
  }
  return std::nullopt;
}
