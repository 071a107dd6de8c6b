//===- MeasuredParts.cpp - Measured steps of whole models ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `mla-run --profile` divides a step into the parts of launch_abi.def. Here they
// are joined to what the cost model knows too: it counts the norm in front of
// the queries with the others.
//
//===----------------------------------------------------------------------===//

#include "Results.h"
#include "mla/Report/Measured.h"

#include "llvm/Support/JSON.h"

using namespace mla;
using namespace mla::report;
using llvm::StringRef;
namespace json = llvm::json;

static constexpr double microsecond = 1e-6;

/// Return whether the config has the sizes of DeepSeek-V2-Lite, which is what was measured.
static bool isMeasured(const importer::ModelConfig &config) {
  if (!config.latent || !config.experts)
    return false;
  const importer::AttentionConfig &a = *config.latent;
  const importer::Experts &e = *config.experts;
  bool attends = a.hiddenSize == 2048 && a.numHeads == 16 && a.qLoraRank == 0 && a.kvLoraRank == 512 &&
                 a.nopeDim == 128 && a.ropeDim == 64 && a.vDim == 128;
  bool mixes = e.width == 1408 && e.routed == 64 && e.zero == 0 && e.perToken == 6 && e.sharedWidth == 2816;
  return attends && mixes && config.denseWidth == 10944 && config.vocabSize == 102400 && config.numLayers() == 27 &&
         llvm::count(config.sparse, true) == 26;
}

/// Return the sum of some of a row's parts.
static double sumOf(const json::Object &row, llvm::ArrayRef<StringRef> parts) {
  double sum = 0;
  for (StringRef part : parts)
    sum += *row.getObject("parts_us")->getNumber(part);
  return sum * microsecond;
}

static std::vector<MeasuredPart> partsOf(const json::Object &row, const Costs &costs) {
  double rest = (costs[Part::Append] + costs[Piece::Norms] + costs[Piece::Logits]).seconds;
  double mlp = costs[Part::Mlp].seconds, all = costs.getTotal().seconds;
  StringRef file = modelParts.file;
  return {{"attention", "attention with its projections", sumOf(row, {"query side", "attention", "output side"}),
           all - mlp - rest, file},
          {"mlp", "MLPs and experts", sumOf(row, {"MLP", "experts"}), mlp, file},
          {"rest", "rest", sumOf(row, {"rest"}), rest, file},
          {"all", "all kernels", sumOf(row, {"query side", "attention", "output side", "MLP", "experts", "rest"}), all,
           file}};
}

std::vector<MeasuredPart> mla::report::findMeasuredParts(const ModelCosts &costs, const AttentionForm &planned,
                                                         const Step &step) {
  const LayerShape &shape = costs.getAttentionModel().getShape();
  if (costs.getAttentionModel().getDevice().name != Device::h200().name || !isMeasured(costs.getConfig()) ||
      shape.elementBytes != 2 || shape.packedRowBytes || step.tokens != 1)
    return {};
  json::Value results = llvm::cantFail(json::parse(modelParts.text)); // the tests read it
  for (const json::Value &value : *results.getAsObject()->getArray("rows")) {
    const json::Object &row = *value.getAsObject();
    if (*row.getInteger("batch") == step.batch && *row.getInteger("context") == step.context)
      return partsOf(row, costs.getModel(planned, step));
  }
  return {};
}
