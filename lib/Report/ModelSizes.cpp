//===- ModelSizes.cpp - Weights and caches of a whole model ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Report/ModelCosts.h"

#include "llvm/Support/MathExtras.h"

using namespace mla;
using namespace mla::report;
using mla::importer::LayerKind;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Return the sum over the elements of the matrices of one latent attention.
double ModelCosts::sumMatrices(llvm::function_ref<double(Matrix)> perElement) const {
  auto [D, I, H, P, R, V, L, bytes, row, formats, window, adapters] = model.getShape();
  double down = config.latent->qLoraRank ? perElement(Matrix::DownQuery) * D * I : 0;
  return down + perElement(Matrix::UpQuery) * H * I * (P + R) + perElement(Matrix::DownKeyValue) * D * (L + R) +
         perElement(Matrix::UpKey) * H * P * L + perElement(Matrix::UpValue) * H * L * V +
         perElement(Matrix::Output) * H * V * D;
}

double ModelCosts::getAttentionParameters() const {
  if (!config.latent)
    return 2.0 * config.hiddenSize * config.heads.headDim * (config.heads.heads + config.heads.keyValueHeads);
  return sumMatrices([](Matrix) { return 1; });
}

double ModelCosts::getAttentionWeightBytes(Form form) const {
  double bytes = sumMatrices([&](Matrix matrix) { return model.getWeightBytes(matrix); });
  if (form == Form::Fold)
    for (auto side : {&CostModel::getQueryWeightBytes, &CostModel::getOutputWeightBytes})
      bytes += (model.*side)(Form::Fold) - (model.*side)(Form::Absorb);
  return bytes;
}

/// Return the parameters of MLPs with this many routed experts per mixture, without routers.
double ModelCosts::getMlpParameters(double experts) const {
  double perWidth = double(config.gatedMlp ? 3 : 2) * config.hiddenSize, sum = 0;
  for (const LayerKind &kind : config.layers) {
    double width = double(kind.denseMlps) * config.denseWidth;
    if (kind.mixtures)
      width += experts * config.experts->width + config.experts->sharedWidth;
    sum += kind.layers * perWidth * width;
  }
  return sum;
}

/// Return the parameters of attention, routers, embedding and logits.
double ModelCosts::getOtherParameters() const {
  double sum = config.numAttentions() * getAttentionParameters();
  for (const LayerKind &kind : config.layers)
    if (kind.mixtures)
      sum += double(kind.layers) * config.hiddenSize * (config.experts->routed + config.experts->zero);
  return config.hasMlp() ? sum + double(config.vocabSize) * config.hiddenSize * (config.tiedEmbeddings ? 1 : 2) : sum;
}

double ModelCosts::getParameters() const {
  return getOtherParameters() + getMlpParameters(config.experts ? config.experts->routed : 0);
}

double ModelCosts::getActiveParameters() const {
  double sum = getOtherParameters() + getMlpParameters(config.experts ? getRealChoices() : 0);
  // Only one row of a separate embedding is read.
  return config.tiedEmbeddings || !config.hasMlp() ? sum : sum - double(config.vocabSize) * config.hiddenSize;
}

/// Return the bytes of one side of one attention in addition to the weights of the absorbed form, which the naive form
/// shares.
static double extraBytes(llvm::ArrayRef<AttentionForm> forms, Form Forms::*side, double absorbed, double folded) {
  auto isFolded = [&](const AttentionForm &form) { return !form.fullCache && form.forms.*side == Form::Fold; };
  return (llvm::any_of(forms, isFolded) ? folded : 0) - (llvm::all_of(forms, isFolded) ? absorbed : 0);
}

double ModelCosts::getWeightBytes(llvm::ArrayRef<AttentionForm> forms) const {
  int64_t elementBytes = model.getShape().elementBytes;
  double bytes =
      elementBytes * getOtherParameters() + (mlpWeights.bytes ? mlpWeights.bytes : elementBytes) *
                                                getMlpParameters(config.experts ? config.experts->routed : 0);
  if (!config.latent)
    return bytes;
  double extra =
      getAttentionWeightBytes(Form::Absorb) - elementBytes * getAttentionParameters() +
      extraBytes(forms, &Forms::q, model.getQueryWeightBytes(Form::Absorb), model.getQueryWeightBytes(Form::Fold)) +
      extraBytes(forms, &Forms::o, model.getOutputWeightBytes(Form::Absorb), model.getOutputWeightBytes(Form::Fold));
  return bytes + double(config.numAttentions()) * extra;
}

//===----------------------------------------------------------------------===//
// Caches
//===----------------------------------------------------------------------===//

double ModelCosts::getCachedTokenBytes(const AttentionForm &form) const {
  return form.fullCache && config.latent ? getHeadCacheBytes(config.latent->numHeads) : getCachedTokenBytes();
}

double ModelCosts::getCachedTokenBytes() const {
  if (!config.latent)
    return getHeadCacheBytes(config.heads.keyValueHeads);
  return double(config.numAttentions()) * model.getCachedTokenBytes();
}

double ModelCosts::getHeadCacheBytes(int64_t keyValueHeads) const {
  const LayerShape &shape = model.getShape();
  double head = config.latent ? shape.nope + shape.rope + shape.value : 2 * config.heads.headDim;
  return double(config.numAttentions()) * keyValueHeads * head * shape.elementBytes;
}

//===----------------------------------------------------------------------===//
// Ranks
//===----------------------------------------------------------------------===//

importer::ModelConfig mla::report::takeRank(importer::ModelConfig config, int64_t ranks) {
  auto divide = [ranks](int64_t &size) { size = llvm::divideCeil(size, ranks); };
  if (config.latent)
    divide(config.latent->numHeads);
  divide(config.heads.heads);
  divide(config.heads.keyValueHeads);
  divide(config.denseWidth);
  divide(config.vocabSize);
  if (config.experts) {
    divide(config.experts->width);
    divide(config.experts->sharedWidth);
  }
  return config;
}
