//===- CostModel.cpp - Bytes, FLOPs, launches and time of a layer ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/CostModel.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mla;

Cost &Cost::operator+=(const Cost &other) {
  readBytes += other.readBytes;
  writtenBytes += other.writtenBytes;
  flops += other.flops;
  launches += other.launches;
  seconds += other.seconds;
  return *this;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

double CostModel::getKernelSeconds(const Cost &cost, double tiledFlops) const {
  double memory = cost.readBytes / device.readRate + cost.writtenBytes / device.getWriteRate();
  return cost.launches * device.launchSeconds + std::hypot(memory, tiledFlops / device.flopRate);
}

Cost CostModel::getProductCost(double groups, double tokens, int64_t contracted, int64_t columns,
                               int64_t weightBytes) const {
  double weights = groups * contracted * columns;
  if (weights == 0 || tokens == 0)
    return {};
  Cost cost;
  cost.readBytes =
      (weightBytes ? weightBytes : shape.elementBytes) * weights + shape.elementBytes * groups * tokens * contracted;
  cost.writtenBytes = shape.elementBytes * groups * tokens * columns;
  cost.flops = 2 * weights * tokens;
  cost.launches = 1;
  cost.seconds = getKernelSeconds(cost, 2 * weights * llvm::alignTo(uint64_t(std::ceil(tokens)), device.tokenTile));
  return cost;
}

Cost CostModel::getStreamCost(double readElements, double writtenElements) const {
  return getStreamBytesCost(shape.elementBytes * readElements, shape.elementBytes * writtenElements);
}

Cost CostModel::getStreamBytesCost(double readBytes, double writtenBytes) const {
  Cost cost;
  cost.readBytes = readBytes;
  cost.writtenBytes = writtenBytes;
  cost.launches = 1;
  cost.seconds = getKernelSeconds(cost, 0);
  return cost;
}

//===----------------------------------------------------------------------===//
// Weights and cache
//===----------------------------------------------------------------------===//

int64_t CostModel::getQueryWeightBytes(Form form) const {
  auto [D, I, H, P, R, V, L, bytes, row] = shape;
  return bytes * H * (form == Form::Fold ? I * (L + R) : I * (P + R) + P * L);
}

int64_t CostModel::getOutputWeightBytes(Form form) const {
  auto [D, I, H, P, R, V, L, bytes, row] = shape;
  return bytes * H * (form == Form::Fold ? L * D : L * V + V * D);
}

int64_t CostModel::getCachedTokenBytes() const {
  return shape.packedRowBytes ? shape.packedRowBytes : shape.elementBytes * (shape.latent + shape.rope);
}

int64_t CostModel::getExpandedTokenBytes() const {
  return shape.elementBytes * shape.heads * (shape.nope + shape.rope + shape.value);
}

//===----------------------------------------------------------------------===//
// Parts of a step
//===----------------------------------------------------------------------===//

Cost CostModel::getQueryCost(Form form, int64_t tokens) const {
  auto [D, I, H, P, R, V, L, bytes, row] = shape;
  if (form != Form::Fold) {
    Cost cost = getProductCost(1, tokens, I, H * (P + R));
    return form == Form::Absorb ? cost + getProductCost(H, tokens, P, L) : cost;
  }
  if (style.joinsFoldedQuery)
    return getProductCost(1, tokens, I, H * (L + R));
  return getProductCost(1, tokens, I, H * L) + getProductCost(1, tokens, I, H * R);
}

Cost CostModel::getOutputCost(Form form, int64_t tokens) const {
  auto [D, I, H, P, R, V, L, bytes, row] = shape;
  if (form == Form::Fold)
    return getProductCost(1, tokens, H * L, D);
  Cost cost = getProductCost(1, tokens, H * V, D);
  if (form == Form::Naive)
    return cost;
  cost += getProductCost(H, tokens, L, V);
  double heads = double(tokens) * H * V;
  return style.copiesHeads && tokens > 1 ? cost + getStreamCost(heads, heads) : cost;
}

Cost CostModel::getUpProjectionCost(Forms forms, const Step &step) const {
  auto [D, I, H, P, R, V, L, bytes, row] = shape;
  Cost cost;
  if (forms.q != Form::Naive && forms.o != Form::Naive)
    return cost; // the cache is read in place
  int64_t keys = step.batch * step.context;
  cost += getStreamBytesCost(double(keys) * getCachedTokenBytes(), double(bytes) * keys * (L + R));
  if (forms.q == Form::Naive)
    cost += getProductCost(1, keys, L, H * P);
  if (forms.o == Form::Naive)
    cost += getProductCost(1, keys, L, H * V);
  return cost;
}

/// Counts pairs of a query and a key that it sees: query i of s sees n - s + i + 1 keys.
static double countPairs(const Step &step) {
  double tokens = step.tokens, context = step.context;
  return step.batch * (tokens * context - tokens * (tokens - 1) / 2);
}

/// `keyBytes`: of a key and its value. `rows`: queries of a tile, which share their keys.
Cost CostModel::getCoreCost(const Step &step, int64_t heads, int64_t key, int64_t value, double keyBytes, int64_t rows,
                            double launches) const {
  double queries = double(step.batch) * step.tokens * heads, keys = double(step.batch) * step.context;
  Cost cost;
  cost.readBytes = shape.elementBytes * queries * key + keys * keyBytes;
  cost.writtenBytes = shape.elementBytes * queries * value;
  cost.flops = 2 * heads * countPairs(step) * (key + value);
  cost.launches = launches;
  double tiled = cost.flops * llvm::alignTo(rows, device.rowTile) / rows;
  cost.seconds = device.attentionSeconds + getKernelSeconds(cost, tiled);
  return cost;
}

Cost CostModel::getAttentionCost(Forms forms, const Step &step) const {
  auto [D, I, H, P, R, V, L, bytes, row] = shape;
  bool latentKeys = forms.q != Form::Naive, latentValues = forms.o != Form::Naive;
  double elements = R; // of a key and its value
  elements += latentKeys ? L : H * P;
  if (!latentKeys || !latentValues) // latent values are already counted as keys
    elements += latentValues ? L : H * V;
  // Split over the keys, and merged; keys per head are attended to in one kernel.
  bool inPlace = latentKeys && latentValues;
  double launches = inPlace ? 2 : 1, keyBytes = inPlace ? getCachedTokenBytes() : bytes * elements;
  int64_t rows = inPlace ? H * step.tokens : step.tokens;
  return getCoreCost(step, H, (latentKeys ? L : P) + R, latentValues ? L : V, keyBytes, rows, launches);
}

Cost CostModel::getHeadAttentionCost(const HeadShape &heads, const Step &step) const {
  int64_t rows = heads.heads / heads.keyValueHeads * step.tokens;
  return getCoreCost(step, heads.heads, heads.key, heads.value, double(shape.elementBytes) * heads.getCachedElements(),
                     rows, 1);
}

Cost CostModel::getDownQueryCost(int64_t tokens) const {
  auto [D, I, H, P, R, V, L, bytes, row] = shape;
  double rotated = double(tokens) * H * R;
  Cost cost = getStreamCost(rotated, rotated);
  if (I && I != D)
    cost += getProductCost(1, tokens, D, I) + getStreamCost(double(tokens) * I, double(tokens) * I);
  return cost;
}

Cost CostModel::getAppendCost(int64_t tokens) const {
  double row = shape.latent + shape.rope;
  return getProductCost(1, tokens, shape.hidden, shape.latent + shape.rope) +
         getStreamBytesCost(tokens * shape.elementBytes * row, double(tokens) * getCachedTokenBytes());
}

Cost CostModel::getCommonCost(int64_t tokens) const { return getDownQueryCost(tokens) + getAppendCost(tokens); }

LayerCost CostModel::getCost(Forms forms, const Step &step) const {
  int64_t tokens = step.batch * step.tokens;
  return {getCommonCost(tokens), getQueryCost(forms.q, tokens), getUpProjectionCost(forms, step),
          getAttentionCost(forms, step), getOutputCost(forms.o, tokens)};
}

LayerCost CostModel::getFullCacheCost(const Step &step) const {
  auto [D, I, H, P, R, V, L, bytes, row] = shape;
  int64_t tokens = step.batch * step.tokens;
  double expanded = double(tokens) * H * (P + R + V);
  Cost up =
      getProductCost(1, tokens, L, H * P) + getProductCost(1, tokens, L, H * V) + getStreamCost(expanded, expanded);
  return {getCommonCost(tokens), getQueryCost(Form::Naive, tokens), up, getHeadAttentionCost({H, H, P + R, V}, step),
          getOutputCost(Form::Naive, tokens)};
}
